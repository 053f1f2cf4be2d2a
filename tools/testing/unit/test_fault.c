// SPDX-License-Identifier: GPL-2.0-only
/*
 * Missing memory: each access of a verb fails in turn, and each time the verb
 * returns the error, closes its window, and can be repeated.
 */
#include <linux/kernel.h>
#include <linux/uaccess.h>
#include <string.h>

#include "guest/access.h"
#include "lib/drv.h"
#include "lib/unit.h"

#define NEXT		VRING_DESC_F_NEXT
#define INDIRECT	VRING_DESC_F_INDIRECT

static struct drv d;

/* Accesses of one call of @verb. */
static unsigned long count(int (*verb)(void))
{
	unsigned long before = umem_nr_accesses();

	CHECK(verb() >= 0);
	umem_settle();
	return umem_nr_accesses() - before;
}

/* Fail each of the @nr accesses of @verb. */
static void sweep(unsigned long nr, int (*verb)(void))
{
	unsigned long nth;

	CHECK(nr > 0);
	for (nth = 1; nth <= nr; nth++) {
		umem_fault_nth(nth);
		CHECK_EQ(verb(), -EFAULT);
		umem_settle();
	}
	umem_fault_nth(0);
}

static int fetch(void)
{
	return vd_ring_fetch(&d.ring, &d.mem, d.batch, 1);
}

static void undo_fetch(void)
{
	vd_ring_rewind(&d.ring, d.batch, d.batch->nr);
}

/* Two direct descriptors, then a table of three, at @table. */
static void start_fetch(u64 table)
{
	unsigned int i;

	drv_init(&d, 8, 0);
	drv_desc(&d, 0, DRV_A_GPA, 1, NEXT, 1);
	drv_desc(&d, 1, DRV_A_GPA, 2, NEXT, 2);
	drv_desc(&d, 2, table, 48, INDIRECT, 0);
	for (i = 0; i < 3; i++)
		drv_table_desc(table, i, DRV_A_GPA, 4, i < 2 ? NEXT : 0, i + 1);
	drv_offer(&d, 0);
}

static void check_fetch_sweep(u64 table)
{
	unsigned long nr;

	start_fetch(table);
	nr = count(fetch);
	undo_fetch();
	sweep(nr, fetch);
	CHECK_EQ(d.ring.next_avail, 0);
	CHECK_EQ(d.batch->nr + d.batch->nr_seg + d.batch->nr_desc, 0);
	CHECK_EQ(fetch(), 1);
	CHECK_EQ(d.batch->chain[0].out_len, 15);
	drv_fini(&d);
	umem_reset();
}

TEST(fault_fetch)
{
	check_fetch_sweep(DRV_C_GPA);
}

TEST(fault_fetch_scattered_table)
{
	check_fetch_sweep(DRV_B_GPA - 1);
	check_fetch_sweep(DRV_B_GPA - 24);
}

/* A fault at a later chain leaves those before it delivered. */
TEST(fault_fetch_of_a_later_chain)
{
	u16 i;

	drv_init(&d, 8, 0);
	for (i = 0; i < 4; i++) {
		drv_desc(&d, i, DRV_A_GPA, 1, 0, 0);
		drv_offer(&d, i);
	}
	umem_fault_range(DRV_DESC + 2 * 16 + 8, DRV_DESC + 2 * 16 + 8);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	CHECK_EQ(drv_fetch(&d, 64), -EFAULT);
	CHECK_EQ(d.batch->nr, 2);
	CHECK_EQ(d.ring.next_avail, 2);
	drv_fini(&d);
}

/*
 * One pending entry, its index, and the driver's event suppression. After a
 * failure the entry may be published, but here it is made pending again.
 */
static int publish(void)
{
	if (d.ring.used_idx == d.ring.published)
		CHECK(!drv_complete(&d.ring, 3, 4));
	d.ring.nr_pending = 1;
	return vd_ring_publish(&d.ring, true);
}

static void check_publish_sweep(unsigned int features)
{
	unsigned long nr;

	drv_init(&d, 8, features);
	nr = count(publish);
	CHECK_EQ(nr, 4);
	sweep(nr, publish);
	/* The last fault comes behind the index: the entry is published. */
	CHECK_EQ(d.ring.published, 2);
	CHECK_EQ(publish(), !features);
	CHECK_EQ(drv_used_idx(&d), 3);
	CHECK_EQ(drv_used_elem(&d, 2).id, 3);
	drv_fini(&d);
	umem_reset();
}

TEST(fault_publish)
{
	check_publish_sweep(0);
	check_publish_sweep(DRV_EVENT_IDX);
}

