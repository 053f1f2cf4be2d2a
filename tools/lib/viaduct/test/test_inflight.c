// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-flight memory: its messages, what it contains, and states that another
 * program has left: in flight in any order, or inconsistent.
 * test_inflight_kill.c kills programs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame.h"
#include "keep.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)
#define PACKED (MODERN | VG_BIT(VG_F_RING_PACKED))

static const struct vg_net_opts split_opts = {
	.features = MODERN, .num = { KEEP_NUM, KEEP_NUM }, .seed = 3, .rx_size = 512,
};

static const struct vg_net_opts packed_opts = {
	.features = PACKED, .num = { KEEP_NUM, KEEP_NUM }, .seed = 3, .rx_size = 512,
};

static unsigned int version(struct keep *k, unsigned int q, bool packed)
{
	return packed ? keep_packed(k, q)->version :
			keep_split(k, q)->version;
}

/* The position of the region is that of the ring. */
static void check_position(struct rig *r, struct keep *k, bool packed)
{
	unsigned int q;

	for (q = 0; q < 2; q++) {
		struct vg_ring *ring = &r->fe.n.ring[q];
		struct fe_packed_region *p = keep_packed(k, q);

		CHECK_EQ(version(k, q, packed), 1);
		if (!packed) {
			CHECK_EQ(keep_split(k, q)->used_idx, ring->used->idx);
			continue;
		}
		CHECK_EQ(p->used_idx | p->used_wrap << 15,
			 vg_ring_base(ring) >> 16);
		CHECK_EQ(p->used_idx, p->old_used_idx);
		CHECK_EQ(p->used_wrap, p->old_used_wrap);
		CHECK_EQ(p->free_head, p->old_free_head);
	}
}

/* The front end requests memory, and keeps it across connections. */
static void keep(const struct vg_net_opts *o, bool packed)
{
	struct keep k = { .info = { 0, 0, 2, KEEP_NUM, 0 } };
	struct rig r;
	struct stat st;
	unsigned int i, q;

	rig_open(&r, o, RIG_PROTO);
	keep_negotiate(&r);
	k.fd = fe_get_inflight(&r.fe, &k.info);
	CHECK(k.fd >= 0);
	CHECK(!fstat(k.fd, &st));
	CHECK(k.info.offset == 0 && k.info.size <= st.st_size);
	CHECK(k.info.nr_queues == 2 && k.info.queue_size == KEEP_NUM);
	CHECK_EQ(ftruncate(k.fd, 0), -1);
	keep_map(&k);
	for (i = 0; i < 8; i++) {
		CHECK_EQ(fe_set_inflight(&r.fe, &k.info, k.fd), 0);
		/* The base is right once, and wrong afterwards. */
		for (q = 0; q < 2; q++)
			CHECK_EQ(fe_start_ring(&r.fe, q, i ? 77 :
					       vg_ring_base(&r.fe.n.ring[q])), 0);
		rig_wait(&r.on, 3);
		rig_stream_tx(&r, i * 333, 333, VG_FRAME_MTU, &vg_layout_plain);
		rig_stream_rx(&r, i * 333, 333, VG_FRAME_MTU);
		check_position(&r, &k, packed);
		rig_reconnect(&r);
		keep_negotiate(&r);
	}
	rig_close(&r);
}

TEST(inflight_keep_split)
{
	keep(&split_opts, false);
}

TEST(inflight_keep_packed)
{
	keep(&packed_opts, true);
}

