// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors of length 0: they take no room, but time of the worker. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

static struct rig rig;

/* Whether this run uses rings of another format than the one written here. */
static bool is_other_layout(void)
{
	const char *layout = getenv("VD_LAYOUT");

	return layout && strcmp(layout, "split");
}

FIXTURE(empty)
{
	int unused;
};

FIXTURE_VARIANT(empty)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(empty, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(empty, rx) { .q = VG_RX };

FIXTURE_SETUP(empty)
{
}

FIXTURE_TEARDOWN(empty)
{
	rig_close(&rig);
}

#define NR_EMPTY	2000

/* 256 times the same chain: empty descriptors, and a buffer after them. */
static void offer_long_chains(unsigned int q)
{
	uint16_t write = q == VG_RX ? VRING_DESC_F_WRITE : 0;
	struct vg_ring *r = &rig.net.ring[q];
	unsigned int i;

	for (i = 0; i <= NR_EMPTY; i++) {
		bool last = i == NR_EMPTY;

		r->desc[i].addr = htole64(rig.net.pool[q].buf[0].gpa);
		r->desc[i].len = htole32(!last ? 0 : q == VG_RX ? 2048 : 12 + 60);
		r->desc[i].flags = htole16(write | (last ? 0 : VRING_DESC_F_NEXT));
		r->desc[i].next = htole16(i + 1);
	}
	for (i = 0; i < 256; i++)
		r->avail->ring[i] = 0;
	__atomic_store_n(&r->avail->idx, htole16(256), __ATOMIC_SEQ_CST);
}

/* 64 such chains are enough work for one run. */
TEST_F(empty, descriptors_count)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	static const uint8_t frame[VG_FRAME_MIN];
	unsigned int q = variant->q;
	int64_t before;
	int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference counts no runs");
	if (is_other_layout())
		SKIP(return, "written for split rings");
	o.num[q] = 4096;
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, vg_link_set_txqueuelen(rig.link, 1000));
	for (i = 0; q == VG_RX && i < 256; i++)
		ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	/* All jobs of the worker have run when this returns. */
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	before = stats_queue(getpid(), q, "runs");
	offer_long_chains(q);
	vg_ring_kick_always(&rig.net.ring[q]);
	ASSERT_EQ(1, stats_reaches(getpid(), q, "done", 256));
	EXPECT_LE(before + 4, stats_queue(getpid(), q, "runs"));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[q]));
}

#define TABLE_EMPTY	4000

/*
 * Offer @nr chains, all of them one table of the receive ring: TABLE_EMPTY empty
 * descriptors, and @pieces for @room bytes.
 */
static void offer_tables(unsigned int nr, unsigned int pieces, unsigned int room)
{
	const unsigned int num = TABLE_EMPTY + pieces;
	struct vg_ring *r = &rig.net.ring[VG_RX];
	uint64_t gpa = vg_mem_alloc(&rig.net.mem, 16 * num, 4096);
	struct vring_desc *t = vg_mem_hva(&rig.net.mem, gpa, 16 * num);
	unsigned int i, len;

	for (i = 0; i < num; i++) {
		len = i < TABLE_EMPTY ? 0 : room / pieces;
		if (i + 1 == num)
			len += room % pieces;
		t[i].addr = htole64(rig.net.pool[VG_RX].buf[0].gpa);
		t[i].len = htole32(len);
		t[i].flags = htole16(VRING_DESC_F_WRITE |
				     (i + 1 < num ? VRING_DESC_F_NEXT : 0));
		t[i].next = htole16(i + 1);
	}
	r->desc[0].addr = htole64(gpa);
	r->desc[0].len = htole32(16 * num);
	r->desc[0].flags = htole16(VRING_DESC_F_INDIRECT);
	for (i = 0; i < nr; i++)
		r->avail->ring[i] = 0;
	__atomic_store_n(&r->avail->idx, htole16(nr), __ATOMIC_SEQ_CST);
	vg_ring_kick_always(r);
}

static const char *open_mergeable(void)
{
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1),
	};
	const char *why = rig_open(&rig, RIG_TAP, &o);

	return why ? why : rig_start(&rig);
}

/*
 * A packet that needs more buffers waits for a kick, however long the search for
 * buffers took: the worker must not retry.
 */
TEST(too_little_room_is_no_work)
{
	struct vg_ring *r = &rig.net.ring[VG_RX];
	static const uint8_t frame[1000];
	const unsigned int nr = 20;

	if (is_other_layout())
		SKIP(return, "written for split rings");
	ASSERT_FINE(open_mergeable());
	offer_tables(nr, 1, 16);
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	/* All jobs of the worker have run when this returns. */
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, le16toh(r->used->flags));
	EXPECT_EQ(0, le16toh(r->used->idx));

	r->desc[1].addr = htole64(rig.net.pool[VG_RX].buf[1].gpa);
	r->desc[1].len = htole32(2048);
	r->desc[1].flags = htole16(VRING_DESC_F_WRITE);
	r->avail->ring[nr] = htole16(1);
	__atomic_store_n(&r->avail->idx, htole16(nr + 1), __ATOMIC_SEQ_CST);
	vg_ring_kick_always(r);
	EXPECT_EQ(1, vg_ring_wait(r, vg_deadline_ms(10000)));
	EXPECT_EQ(nr + 1, le16toh(r->used->idx));
	rig_close(&rig);
}

/*
 * 17 chains fill a batch; each can hold a short frame, but all together cannot hold
 * a long one. For each long frame that follows a short one they are read again.
 */
TEST(chains_read_again_count)
{
	static const uint8_t frame[1514];
	const unsigned int nr = 20;
	unsigned int i;
	int64_t before;

	if (vg_dev_is_reference())
		SKIP(return, "the reference counts no runs");
	if (is_other_layout())
		SKIP(return, "written for split rings");
	ASSERT_FINE(open_mergeable());
	for (i = 0; i < nr; i++) {
		ASSERT_FINE(rig_far_send(&rig, frame, VG_FRAME_MIN, NULL));
		ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	}
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	before = stats_queue(getpid(), VG_RX, "runs");
	offer_tables(100, 60, 12 + VG_FRAME_MIN);
	ASSERT_EQ(1, stats_reaches(getpid(), VG_RX, "oversize", nr));
	EXPECT_EQ(nr, stats_queue(getpid(), VG_RX, "done"));
	EXPECT_LE(before + nr, stats_queue(getpid(), VG_RX, "runs"));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	rig_close(&rig);
}

VD_TEST_MAIN
