/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_PIN_FIXTURE_H
#define VD_PIN_FIXTURE_H

/* An owner with one worker of either kind, for VIADUCT_WORKER_PER_RING. */

#include "info.h"
#include "owner.h"
#include "pin.h"
#include "vd_test.h"

FIXTURE(pin)
{
	struct owner owner;
};

FIXTURE_VARIANT(pin)
{
	int kind;
};

FIXTURE_VARIANT_ADD(pin, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(pin, kthread) { .kind = 0 };

#define NEEDS_CALL() do { \
	NEEDS_KIND(variant->kind); \
	if (vg_dev_is_reference()) \
		SKIP(return, "an addition of viaduct's"); \
} while (0)

FIXTURE_SETUP(pin)
{
	NEEDS_CALL();
	ASSERT_FINE(owner_start(&self->owner, variant->kind));
}

FIXTURE_TEARDOWN(pin)
{
	if (self->owner.pid)
		owner_stop(&self->owner);
}

/* Nothing has changed: one worker runs both rings. */
static inline void check_one_worker(struct __test_metadata *_metadata, int dev)
{
	EXPECT_EQ(0, info_ring_now(dev, VG_RX, "worker"));
	EXPECT_EQ(0, info_ring_now(dev, VG_TX, "worker"));
	EXPECT_EQ(INT64_MIN, info_now(dev, "worker-1"));
}

static inline void check_two_workers(struct __test_metadata *_metadata, int dev)
{
	EXPECT_EQ(0, info_ring_now(dev, VG_RX, "worker"));
	EXPECT_EQ(1, info_ring_now(dev, VG_TX, "worker"));
	EXPECT_LT(0, info_now(dev, "worker-1"));
	EXPECT_EQ(INT64_MIN, info_now(dev, "worker-2"));
}

#endif
