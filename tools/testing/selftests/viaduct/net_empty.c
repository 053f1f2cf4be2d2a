// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors of length 0: they take no room, but the worker's time. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

static struct rig rig;

/* Whether the run is of rings other than those written here. */
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

/* 256 times the same chain: a buffer behind descriptors that hold nothing. */
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

/* 64 such chains are work enough for a run. */
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

VD_TEST_MAIN
