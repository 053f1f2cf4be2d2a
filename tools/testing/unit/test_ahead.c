// SPDX-License-Identifier: GPL-2.0-only
/* Prefetch: misses reported ahead of need, after the IOTLB lacked an address. */
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
	CHECK_EQ(d.mem.nr_ahead, 0);
}

static void check_ahead(unsigned int i, u64 addr, u8 perm)
{
	CHECK(i < d.mem.nr_ahead);
	CHECK_EQ(d.mem.ahead[i].addr, addr);
	CHECK_EQ(d.mem.ahead[i].perm, perm);
}

TEST(ahead_pages_of_a_buffer)
{
	begin();
	add(0x12000, 0x1000);
	miss(0x10000);
	/* The missing page is reported; one has a mapping; two have none. */
	CHECK(vd_mem_prefetch(&d.mem, 0x10800, 0x3000, RO));
	CHECK_EQ(d.mem.nr_ahead, 2);
	check_ahead(0, 0x11000, RO);
	check_ahead(1, 0x13000, RO);
	/* To be written is another question, to be read is not. */
	CHECK(vd_mem_prefetch(&d.mem, 0x11fff, 1, RO));
	CHECK(vd_mem_prefetch(&d.mem, 0x11fff, 1, WO));
	CHECK_EQ(d.mem.nr_ahead, 3);
	check_ahead(2, 0x11fff, WO);
	end();
}

/* Buffers that are none are left to their turn. */
TEST(ahead_nonsense)
{
	begin();
	miss(0x10000);
	CHECK(vd_mem_prefetch(&d.mem, 0x20000, 0, RO));
	CHECK(vd_mem_prefetch(&d.mem, ~0ULL, 2, RO));
	CHECK_EQ(d.mem.nr_ahead, 0);
	/* The last page of all. */
	CHECK(vd_mem_prefetch(&d.mem, ~0ULL - 0xfff, 0x1000, WO));
	CHECK_EQ(d.mem.nr_ahead, 1);
	check_ahead(0, ~0ULL - 0xfff, WO);
	end();
}

TEST(ahead_is_bounded)
{
	unsigned int i;

	begin();
	miss(0x10000);
	CHECK(!vd_mem_prefetch(&d.mem, 0x20000, 0xffffffff, RO));
	CHECK_EQ(d.mem.nr_ahead, VD_NR_AHEAD);
	check_ahead(VD_NR_AHEAD - 1, 0x20000 + 0x1000 * (VD_NR_AHEAD - 1), RO);
	/* Nor does what is known cost looks without end. */
	add(0x20000, 0x1000);
	miss(0x10000);
	for (i = 0; i < VD_MAX_LOOKS; i++)
		CHECK(vd_mem_prefetch(&d.mem, 0x20000, 1, RO));
	CHECK(!vd_mem_prefetch(&d.mem, 0x20000, 1, RO));
	CHECK_EQ(d.mem.nr_ahead, 0);
	end();
}

/* Chains behind the one that has to wait, with tables of their own. */
TEST(ahead_of_chains)
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
	CHECK_EQ(d.mem.miss.addr, 0x30000);
	CHECK_EQ(d.mem.nr_ahead, 2);
	check_ahead(0, 0x31000, RO);
	check_ahead(1, 0x32000, WO);
	/* The first can go on: nothing is to be said of the others yet. */
	add(0x30000, 0x1000);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	end();
}

/* The rest of a table that is known. */
TEST(ahead_in_a_table)
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
	CHECK_EQ(d.mem.miss.addr, 0x30000);
	CHECK_EQ(d.mem.nr_ahead, 3);
	check_ahead(0, 0x31000, RO);
	check_ahead(1, 0x32000, WO);
	check_ahead(2, 0x33000, RO);
	end();
}