/* Within a connection, and after a reset, the base is used. */
static void base_counts(const struct vg_net_opts *o, bool packed)
{
	struct keep k;
	struct rig r;
	int64_t base;

	rig_open(&r, o, RIG_PROTO);
	keep_make(&k);
	keep_start(&r, &k, vg_ring_base(&r.fe.n.ring[VG_TX]));
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	base = fe_stop_ring(&r.fe, VG_TX);
	CHECK_EQ(base, vg_ring_base(&r.fe.n.ring[VG_TX]));
	CHECK_EQ(fe_start_ring(&r.fe, VG_TX, base), 0);
	rig_wait(&r.on, 1 << VG_TX);
	rig_stream_tx(&r, 100, 100, VG_FRAME_MTU, &vg_layout_plain);
	CHECK_EQ(version(&k, VG_TX, packed), 1);
	CHECK_EQ(fe_send(&r.fe, FE_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	CHECK_EQ(version(&k, VG_TX, packed), 0);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES, r.fe.n.features), 0);
	vg_ring_reset(&r.fe.n.ring[VG_TX], 0);
	vg_pool_reclaim(&r.fe.n.pool[VG_TX]);
	CHECK_EQ(fe_start_ring(&r.fe, VG_TX,
			       vg_ring_base(&r.fe.n.ring[VG_TX])), 0);
	rig_wait(&r.on, 1 << VG_TX);
	rig_stream_tx(&r, 200, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_close(&r);
}

TEST(inflight_base_split)
{
	base_counts(&split_opts, false);
}

TEST(inflight_base_packed)
{
	base_counts(&packed_opts, true);
}

/* Messages that are refused. */
TEST(inflight_hostile_message)
{
	const struct {
		struct fe_inflight info;
		int fd;	/* 0: the memory; 1: /dev/zero; 2: none */
		const char *reason;
	} bad[] = {
		{ { 2 * KEEP_PACKED, 0, 0, KEEP_NUM, 0 }, 0, "for 0 rings" },
		{ { 2 * KEEP_PACKED, 0, 3, KEEP_NUM, 0 }, 0, "for 3 rings" },
		{ { 2 * KEEP_PACKED, 0, 2, 0, 0 }, 0, "of 0 entries" },
		{ { 2 * KEEP_PACKED, 0, 2, 32769, 0 }, 0, "of 32769 entries" },
		{ { 2 * KEEP_PACKED, 0, 2, 32768, 0 }, 0, "in-flight memory of" },
		{ { 2 * KEEP_PACKED - 1, 0, 2, KEEP_NUM, 0 }, 0, "in-flight memory of" },
		{ { 0, 0, 2, KEEP_NUM, 0 }, 0, "in-flight memory of" },
		{ { 2 * KEEP_PACKED, 8, 2, KEEP_NUM, 0 }, 0, "at offset 8" },
		{ { 2 * KEEP_PACKED, 64, 2, KEEP_NUM, 0 }, 0, "exceeds its file" },
		{ { 2 * KEEP_PACKED, -64ULL, 2, KEEP_NUM, 0 }, 0, "empty or wraps" },
		{ { 1ULL << 60, 0, 2, KEEP_NUM, 0 }, 0, "exceeds its file" },
		{ { 2 * KEEP_PACKED, 0, 2, KEEP_NUM, 0 }, 1, "not on tmpfs" },
		{ { 2 * KEEP_PACKED, 0, 2, KEEP_NUM, 0 }, 2, "without a descriptor" },
		{ .reason = NULL },
	};
	struct keep k;
	struct rig r;
	unsigned int i;

	for (i = 0; bad[i].reason; i++) {
		rig_open(&r, &packed_opts, RIG_PROTO);
		keep_make(&k);
		keep_negotiate(&r);
		if (bad[i].fd == 1)
			k.fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
		fe_set_inflight(&r.fe, &bad[i].info, bad[i].fd == 2 ? -1 : k.fd);
		rig_expect_closed(&r, bad[i].reason);
		rig_close(&r);
	}
	/* Not negotiated; sizes of payload. */
	for (i = 0; i < 4; i++) {
		rig_open(&r, &packed_opts, RIG_PROTO);
		keep_make(&k);
		keep_negotiate(&r);
		if (!i)
			CHECK_EQ(fe_send_u64(&r.fe, FE_SET_PROTOCOL_FEATURES,
					     RIG_PROTO), 0);
		CHECK_EQ(fe_send(&r.fe, FE_SET_INFLIGHT_FD, &k.info,
				 i == 1 ? 20 : 24 - (i == 2), &k.fd, 1),
			 i & 1 ? 0 : -EREMOTEIO);
		if (!(i & 1))
			rig_expect_closed(&r, i ? "of 23 bytes" :
					  "without its protocol feature");
		rig_close(&r);
	}
}

/* Memory that does not fit the ring, or comes while it runs. */
TEST(inflight_hostile_start)
{
	static const char *const reasons[] = {
		"of 32 entries is too small for ring 1", "lacks ring 1",
		"while a ring runs", "for the format of ring 1",
		"has version 2", "shrunk",
	};
	struct keep k;
	struct rig r;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		rig_open(&r, &packed_opts, RIG_PROTO);
		keep_make(&k);
		keep_negotiate(&r);
		k.info.queue_size = i == 0 ? KEEP_NUM / 2 : KEEP_NUM;
		k.info.nr_queues = i == 1 ? 1 : 2;
		if (i == 3) {
			CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES,
					     r.fe.n.features &
					     ~VG_BIT(VG_F_RING_PACKED)), 0);
			k.info.size = 2 * KEEP_SPLIT;
		}
		keep_packed(&k, 1)->version = i == 4 ? 2 : 0;
		CHECK_EQ(fe_set_inflight(&r.fe, &k.info, k.fd), 0);
		if (i == 3)
			CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES,
					     r.fe.n.features), 0);
		if (i == 5)
			CHECK(!ftruncate(k.fd, 0));
		fe_start_ring(&r.fe, VG_TX, vg_ring_base(&r.fe.n.ring[VG_TX]));
		if (i == 2)
			fe_set_inflight(&r.fe, &k.info, k.fd);
		rig_expect_closed(&r, reasons[i]);
		rig_close(&r);
	}
}

/* The file is truncated while the ring runs. */
static void shrinks(const struct vg_net_opts *o)
{
	struct keep k;
	struct rig r;

	rig_open(&r, o, RIG_PROTO);
	keep_make(&k);
	keep_start(&r, &k, vg_ring_base(&r.fe.n.ring[VG_TX]));
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	CHECK(!ftruncate(k.fd, 0));
	pthread_mutex_lock(&r.lock);
	if (r.dev) {
		struct virtio_net_hdr hdr = {};
		static uint8_t frame[100];

		CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 100,
				     &vg_layout_plain), 0);
		CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 8), 0);
	}
	pthread_mutex_unlock(&r.lock);
	rig_expect_closed(&r, "shrunk");
	rig_close(&r);
}

TEST(inflight_shrinks_split)
{
	shrinks(&split_opts);
}

TEST(inflight_shrinks_packed)
{
	shrinks(&packed_opts);
}
