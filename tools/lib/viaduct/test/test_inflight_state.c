// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-flight states that another implementation has left: chains in flight in
 * any order, a batch that is half published; and inconsistent states.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <unistd.h>

#include "frame.h"
#include "keep.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)
#define PACKED (MODERN | VG_BIT(VG_F_RING_PACKED))
#define SEED	12
#define FRAMES	10	/* in the ring */
#define TAKEN	6	/* that the program before has fetched */
#define BEFORE	25	/* so that the chains wrap around the ring's end */

static const struct vg_net_opts split_opts = {
	.features = MODERN, .num = { KEEP_NUM, KEEP_NUM }, .seed = 3,
};

static const struct vg_net_opts packed_opts = {
	.features = PACKED, .num = { KEEP_NUM, KEEP_NUM }, .seed = 3,
};

/* Chains of two descriptors. */
static const struct vg_layout apart = {
	"header apart", { 12 }, .nr_direct = VG_ALL_DIRECT
};

static void post(struct rig *r, uint64_t seq, unsigned int nr)
{
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;

	for (; nr; nr--, seq++) {
		size_t len = vg_frame_len(seq, SEED, VG_FRAME_MIN, VG_FRAME_MTU);

		vg_frame_build(frame, len, seq, SEED, false, &hdr);
		CHECK_EQ(vg_net_xmit(&r->fe.n, &hdr, frame, len, &apart), 0);
	}
}

/* The next frame is number @want. */
static void expect(struct rig *r, uint64_t want)
{
	uint64_t seq;

	CHECK_EQ(viaduct_dequeue_burst(r->dev, VG_TX, r->pkt, 1), 1);
	CHECK(!vg_frame_check(r->pkt[0].data, r->pkt[0].len, SEED, &seq));
	CHECK_EQ(seq, want);
}

/* Some frames as usual; then the program ends, and there are more. */
static void before(struct rig *r, struct keep *k, const struct vg_net_opts *o)
{
	rig_open(r, o, RIG_PROTO);
	keep_make(k);
	keep_start(r, k, vg_ring_base(&r->fe.n.ring[VG_TX]));
	post(r, 1000, BEFORE);
	CHECK_EQ(viaduct_dequeue_burst(r->dev, VG_TX, r->pkt, RIG_BURST), BEFORE);
	CHECK_EQ(vg_net_reap(&r->fe.n), BEFORE);
	rig_reconnect(r);
	post(r, 0, FRAMES);
}

/* The frames in @order come, with a further restart after the first two. */
static void after(struct rig *r, struct keep *k, const int *order)
{
	unsigned int i;

	keep_start(r, k, 7);
	for (i = 0; order[i] >= 0; i++) {
		expect(r, order[i]);
		if (i != 1)
			continue;
		rig_reconnect(r);
		keep_start(r, k, 7);
	}
	CHECK_EQ(viaduct_dequeue_burst(r->dev, VG_TX, r->pkt, 1), 0);
	CHECK(vg_net_reap(&r->fe.n) >= 0);
	CHECK_EQ(r->fe.n.ring[VG_TX].nr_flight, 0);
	/* The ring then works as usual. */
	rig_reconnect(r);
	keep_start(r, k, 7);
	rig_stream_tx(r, 0, 500, VG_FRAME_MTU, &apart);
	rig_close(r);
}

/*
 * Frames 3 and 5 of those taken are used, the others in flight. With @half, the
 * marks of the used ones have not been cleared.
 */
static void split_state(bool half)
{
	static const int order[] = { 0, 1, 2, 4, 6, 7, 8, 9, -1 };
	struct fe_split_region *s;
	struct vg_ring *ring;
	uint16_t head[TAKEN];
	struct keep k;
	struct rig r;
	unsigned int i;

	before(&r, &k, &split_opts);
	ring = &r.fe.n.ring[VG_TX];
	s = keep_split(&k, VG_TX);
	CHECK_EQ(s->used_idx, BEFORE);
	for (i = 0; i < TAKEN; i++) {
		head[i] = ring->avail->ring[(BEFORE + i) % KEEP_NUM];
		s->desc[head[i]].counter = 900 + i * i;
		s->desc[head[i]].inflight = half || (i != 3 && i != 5);
	}
	ring->used->ring[BEFORE].id = head[3];
	ring->used->ring[BEFORE + 1].id = head[5];
	__atomic_store_n(&ring->used->idx, BEFORE + 2, __ATOMIC_RELEASE);
	s->used_idx = half ? BEFORE : BEFORE + 2;
	s->last_batch_head = head[5];
	s->desc[head[5]].next = head[3];
	CHECK_EQ(vg_net_reap(&r.fe.n), 2);
	after(&r, &k, order);
}

