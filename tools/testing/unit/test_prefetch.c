// SPDX-License-Identifier: GPL-2.0-only
/* Misses that are prefetched once the IOTLB has missed an address. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "guest/iotlb.h"
#include "guest/translate.h"
#include "lib/drv.h"
#include "lib/unit.h"

#define RO	VHOST_ACCESS_RO
#define WO	VHOST_ACCESS_WO
#define TABLE	(DRV_A_GPA + 0x8000)

static struct vd_iotlb iotlb;
static struct drv d;

static void begin(void)
{
	drv_init(&d, 128, 0);
	vd_iotlb_init(&iotlb);
	vd_mem_set_iotlb(&d.mem, &iotlb);
}

static void end(void)
{
	while (iotlb.nr)
		vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
	vd_mem_set_iotlb(&d.mem, NULL);
	drv_fini(&d);
}

/* Region A's memory, at its own addresses. */
static void add(u64 iova, u64 len)
{
	const struct vd_region region = {
		.gpa = iova,
		.span = len - 1,
		.hva = DRV_A_HVA + (iova - DRV_A_GPA),
	};

	drv_iotlb_add(&iotlb, &region, VHOST_ACCESS_RW);
}

static void miss(u64 addr)
{
	struct iovec seg;

	CHECK_EQ(vd_translate(&d.mem, addr, 1, RO, &seg, 1), -EAGAIN);
	CHECK_EQ(d.mem.prefetch.nr, 0);
}

static void check_prefetch(unsigned int i, u64 addr, u8 perm)
{
	CHECK(i < d.mem.prefetch.nr);
	CHECK_EQ(d.mem.prefetch.miss[i].iova, addr);
	CHECK_EQ(d.mem.prefetch.miss[i].perm, perm);
}

TEST(prefetch_pages_of_a_buffer)
{
	begin();
	add(0x12000, 0x1000);
	miss(0x10000);
	/* One page is the miss itself, one is mapped, two are prefetched. */
	CHECK(vd_mem_prefetch(&d.mem, 0x10800, 0x3000, RO));
	CHECK_EQ(d.mem.prefetch.nr, 2);
	check_prefetch(0, 0x11000, RO);
	check_prefetch(1, 0x13000, RO);
	/* Write access to a page is another miss, read access is not. */
	CHECK(vd_mem_prefetch(&d.mem, 0x11fff, 1, RO));
	CHECK(vd_mem_prefetch(&d.mem, 0x11fff, 1, WO));
	CHECK_EQ(d.mem.prefetch.nr, 3);
	check_prefetch(2, 0x11fff, WO);
	end();
}

/* Empty and invalid buffers are left until they are fetched. */
TEST(prefetch_nonsense)
{
	begin();
	miss(0x10000);
	CHECK(vd_mem_prefetch(&d.mem, 0x20000, 0, RO));
	CHECK(vd_mem_prefetch(&d.mem, ~0ULL, 2, RO));
	CHECK_EQ(d.mem.prefetch.nr, 0);
	/* The last page of all. */
	CHECK(vd_mem_prefetch(&d.mem, ~0ULL - 0xfff, 0x1000, WO));
	CHECK_EQ(d.mem.prefetch.nr, 1);
	check_prefetch(0, ~0ULL - 0xfff, WO);
	end();
}

TEST(prefetch_is_bounded)
{
	unsigned int i;

	begin();
	miss(0x10000);
	CHECK(!vd_mem_prefetch(&d.mem, 0x20000, 0xffffffff, RO));
	CHECK_EQ(d.mem.prefetch.nr, VD_MAX_PREFETCH);
	check_prefetch(VD_MAX_PREFETCH - 1, 0x20000 + 0x1000 * (VD_MAX_PREFETCH - 1), RO);
	/* The lookups of pages that are mapped are bounded, too. */
	add(0x20000, 0x1000);
	miss(0x10000);
	for (i = 0; i < VD_MAX_PREFETCH_LOOKUPS; i++)
		CHECK(vd_mem_prefetch(&d.mem, 0x20000, 1, RO));
	CHECK(!vd_mem_prefetch(&d.mem, 0x20000, 1, RO));
	CHECK_EQ(d.mem.prefetch.nr, 0);
	end();
}

/* Chains behind the one that must wait, one of them with a table. */
TEST(prefetch_of_chains)
{
	begin();
	add(0x10000, 0x1000);
	drv_desc(&d, 0, 0x10000, 12, VRING_DESC_F_NEXT, 1);
	drv_desc(&d, 1, 0x30000, 64, 0, 0);
	drv_desc(&d, 2, 0x31000, 64, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	drv_desc(&d, 3, 0x32000, 64, VRING_DESC_F_WRITE, 0);
	drv_offer(&d, 0);
	drv_offer(&d, 2);
	drv_offer(&d, 3);
	CHECK_EQ(drv_fetch(&d, 64), -EAGAIN);
	CHECK_EQ(d.mem.miss.iova, 0x30000);
	CHECK_EQ(d.mem.prefetch.nr, 2);
	check_prefetch(0, 0x31000, RO);
	check_prefetch(1, 0x32000, WO);
	/* The first chain does not miss: the others are not prefetched yet. */
	add(0x30000, 0x1000);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	end();
}

/* The rest of a table that has a mapping. */
TEST(prefetch_in_a_table)
{
	begin();
	add(TABLE, 0x1000);
	drv_table_desc(TABLE, 0, 0x30000, 12, VRING_DESC_F_NEXT, 1);
	drv_table_desc(TABLE, 1, 0x31000, 64, VRING_DESC_F_NEXT, 2);
	drv_table_desc(TABLE, 2, 0x32000, 64, VRING_DESC_F_WRITE, 0);
	drv_desc(&d, 0, TABLE, 48, VRING_DESC_F_INDIRECT, 0);
	drv_desc(&d, 1, 0x33000, 64, 0, 0);
	drv_offer(&d, 0);
	drv_offer(&d, 1);
	CHECK_EQ(drv_fetch(&d, 64), -EAGAIN);
	CHECK_EQ(d.mem.miss.iova, 0x30000);
	CHECK_EQ(d.mem.prefetch.nr, 3);
	check_prefetch(0, 0x31000, RO);
	check_prefetch(1, 0x32000, WO);
	check_prefetch(2, 0x33000, RO);
	end();
}
