// SPDX-License-Identifier: GPL-2.0-only
/*
 * VHOST_SET_VRING_BASE of a packed ring: each form in which clients give it,
 * on rings of each size, in order and not.
 */
#include "packed.h"

/* QEMU's: both halves. */
static u32 whole(u16 pos)
{
	return drv_base(&d, pos, pos);
}

/* virtio-user clients': nothing in the upper half. */
static u32 half(u16 pos)
{
	return drv_code(&d, pos);
}

/* The lower half as a signed number, in 32 bits. */
static u32 extended(u16 pos)
{
	return (u32)(s16)drv_code(&d, pos);
}

static u32 (*const forms[])(u16 pos) = { whole, half, extended };

/* A driver with an idle ring at @pos. */
static void start_with(u16 num, unsigned int features, u16 pos, u32 base)
{
	drv_init(&d, num, DRV_PACKED | features);
	drv_start_at(&d, pos);
	vd_ring_set_base(&d.ring, base);
	vd_ring_start(&d.ring, 0);
}

static void stop(void)
{
	drv_fini(&d);
	umem_reset();
}

/* One chain there and back, at @pos. */
static void pass_one(u16 pos)
{
	put_at(pos, 0);
	vd_batch_reset(d.batch);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK(!vd_ring_complete(&d.ring, &d.batch->chain[0], 0));
	CHECK(vd_ring_publish(&d.ring, false) >= 0);
	CHECK(drv_packed_is_used(&d, pos));
	CHECK_EQ(vd_ring_get_base(&d.ring), whole(pos + 1));
}

/* @form of a position: chains pass from there on, round the ring's end. */
static void check_form(u32 (*form)(u16 pos), u16 num, unsigned int features,
		       u16 pos)
{
	unsigned int i;
	u32 base;

	d.guest.num = num;
	d.ring.is_packed = true;
	base = form(pos);
	start_with(num, features, pos, base);
	CHECK_EQ(vd_ring_get_base(&d.ring), whole(pos));
	for (i = 0; i < 3; i++)
		pass_one(pos + i);
	stop();
}

TEST(base_forms)
{
	unsigned int f, num, features;

	for (f = 0; f < ARRAY_SIZE(forms); f++) {
		for (num = 1; num <= 32768; num *= 2) {
			for (features = 0; features <= DRV_IN_ORDER;
			     features += DRV_IN_ORDER) {
				/* First lap, second lap, end of each. */
				check_form(forms[f], num, features, 0);
				check_form(forms[f], num, features, num);
				check_form(forms[f], num, features, num - 1);
				check_form(forms[f], num, features,
					   2 * num - 1);
				check_form(forms[f], num, features, num / 2);
			}
		}
	}
}

/* All positions of a small ring, since few of them are special. */
TEST(base_everywhere)
{
	unsigned int f, pos;

	for (f = 0; f < ARRAY_SIZE(forms); f++)
		for (pos = 0; pos < 2 * NUM; pos++)
			check_form(forms[f], NUM, 0, pos);
}

/* Chains in flight at the source of a migration: used entries follow them. */
TEST(base_with_chains_in_flight)
{
	unsigned int nr;
	u16 used;

	for (used = 0; used < 2 * NUM; used++) {
		for (nr = 1; nr <= NUM; nr++) {
			start(0, used + nr);
			/* An upper half of 0 looks like a missing one. */
			if (!drv_code(&d, used)) {
				stop();
				continue;
			}
			vd_ring_set_base(&d.ring,
					 drv_base(&d, used + nr, used));
			vd_ring_start(&d.ring, 0);
			CHECK_EQ(vd_ring_get_base(&d.ring),
				 drv_base(&d, used + nr, used));
			stop();
		}
	}
}

/* A used position that no ring can have is ignored. */
TEST(base_used_ahead)
{
	unsigned int nr;

	for (nr = 1; nr < NUM; nr++) {
		start(0, 3);
		vd_ring_set_base(&d.ring, drv_base(&d, 3, 3 + nr));
		vd_ring_start(&d.ring, 0);
		CHECK_EQ(vd_ring_get_base(&d.ring), whole(3));
		pass_one(3);
		stop();
	}
}

/* What was given is returned in full before the ring runs, too. */
TEST(base_is_returned_whole)
{
	start(0, 0);
	vd_ring_set_base(&d.ring, 0x8000);
	CHECK_EQ(vd_ring_get_base(&d.ring), 0x80008000);
	vd_ring_set_base(&d.ring, 5);
	CHECK_EQ(vd_ring_get_base(&d.ring), 0x00050005);
	vd_ring_set_base(&d.ring, 0);
	CHECK_EQ(vd_ring_get_base(&d.ring), 0);
	/* Slots beyond the end are kept, in case the size grows. */
	vd_ring_set_base(&d.ring, 0x8000 | 2 * NUM);
	vd_ring_set_num(&d.ring, 4 * NUM);
	d.guest.num = 4 * NUM;
	CHECK_EQ(vd_ring_get_base(&d.ring), whole(2 * NUM));
	stop();
}

/* Until a base is set, it is the start of the first lap (2.8.1). */
TEST(base_not_given)
{
	unsigned int num_first;

	for (num_first = 0; num_first < 2; num_first++) {
		start(0, 0);
		vd_ring_init(&d.ring, &d.log);
		if (num_first)
			vd_ring_set_num(&d.ring, NUM);
		vd_ring_set_features(&d.ring, BIT_ULL(VIRTIO_F_RING_PACKED));
		if (!num_first)
			vd_ring_set_num(&d.ring, NUM);
		CHECK_EQ(vd_ring_get_base(&d.ring), 0x80008000);
		/* A split ring's is 0, after that too. */
		vd_ring_set_features(&d.ring, 0);
		CHECK_EQ(vd_ring_get_base(&d.ring), 0);
		stop();
	}
}

/* A ring that has run keeps its place when features come and go. */
TEST(base_survives_features)
{
	start(0, 3);
	pass_one(3);
	vd_ring_set_features(&d.ring, 0);
	vd_ring_set_features(&d.ring, BIT_ULL(VIRTIO_F_RING_PACKED));
	CHECK_EQ(vd_ring_get_base(&d.ring), whole(4));
	vd_ring_start(&d.ring, 0);
	pass_one(4);
	stop();
}
