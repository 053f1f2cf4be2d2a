// SPDX-License-Identifier: GPL-2.0-only
/* I/O addresses: mappings, translation, and dropped hints. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "guest/iotlb.h"
#include "guest/translate.h"
#include "lib/drv.h"
#include "lib/unit.h"

#define HVA	(UMEM_BASE + 0x10000000)

static struct vd_iotlb iotlb;
static struct vd_mem mem;
static struct iovec seg[8];

static void begin(void)
{
	vd_iotlb_init(&iotlb);
	mem = (struct vd_mem){};
	vd_mem_set_iotlb(&mem, &iotlb);
}

static void end(void)
{
	while (iotlb.nr)
		vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
	CHECK(!vd_iotlb_oldest(&iotlb));
	CHECK_EQ(slab_nr_live(), 0);
}

static void add(u64 iova, u64 len, u64 hva, u8 perm)
{
	const struct vd_region region = {
		.gpa = iova,
		.span = len - 1,
		.hva = hva,
	};

	drv_iotlb_add(&iotlb, &region, perm);
}

static int translate(u64 iova, u32 len, u8 perm, unsigned int room)
{
	return vd_translate(&mem, iova, len, perm, seg, room);
}

TEST(iotlb_find)
{
	begin();
	add(0x3000, 0x1000, HVA, VHOST_ACCESS_RW);
	add(0x1000, 0x1000, HVA, VHOST_ACCESS_RW);
	CHECK(!vd_iotlb_find(&iotlb, 0, 0xfff));
	CHECK(!vd_iotlb_find(&iotlb, 0x2000, 0x2fff));
	CHECK(!vd_iotlb_find(&iotlb, 0x4000, ~0ULL));
	CHECK_EQ(vd_iotlb_find(&iotlb, 0, 0x1000)->region.gpa, 0x1000);
	CHECK_EQ(vd_iotlb_find(&iotlb, 0x1fff, 0x3000)->region.gpa, 0x1000);
	CHECK_EQ(vd_iotlb_find(&iotlb, 0x2000, 0x3000)->region.gpa, 0x3000);
	CHECK_EQ(vd_iotlb_find(&iotlb, 0, ~0ULL)->region.gpa, 0x1000);
	end();
}

/* An overlapping mapping does not replace one; age is that of insertion. */
TEST(iotlb_lowest_start_counts)
{
	begin();
	add(0x2000, 0x2000, HVA + 0x2000, VHOST_ACCESS_RW);
	add(0x1000, 0x2000, HVA + 0x100000, VHOST_ACCESS_RW);
	CHECK_EQ(vd_iotlb_find(&iotlb, 0x2000, 0x2000)->region.gpa, 0x1000);
	CHECK_EQ(vd_iotlb_find(&iotlb, 0x3000, 0x3000)->region.gpa, 0x2000);
	CHECK_EQ(vd_iotlb_oldest(&iotlb)->region.gpa, 0x2000);
	vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
	CHECK_EQ(vd_iotlb_oldest(&iotlb)->region.gpa, 0x1000);
	CHECK(!vd_iotlb_find(&iotlb, 0x3000, 0x3fff));
	end();
}