TEST(inflight_split_out_of_order)
{
	split_state(false);
}

TEST(inflight_split_half_published)
{
	split_state(true);
}

static struct vring_packed_desc *slot(struct rig *r, unsigned int pos)
{
	return &r->fe.n.ring[VG_TX].pdesc[pos % KEEP_NUM];
}

/* Use the chain with @id at position @pos; @show: visible to the driver. */
static void packed_use(struct rig *r, unsigned int pos, uint16_t id, bool show)
{
	slot(r, pos)->len = 0;
	slot(r, pos)->id = id;
	if (show)
		__atomic_store_n(&slot(r, pos)->flags,
				 pos / KEEP_NUM % 2 ? 0 : 0x8080,
				 __ATOMIC_RELEASE);
}

/* Entries of a chain, scattered. */
static unsigned int entry(unsigned int chain, unsigned int i)
{
	return 1 + 5 * chain + 2 * i;
}

/* The chains taken, as the program before has copied them; 3 and 5 are used. */
static void packed_copy(struct rig *r, struct fe_packed_region *p)
{
	unsigned int c, i, at, last = KEEP_NUM;

	for (i = KEEP_NUM; i--;) {
		bool is_free = true;

		for (c = 0; c < TAKEN; c++)
			if (c != 3 && c != 5 && (i == entry(c, 0) ||
						 i == entry(c, 1)))
				is_free = false;
		if (is_free) {
			p->desc[i].next = last;
			last = i;
		}
	}
	p->free_head = last;
	p->old_free_head = last;
	for (c = 0; c < TAKEN; c++) {
		for (i = 0; i < 2; i++) {
			const struct vring_packed_desc *d =
				slot(r, 2 * (BEFORE + c) + i);

			at = entry(c, i);
			p->desc[at].addr = d->addr;
			p->desc[at].len = d->len;
			p->desc[at].id = d->id;
			p->desc[at].flags = d->flags;
			if (!i && c != 3 && c != 5)
				p->desc[at].next = entry(c, 1);
		}
		p->desc[entry(c, 0)].last = entry(c, 1);
		p->desc[entry(c, 0)].num = 2;
		p->desc[entry(c, 0)].counter = 900 + c * c;
		/* Those of 3 and 5 are stale. */
		p->desc[entry(c, 0)].inflight = 1;
	}
}

static void packed_place(struct fe_packed_region *p, unsigned int pos,
			 unsigned int old)
{
	p->used_idx = pos % KEEP_NUM;
	p->used_wrap = !(pos / KEEP_NUM % 2);
	p->old_used_idx = old % KEEP_NUM;
	p->old_used_wrap = !(old / KEEP_NUM % 2);
}

/* 0: no batch; 1: chain 0 is being used; 2: the driver sees it, but no more is done. */
static void packed_state(int batch)
{
	static const int order[] = { 0, 1, 2, 4, 6, 7, 8, 9, -1 };
	const unsigned int pos = 2 * BEFORE;
	struct fe_packed_region *p;
	uint16_t id[TAKEN];
	struct keep k;
	struct rig r;
	unsigned int i;

	before(&r, &k, &packed_opts);
	p = keep_packed(&k, VG_TX);
	CHECK_EQ(p->used_idx, pos);
	packed_copy(&r, p);
	for (i = 0; i < TAKEN; i++)
		id[i] = slot(&r, pos + 2 * i + 1)->id;
	packed_use(&r, pos, id[3], true);
	packed_use(&r, pos + 2, id[5], true);
	CHECK_EQ(vg_net_reap(&r.fe.n), 2);
	packed_place(p, pos + 4, pos + 4);
	if (batch) {
		p->desc[entry(0, 1)].next = p->free_head;
		p->free_head = entry(0, 0);
		packed_place(p, pos + 6, pos + 4);
		packed_use(&r, pos + 4, id[0], batch == 2);
		CHECK_EQ(vg_net_reap(&r.fe.n), batch == 2);
	}
	after(&r, &k, order + (batch == 2));
}

