// SPDX-License-Identifier: GPL-2.0-only
/*
 * One random driver, one random device, two layouts: the same steps on a split
 * and on a packed ring find the same packets, and return the same.
 */
#include <linux/kernel.h>
#include <linux/virtio_ring.h>

#include "lib/drv.h"
#include "lib/rng.h"
#include "lib/unit.h"

#define NUM		16U
#define STEPS		20000U
#define MAX_BUFS	6U
#define MAX_SEEN	(1U << 20)

struct buf {
	u64 gpa;
	u32 len;
	u16 flags;
};

/* A chain in flight; its index (its id) is free again when it has been used. */
struct plan {
	struct buf buf[MAX_BUFS];
	unsigned int nr, nr_direct;
	unsigned int nr_slots;
	u16 slot[MAX_BUFS];		/* split: the first is its head */
};

static struct drv d;
static struct rng rng;
static struct plan plan[NUM];
static u16 free_id[NUM], free_slot[NUM], id_of_head[NUM];
static unsigned int nr_free_ids, nr_free_slots;
static u16 next_pos, next_used;		/* packed: positions of the driver */
static u64 seen[2][MAX_SEEN];
static unsigned int nr_seen[2];

static void note(u64 word)
{
	bool packed = d.ring.is_packed;

	CHECK(nr_seen[packed] < MAX_SEEN);
	seen[packed][nr_seen[packed]++] = word;
}

static void make_plan(struct plan *p)
{
	unsigned int i, nr_out;

	p->nr = 1 + rng_below(&rng, MAX_BUFS - 1);
	nr_out = rng_below(&rng, p->nr + 1);
	for (i = 0; i < p->nr; i++)
		p->buf[i] = (struct buf){
			.gpa = rng_once_in(&rng, 4) ?
			       DRV_B_GPA - rng_below(&rng, 3000) :
			       DRV_A_GPA + rng_below(&rng, DRV_A_LEN - 3000),
			.len = rng_once_in(&rng, 16) ? 0 :
			       1 + rng_below(&rng, 3000),
			.flags = i < nr_out ? 0 : VRING_DESC_F_WRITE,
		};
	/* All in the ring, or the last of them in a table. */
	p->nr_direct = rng_once_in(&rng, 2) ? p->nr : rng_below(&rng, p->nr);
	p->nr_slots = p->nr_direct + (p->nr_direct < p->nr);
}

/* Where a chain's table lies: in a place of its own. */
static u64 write_table(const struct plan *p, unsigned int id)
{
	u64 at = DRV_C_GPA + 4096ULL * id;
	unsigned int i;

	for (i = p->nr_direct; i < p->nr; i++) {
		const struct buf *b = &p->buf[i];
		u16 next = i < p->nr - 1 ? VRING_DESC_F_NEXT : 0;

		/* The packed layout has ids where the other has links. */
		if (d.ring.is_packed)
			drv_table_desc(at, i - p->nr_direct, b->gpa, b->len,
				       0, b->flags);
		else
			drv_table_desc(at, i - p->nr_direct, b->gpa, b->len,
				       b->flags | next, i + 1 - p->nr_direct);
	}
	return at;
}

static struct buf ring_buf(const struct plan *p, unsigned int id,
			   unsigned int i)
{
	struct buf b = p->buf[i];

	if (i == p->nr_direct)
		b = (struct buf){ write_table(p, id), 16 * (p->nr - i),
				  VRING_DESC_F_INDIRECT };
	if (i < p->nr_slots - 1)
		b.flags |= VRING_DESC_F_NEXT;
	return b;
}

static void offer_split(struct plan *p, u16 id)
{
	unsigned int i;

	for (i = 0; i < p->nr_slots; i++)
		p->slot[i] = free_slot[--nr_free_slots];
	for (i = 0; i < p->nr_slots; i++) {
		struct buf b = ring_buf(p, id, i);

		drv_desc(&d, p->slot[i], b.gpa, b.len, b.flags,
			 i < p->nr_slots - 1 ? p->slot[i + 1] : 0);
	}
	id_of_head[p->slot[0]] = id;
	drv_offer(&d, p->slot[0]);
}