/*
 * What the driver can see is published and logged, even if its event suppression cannot
 * be read: a ring that is attached anew must continue behind it.
 */
static void check_wish(unsigned int features)
{
	const u8 *marks;

	drv_init(&d, 8, features | DRV_LOG);
	drv_start_at(&d, 0);
	CHECK(!drv_complete(&d.ring, 3, 4));
	d.ring.next_avail++;
	umem_fault_range(DRV_AVAIL, DRV_AVAIL + 63);
	CHECK_EQ(vd_ring_publish(&d.ring, true), -EFAULT);
	umem_settle();
	CHECK(d.log.marked);
	if (features & DRV_PACKED) {
		CHECK(drv_packed_is_used(&d, 0));
		CHECK_EQ(vd_ring_get_base(&d.ring), drv_base(&d, 1, 1));
	} else {
		CHECK_EQ(drv_used_idx(&d), 1);
		marks = umem_ptr(DRV_LOG_MAP, DRV_LOG_LEN);
		CHECK_EQ(marks[0], 3);
	}
	CHECK_EQ(d.ring.published, 1);
	drv_fini(&d);
	umem_reset();
}

TEST(fault_publish_wish)
{
	check_wish(0);
	check_wish(DRV_EVENT_IDX);
	check_wish(DRV_PACKED);
	check_wish(DRV_PACKED | DRV_EVENT_IDX);
}

/* The 64th completion writes a batch of entries of two words each. */
static int complete_64(void)
{
	d.ring.nr_pending = VD_BATCH - 1;
	return drv_complete(&d.ring, 1, 2);
}

TEST(fault_complete)
{
	unsigned long nr;

	drv_init(&d, 256, 0);
	nr = count(complete_64);
	CHECK_EQ(nr, 2 * VD_BATCH);
	sweep(nr, complete_64);
	drv_fini(&d);
}

/* Completing is possible after a failure, but there is no room for more. */
static void check_complete_again(unsigned int features)
{
	unsigned int i;

	drv_init(&d, 256, features);
	for (i = 0; i < VD_BATCH - 1; i++)
		CHECK(!drv_complete(&d.ring, i, 1));
	for (i = 0; i < 3 * VD_BATCH; i++) {
		umem_fault_nth(1);
		CHECK_EQ(drv_complete(&d.ring, VD_BATCH - 1, 1), -EFAULT);
		CHECK_EQ(d.ring.nr_pending, VD_BATCH - 1);
		CHECK_EQ(vd_ring_nr_completed(&d.ring), VD_BATCH - 1);
		CHECK_EQ(d.ring.used_idx, VD_BATCH - 1);
	}
	umem_fault_nth(0);
	/* The failed completion had no effect: it can be done now, once. */
	CHECK(!drv_complete(&d.ring, VD_BATCH - 1, 1));
	CHECK_EQ(d.ring.nr_pending, 0);
	CHECK_EQ(vd_ring_publish(&d.ring, false), 0);
	CHECK_EQ(d.ring.published, VD_BATCH);
	for (i = 0; i < VD_BATCH; i++)
		CHECK_EQ(features & DRV_PACKED ? drv_packed_at(&d, i).id :
						 drv_used_elem(&d, i).id, i);
	drv_fini(&d);
	umem_reset();
}

TEST(fault_complete_again)
{
	check_complete_again(0);
	check_complete_again(DRV_IN_ORDER);
	check_complete_again(DRV_PACKED);
	check_complete_again(DRV_PACKED | DRV_IN_ORDER);
}

static int probe(void)
{
	u16 idx;

	return vd_ring_probe(&d.ring, &d.mem, &idx);
}

static int arm(void)
{
	d.ring.kick_flags = VRING_USED_F_NO_NOTIFY;
	return vd_ring_arm(&d.ring);
}

static int disarm(void)
{
	d.ring.kick_flags = 0;
	return vd_ring_disarm(&d.ring);
}

static int mute(void)
{
	d.ring.kick_flags = 0;
	return vd_ring_suppress(&d.ring);
}

static int peek(void)
{
	return vd_ring_peek(&d.ring);
}

TEST(fault_mute_and_peek)
{
	drv_init(&d, 8, DRV_EVENT_IDX);
	CHECK_EQ(count(mute), 1);
	sweep(1, mute);
	CHECK_EQ(count(peek), 1);
	sweep(1, peek);
	drv_fini(&d);
	umem_reset();
	drv_init(&d, 8, 0);
	sweep(count(mute), mute);
	CHECK_EQ(d.ring.kick_flags, 0);
	drv_fini(&d);
}

TEST(fault_probe)
{
	drv_init(&d, 8, 0);
	sweep(count(probe), probe);
	drv_fini(&d);
}

