// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt decisions (virtio 1.2, 2.7.7 and 2.8.10). */
#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/unit.h"

static struct drv d;

static void start(unsigned int features, u16 idx)
{
	drv_init(&d, 256, features);
	drv_start_at(&d, idx);
}

/* Complete and publish @nr chains; the answer is the decision. */
static int use(unsigned int nr, bool may_call)
{
	int ret;

	while (nr--)
		CHECK(!drv_complete(&d.ring, 0, 0));
	ret = vd_ring_publish(&d.ring, may_call);
	umem_settle();
	return ret;
}

/* Make one chain more available than the device takes. */
static void leave_work(void)
{
	drv_set_avail_idx(&d, d.ring.next_avail + 1);
	CHECK_EQ(drv_fetch(&d, 1), 1);
	vd_ring_rewind(&d.ring, d.batch, 1);
}

TEST(event_flags)
{
	start(0, 0);
	CHECK_EQ(use(1, true), 1);
	drv_set_no_interrupt(&d, true);
	CHECK_EQ(use(1, true), 0);
	CHECK_EQ(use(100, true), 0);
	drv_set_no_interrupt(&d, false);
	CHECK_EQ(use(1, true), 1);
	CHECK_EQ(use(0, true), 0);
	drv_fini(&d);
}

/* Only one bit of the flags means something. */
TEST(event_flags_other_bits)
{
	start(0, 0);
	*(u16 *)umem_ptr(DRV_AVAIL, 2) = 0xfffe;
	CHECK_EQ(use(1, true), 1);
	*(u16 *)umem_ptr(DRV_AVAIL, 2) = 0xffff;
	CHECK_EQ(use(1, true), 0);
	drv_fini(&d);
}

TEST(event_nobody_to_call)
{
	start(0, 0);
	CHECK_EQ(use(1, false), 0);
	drv_fini(&d);
	umem_reset();
	start(DRV_ON_EMPTY, 0);
	CHECK_EQ(use(1, false), 0);
	drv_fini(&d);
}

/* With EVENT_IDX the flags are ignored, without it the event. */
TEST(event_idx_ignores_flags)
{
	start(DRV_EVENT_IDX, 0);
	drv_set_no_interrupt(&d, true);
	CHECK_EQ(use(1, true), 1);
	drv_set_used_event(&d, 1);
	CHECK_EQ(use(1, true), 1);
	drv_fini(&d);
}

TEST(event_idx_first_decision_calls)
{
	start(DRV_EVENT_IDX, 10);
	drv_set_used_event(&d, 0x8000);
	CHECK_EQ(use(1, true), 1);
	CHECK_EQ(use(1, true), 0);
	drv_fini(&d);
}

/* The driver requests a call for the entry with its event's index. */
static void check_event(u16 base)
{
	start(DRV_EVENT_IDX, base);
	drv_set_used_event(&d, base);
	CHECK_EQ(use(1, true), 1);
	drv_set_used_event(&d, base + 4);
	CHECK_EQ(use(3, true), 0);
	CHECK_EQ(use(1, true), 1);
	CHECK_EQ(use(1, true), 0);
	drv_set_used_event(&d, base + 9);
	CHECK_EQ(use(20, true), 1);
	drv_set_used_event(&d, base + 26);
	CHECK_EQ(use(1, true), 1);
	/* One behind and one ahead of what is published. */
	drv_set_used_event(&d, base + 26);
	CHECK_EQ(use(1, true), 0);
	drv_set_used_event(&d, base + 29);
	CHECK_EQ(use(1, true), 0);
	drv_fini(&d);
	umem_reset();
}

TEST(event_idx_window)
{
	check_event(0);
	check_event(100);
	check_event(0x7ff0);
}

TEST(event_idx_window_at_wrap)
{
	u16 base;

	for (base = 0xffff; base > 0xffe0; base--)
		check_event(base);
}

/* A decision is remembered even when it was against a call. */
TEST(event_idx_remembers_silence)
{
	start(DRV_EVENT_IDX, 0);
	CHECK_EQ(use(1, true), 1);
	drv_set_used_event(&d, 50);
	CHECK_EQ(use(10, true), 0);
	/* Behind the last decision now: too late to be called for it. */
	drv_set_used_event(&d, 5);
	CHECK_EQ(use(10, true), 0);
	drv_fini(&d);
}