/* The first descriptor last, as its flags make all of them available. */
static void offer_packed(struct plan *p, u16 id)
{
	unsigned int i;

	for (i = p->nr_slots; i--; ) {
		struct buf b = ring_buf(p, id, i);

		drv_packed_desc(&d, next_pos + i, b.gpa, b.len, id,
				drv_packed_avail(&d, next_pos + i, b.flags));
	}
	next_pos += p->nr_slots;
	nr_free_slots -= p->nr_slots;
}

static void step_add(void)
{
	struct plan p = { 0 };
	u16 id;

	make_plan(&p);
	if (!nr_free_ids || nr_free_slots < p.nr_slots)
		return;
	id = free_id[--nr_free_ids];
	plan[id] = p;
	if (d.ring.is_packed)
		offer_packed(&plan[id], id);
	else
		offer_split(&plan[id], id);
}

/* A chain as the device sees it. */
static void note_chain(const struct vd_chain *c)
{
	unsigned int i;

	note(d.ring.is_packed ? c->head : id_of_head[c->head]);
	note(c->nr_out);
	note(c->nr_in);
	note(c->out_len);
	note(c->in_len);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		note(d.batch->gpa[c->first_seg + i]);
		note((unsigned long)d.batch->seg[c->first_seg + i].iov_base);
		note(d.batch->seg[c->first_seg + i].iov_len);
	}
}

static void step_serve(void)
{
	int nr = drv_fetch(&d, 1 + rng_below(&rng, NUM)), i, back;

	CHECK(nr >= 0);
	note(nr);
	for (i = 0; i < nr; i++)
		note_chain(&d.batch->chain[i]);
	back = rng_below(&rng, nr + 1) / 2;
	vd_ring_rewind(&d.ring, d.batch, back);
	for (i = 0; i < nr - back; i++) {
		const struct vd_chain *c = &d.batch->chain[i];

		CHECK(!vd_ring_complete(&d.ring, c,
					rng_below(&rng, c->in_len + 1)));
	}
	vd_batch_reset(d.batch);
	CHECK(vd_ring_publish(&d.ring, false) == 0);
}

static void reap(u16 id, u32 len)
{
	const struct plan *p = &plan[id];
	unsigned int i;

	note(id);
	note(len);
	free_id[nr_free_ids++] = id;
	for (i = 0; i < p->nr_slots; i++)
		free_slot[nr_free_slots++] = p->slot[i];
}

static void step_reap(void)
{
	if (!d.ring.is_packed) {
		for (; next_used != drv_used_idx(&d); next_used++) {
			struct vring_used_elem e = drv_used_elem(&d, next_used);

			reap(id_of_head[e.id], e.len);
		}
		return;
	}
	while (drv_packed_is_used(&d, next_used) && nr_free_ids < NUM) {
		struct vring_packed_desc e = drv_packed_at(&d, next_used);

		next_used += plan[e.id].nr_slots;
		reap(e.id, e.len);
	}
}

static void run(unsigned int features, u64 seed)
{
	unsigned int i;

	drv_init(&d, NUM, features);
	drv_start_at(&d, 0);
	rng_seed(&rng, seed);
	nr_seen[d.ring.is_packed] = 0;
	nr_free_ids = NUM;
	nr_free_slots = NUM;
	next_pos = 0;
	next_used = 0;
	for (i = 0; i < NUM; i++) {
		free_id[i] = i;
		free_slot[i] = i;
	}
	for (i = 0; i < STEPS; i++) {
		u32 what = rng_below(&rng, 10);

		if (what < 6)
			step_add();
		else if (what < 8)
			step_serve();
		else
			step_reap();
	}
	drv_fini(&d);
	umem_reset();
}

TEST(layouts_find_the_same_packets)
{
	unsigned int seed, i;

	for (seed = 1; seed <= 5; seed++) {
		run(0, seed);
		run(DRV_PACKED, seed);
		CHECK(nr_seen[0] > STEPS);
		CHECK_EQ(nr_seen[1], nr_seen[0]);
		for (i = 0; i < nr_seen[0]; i++)
			CHECK_EQ(seen[1][i], seen[0][i]);
	}
}