TEST(fault_arm_and_disarm)
{
	drv_init(&d, 8, 0);
	sweep(count(arm), arm);
	sweep(count(disarm), disarm);
	/* A write that failed is not remembered as done. */
	CHECK_EQ(d.ring.kick_flags, 0);
	drv_fini(&d);
	umem_reset();
	drv_init(&d, 8, DRV_EVENT_IDX);
	CHECK_EQ(count(arm), 2);
	sweep(2, arm);
	CHECK_EQ(count(disarm), 0);
	drv_fini(&d);
}

/* Where an area is not user memory no window opens at all. */
TEST(fault_not_user_memory)
{
	struct vd_ring good;
	u16 idx;

	drv_init(&d, 8, 0);
	drv_desc(&d, 0, DRV_A_GPA, 1, 0, 0);
	drv_offer(&d, 0);
	good = d.ring;
	vd_area_set(&d.ring.driver, UMEM_TOP);
	CHECK_EQ(drv_fetch(&d, 1), -EFAULT);
	CHECK_EQ(vd_ring_arm(&d.ring), -EFAULT);
	CHECK(!drv_complete(&d.ring, 0, 0));
	CHECK_EQ(vd_ring_publish(&d.ring, true), -EFAULT);
	d.ring = good;
	vd_area_set(&d.ring.desc, UMEM_TOP);
	CHECK_EQ(drv_fetch(&d, 1), -EFAULT);
	d.ring = good;
	vd_area_set(&d.ring.device, UMEM_TOP - 4);
	CHECK_EQ(complete_64(), -EFAULT);
	d.ring.nr_pending = 0;
	CHECK(!drv_complete(&d.ring, 0, 0));
	CHECK_EQ(vd_ring_publish(&d.ring, true), -EFAULT);
	vd_area_set(&d.ring.device, UMEM_TOP);
	CHECK_EQ(vd_ring_probe(&d.ring, &d.mem, &idx), -EFAULT);
	d.ring = good;
	CHECK_EQ(drv_fetch(&d, 1), 1);
	drv_fini(&d);
}

/* Attach refuses a region outside user memory; accesses must fail, too. */
TEST(fault_table_not_user_memory)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 0, .memory_size = 0x1000,
		  .userspace_addr = UMEM_TOP },
		{ .guest_phys_addr = 0x1000, .memory_size = 0x1000,
		  .userspace_addr = ~0ULL - 0xfff },
	};

	drv_init_ring(&d, 8, 0);
	drv_set_table(&d, table, ARRAY_SIZE(table));
	drv_desc(&d, 0, 0, 32, INDIRECT, 0);
	CHECK_EQ(drv_try(&d, 0), -EFAULT);
	drv_start_at(&d, 0);
	drv_desc(&d, 0, 0xff8, 32, INDIRECT, 0);
	CHECK_EQ(drv_try(&d, 0), -EFAULT);
	drv_fini(&d);
}

/* Every length around the border between the loop and the copy routine. */
TEST(access_read)
{
	u8 buf[VD_ACCESS_SMALL + 32], *mem;
	void *src = (void *)(uintptr_t)(UMEM_BASE + 5);
	size_t len, i;

	mem = umem_map(UMEM_BASE, 1024, UMEM_R);
	for (i = 0; i < 1024; i++)
		mem[i] = i * 7 + i / 256;
	for (len = 0; len < sizeof(buf); len++) {
		memset(buf, 0xee, sizeof(buf));
		CHECK(!vd_access_read(buf, src, len));
		umem_settle();
		CHECK(!memcmp(buf, mem + 5, len));
		for (i = len; i < sizeof(buf); i++)
			CHECK_EQ(buf[i], 0xee);
	}
}

TEST(access_read_faults)
{
	u8 buf[VD_ACCESS_SMALL + 32];
	void *src = (void *)(uintptr_t)UMEM_BASE;
	size_t len, at;

	umem_map(UMEM_BASE, sizeof(buf), UMEM_R);
	for (len = 1; len < sizeof(buf); len += 5) {
		CHECK_EQ(vd_access_read(buf, (void *)UMEM_TOP, len), -EFAULT);
		CHECK_EQ(vd_access_read(buf, src + sizeof(buf) - len + 1, len),
			 -EFAULT);
	}
	for (at = 0; at < 7; at++) {
		umem_reset();
		umem_map(UMEM_BASE, sizeof(buf), UMEM_R);
		umem_fault_range(UMEM_BASE + at, UMEM_BASE + at);
		CHECK(!vd_access_read(buf, src, at));
		for (len = at + 1; len < 16; len++)
			CHECK_EQ(vd_access_read(buf, src, len), -EFAULT);
		umem_settle();
	}
}