TEST(inflight_packed_out_of_order)
{
	packed_state(0);
}

TEST(inflight_packed_undone)
{
	packed_state(1);
}

TEST(inflight_packed_committed)
{
	packed_state(2);
}

static void spoil_split(struct fe_split_region *s, int how)
{
	*s = (struct fe_split_region){ .version = 1, .desc_num = KEEP_NUM };
	switch (how) {
	case 0:
		s->desc_num = KEEP_NUM + 1;
		break;
	case 1:
		s->used_idx = 1;
		break;
	case 2:
		s->used_idx = -2;
		s->last_batch_head = KEEP_NUM;
		break;
	case 3:
		s->used_idx = -2;
		s->desc[0].next = 0xffff;
		break;
	case 4:
		s->desc[KEEP_NUM / 2].inflight = 1;
		break;
	case 5:
		s->desc[1].inflight = 1;
		s->desc[2].inflight = 1;
		break;
	}
}

static void spoil_packed(struct fe_packed_region *p, int how)
{
	unsigned int i;

	*p = (struct fe_packed_region){ .version = 1, .desc_num = KEEP_NUM,
					.used_wrap = 1, .old_used_wrap = 1,
					.free_head = 40, .old_free_head = 40 };
	for (i = 0; i < KEEP_NUM; i++)
		p->desc[i].next = i + 1;
	p->desc[0].inflight = 1;
	p->desc[0].num = 2;
	p->desc[0].last = 1;
	switch (how) {
	case 0:
		p->desc_num = 2;
		break;
	case 1:
		p->used_idx = KEEP_NUM / 2;
		break;
	case 2:
		p->old_used_wrap = 2;
		break;
	case 3:
		p->desc[KEEP_NUM - 1].next = 40;
		break;
	case 4:
		p->desc[0].num = 0;
		break;
	case 5:
		p->desc[0].next = 0xffff;
		break;
	case 6:
		p->desc[0].next = 0;
		break;
	case 7:
		p->desc[0].next = 40;
		break;
	case 8:
		p->desc[0].last = 2;
		break;
	case 9:
		p->desc[0].num = KEEP_NUM / 2 + 1;
		p->desc[0].last = KEEP_NUM / 2;
		break;
	case 10:
		p->desc[2] = p->desc[0];
		p->desc[2].next = 3;
		p->desc[2].last = 3;
		break;
	}
}

static void nonsense(const char *const *reason, const struct vg_net_opts *from,
		     bool packed)
{
	struct vg_net_opts o = *from;
	struct keep k;
	struct rig r;
	int i;

	/* Half the size, so that an index can be beyond the ring, but in the region. */
	o.num[VG_TX] = KEEP_NUM / 2;
	for (i = 0; reason[i]; i++) {
		rig_open(&r, &o, RIG_PROTO);
		keep_make(&k);
		if (packed)
			spoil_packed(keep_packed(&k, VG_TX), i);
		else
			spoil_split(keep_split(&k, VG_TX), i);
		keep_negotiate(&r);
		CHECK_EQ(fe_set_inflight(&r.fe, &k.info, k.fd), 0);
		fe_start_ring(&r.fe, VG_TX, 0);
		rig_expect_closed(&r, "in-flight state of ring 1: ");
		if (!strstr(r.reason, reason[i]))
			FAIL("state %d: '%s', not '%s'", i, r.reason, reason[i]);
		rig_close(&r);
	}
}

TEST(inflight_split_nonsense)
{
	static const char *const reason[] = {
		"of another size", "used index is not", "last batch is out of",
		"last batch is out of", "in flight is out of range",
		"one counter", NULL
	};

	nonsense(reason, &split_opts, false);
}

TEST(inflight_packed_nonsense)
{
	static const char *const reason[] = {
		"of another size", "position is out of range",
		"position is out of range", "free list has a loop",
		"is empty", "entry of a chain is out of range", "two chains",
		"two chains", "at its last entry", "exceed the ring",
		"one counter", NULL
	};

	nonsense(reason, &packed_opts, true);
}