/* Chains published without a call eventfd are covered by a later call. */
TEST(event_idx_covers_silent_groups)
{
	start(DRV_EVENT_IDX, 0);
	CHECK_EQ(use(1, true), 1);
	drv_set_used_event(&d, 3);
	CHECK_EQ(use(5, false), 0);
	CHECK_EQ(use(1, true), 1);
	drv_fini(&d);
}

/*
 * 65,536 entries without a decision: the remembered index then looks as if
 * it lay ahead, or as if nothing had happened.
 */
static void check_lapse(unsigned int quiet, int want)
{
	start(DRV_EVENT_IDX, 7);
	CHECK_EQ(use(1, true), 1);
	for (; quiet > 200; quiet -= 200)
		CHECK_EQ(use(200, false), 0);
	CHECK_EQ(use(quiet, false), 0);
	/* Just behind the entry that comes: no reason to call. */
	drv_set_used_event(&d, d.ring.used_idx + 1);
	CHECK_EQ(use(1, true), want);
	drv_fini(&d);
	umem_reset();
}

TEST(event_idx_lapse)
{
	check_lapse(1, 0);
	check_lapse(1000, 0);
	check_lapse(65534, 0);
	check_lapse(65535, 1);
	check_lapse(65536, 1);
	check_lapse(65736, 1);
	check_lapse(140000, 1);
}

TEST(event_on_empty_beats_flags)
{
	start(DRV_ON_EMPTY, 0);
	drv_set_no_interrupt(&d, true);
	CHECK_EQ(use(1, true), 1);
	leave_work();
	CHECK_EQ(use(1, true), 0);
	drv_set_no_interrupt(&d, false);
	CHECK_EQ(use(1, true), 1);
	drv_fini(&d);
}

/* Empty by the index as last read: it is not read again. */
TEST(event_on_empty_by_cached_index)
{
	start(DRV_ON_EMPTY, 0);
	drv_set_no_interrupt(&d, true);
	drv_set_avail_idx(&d, 5);
	CHECK_EQ(use(1, true), 1);
	drv_fini(&d);
}

/* Such a call is no decision: the next one still covers the group. */
TEST(event_on_empty_leaves_no_trace)
{
	start(DRV_ON_EMPTY | DRV_EVENT_IDX, 0);
	leave_work();
	CHECK_EQ(use(1, true), 1);
	d.ring.next_avail = d.ring.seen_avail;
	drv_set_used_event(&d, 2);
	CHECK_EQ(use(4, true), 1);
	leave_work();
	CHECK_EQ(use(1, true), 1);
	CHECK_EQ(use(1, true), 0);
	drv_fini(&d);
}

/* A device that polls needs no kick, however many chains come. */
TEST(event_mute)
{
	unsigned int i;

	drv_init(&d, 8, DRV_EVENT_IDX);
	drv_start_at(&d, 65534);
	drv_desc(&d, 0, DRV_A_GPA, 1, 0, 0);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK(!vd_ring_suppress(&d.ring));
	CHECK_EQ(vd_ring_peek(&d.ring), 0);
	for (i = 0; i < 8; i++) {
		u16 old = d.avail_idx;

		drv_offer(&d, 0);
		CHECK_EQ(vring_need_event(drv_avail_event(&d), d.avail_idx, old), 0);
		CHECK_EQ(vd_ring_peek(&d.ring), 1);
	}
	/* It was not read in between: no kick will come. */
	CHECK_EQ(vd_ring_arm(&d.ring), 1);
	CHECK_EQ(drv_fetch(&d, 8), 8);
	CHECK_EQ(vd_ring_peek(&d.ring), 0);
	drv_fini(&d);
}

TEST(event_mute_flags)
{
	drv_init(&d, 8, 0);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK(!vd_ring_suppress(&d.ring));
	CHECK_EQ(d.ring.kick_flags, VRING_USED_F_NO_NOTIFY);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(d.ring.kick_flags, 0);
	drv_fini(&d);
}