/* The last byte of all, and all bytes. */
TEST(iotlb_whole_space)
{
	begin();
	add(~0ULL - 0xfff, 0x1000, HVA, VHOST_ACCESS_RW);
	CHECK_EQ(translate(~0ULL, 1, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ(translate(~0ULL, 2, VHOST_ACCESS_RO, 2), -EFAULT);
	add(0, 0, HVA, VHOST_ACCESS_RW);
	CHECK_EQ(vd_iotlb_find(&iotlb, 5, 5)->region.span, ~0ULL);
	end();
}

TEST(iotlb_no_memory)
{
	const struct vd_region region = {};
	struct vd_iotlb_map *map;

	begin();
	slab_fail_nth(1);
	CHECK(!vd_iotlb_map_create(&region, VHOST_ACCESS_RO));
	/* Adding takes no memory: it is done while both queues are blocked. */
	map = vd_iotlb_map_create(&region, VHOST_ACCESS_RO);
	CHECK(map);
	slab_fail_nth(1);
	vd_iotlb_add(&iotlb, map);
	CHECK_EQ(iotlb.nr, 1);
	CHECK_EQ(slab_nr_live(), 1);
	slab_fail_nth(0);
	end();
}

/* A miss reports the first missing byte. */
TEST(iotlb_miss)
{
	begin();
	CHECK_EQ(translate(0x1234, 8, VHOST_ACCESS_WO, 8), -EAGAIN);
	CHECK_EQ(mem.miss.iova, 0x1234);
	CHECK_EQ(mem.miss.perm, VHOST_ACCESS_WO);
	add(0x1000, 0x1000, HVA, VHOST_ACCESS_RW);
	CHECK_EQ(translate(0x1234, 8, VHOST_ACCESS_WO, 8), 1);
	CHECK_EQ((u64)seg[0].iov_base, HVA + 0x234);
	CHECK_EQ(translate(0x1ff0, 0x20, VHOST_ACCESS_RO, 8), -EAGAIN);
	CHECK_EQ(mem.miss.iova, 0x2000);
	CHECK_EQ(mem.miss.perm, VHOST_ACCESS_RO);
	add(0x2000, 0x1000, HVA + 0x8000, VHOST_ACCESS_RW);
	CHECK_EQ(translate(0x1ff0, 0x20, VHOST_ACCESS_RO, 8), 2);
	CHECK_EQ((u64)seg[1].iov_base, HVA + 0x8000);
	CHECK_EQ(translate(0x1ff0, 0x20, VHOST_ACCESS_RO, 1), -E2BIG);
	end();
}

/* The hint must not let through what the mapping does not allow. */
TEST(iotlb_permission)
{
	begin();
	add(0x1000, 0x1000, HVA, VHOST_ACCESS_RO);
	add(0x2000, 0x1000, HVA, VHOST_ACCESS_WO);
	add(0x3000, 0x1000, HVA, 0);
	CHECK_EQ(translate(0x1000, 8, VHOST_ACCESS_WO, 1), -EFAULT);
	CHECK_EQ(translate(0x1000, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ(translate(0x1000, 8, VHOST_ACCESS_WO, 1), -EFAULT);
	CHECK_EQ(translate(0x2000, 8, VHOST_ACCESS_WO, 1), 1);
	CHECK_EQ(translate(0x2000, 8, VHOST_ACCESS_RO, 1), -EFAULT);
	CHECK_EQ(translate(0x1ffc, 8, VHOST_ACCESS_RO, 2), -EFAULT);
	CHECK_EQ(translate(0x3000, 8, VHOST_ACCESS_RO, 1), -EFAULT);
	end();
}

TEST(iotlb_forget)
{
	begin();
	add(0x1000, 0x1000, HVA, VHOST_ACCESS_RW);
	CHECK_EQ(translate(0x1800, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK(mem.hint[0].perm);
	vd_mem_forget(&mem, 0, 0xfff);
	vd_mem_forget(&mem, 0x2000, ~0ULL);
	CHECK(mem.hint[0].perm);
	vd_mem_forget(&mem, 0x1fff, 0x1fff);
	CHECK(!mem.hint[0].perm);
	CHECK_EQ(translate(0x1800, 8, VHOST_ACCESS_RO, 1), 1);
	vd_mem_forget(&mem, 0, 0x1000);
	CHECK(!mem.hint[0].perm);
	vd_mem_forget(&mem, 0, 0x1000);
	end();
}

/* The mapping at @gpa goes, and comes back at @hva. */
static void move(u64 gpa, u64 hva)
{
	vd_mem_forget(&mem, gpa, gpa + 0xfff);
	vd_iotlb_del(&iotlb, vd_iotlb_find(&iotlb, gpa, gpa));
	CHECK_EQ(translate(gpa, 8, VHOST_ACCESS_RO, 1), -EAGAIN);
	add(gpa, 0x1000, hva, VHOST_ACCESS_RW);
	CHECK_EQ(translate(gpa, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ((u64)seg[0].iov_base, hva);
}

/* Neither hint may outlive its mapping. */
TEST(iotlb_forget_either_hint)
{
	begin();
	add(0x1000, 0x1000, HVA, VHOST_ACCESS_RW);
	add(0x8000, 0x1000, HVA + 0x10000, VHOST_ACCESS_RW);
	CHECK_EQ(translate(0x1000, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ(translate(0x8000, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK(mem.hint[0].perm && mem.hint[1].perm);
	move(0x1000, HVA + 0x20000);
	CHECK_EQ(mem.hint[1].region.gpa, 0x8000);
	move(0x1000, HVA + 0x30000);
	CHECK_EQ(translate(0x8000, 8, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ((u64)seg[0].iov_base, HVA + 0x10000);
	end();
}

/* Without an IOTLB all of a region may be written. */
TEST(iotlb_none)
{
	struct vd_regions *regions = vd_regions_create(drv_table,
						       DRV_NR_REGIONS);

	begin();
	vd_mem_set(&mem, regions);
	vd_mem_set_iotlb(&mem, NULL);
	CHECK_EQ(translate(DRV_A_GPA, 1, VHOST_ACCESS_RO, 1), 1);
	CHECK_EQ(translate(DRV_A_GPA, 1, VHOST_ACCESS_WO, 1), 1);
	vd_mem_set_iotlb(&mem, &iotlb);
	CHECK_EQ(translate(DRV_A_GPA, 1, VHOST_ACCESS_RO, 1), -EAGAIN);
	vd_regions_destroy(regions);
	end();
}
