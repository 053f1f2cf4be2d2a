// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of accesses and barriers, (A) to (D) of the ring code. On real
 * machines a missing barrier has an effect only rarely; the trace always shows
 * it.
 */
#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/unit.h"

#define AVAIL_FLAGS	DRV_AVAIL
#define AVAIL_IDX	(DRV_AVAIL + 2)
#define AVAIL_RING	(DRV_AVAIL + 4)
#define USED_FLAGS	DRV_USED
#define USED_IDX	(DRV_USED + 2)
#define USED_RING	(DRV_USED + 4)

#define NUM		8U
#define USED_EVENT	(AVAIL_RING + 2 * NUM)
#define AVAIL_EVENT	(USED_RING + 8 * NUM)

static struct drv d;

/* Where in the trace something happens, at or behind @from; -1 for never. */
static int find(int from, enum umem_kind kind, u64 first, u64 last)
{
	const struct umem_event *e;
	unsigned int nr, i;

	e = umem_trace(&nr);
	for (i = from; i < nr; i++)
		if (e[i].kind == kind && e[i].addr >= first &&
		    e[i].addr <= last)
			return i;
	return -1;
}

static int find_at(int from, enum umem_kind kind, u64 addr)
{
	int at = find(from, kind, addr, addr);

	if (at < 0)
		unit_fail(__FILE__, __LINE__, "nothing of kind %d at %#llx",
			  kind, addr);
	return at;
}

static int find_barrier(int from, enum umem_kind kind)
{
	return find_at(from, kind, 0);
}

static unsigned int count(enum umem_kind kind, u64 first, u64 last)
{
	unsigned int nr = 0;
	int at = -1;

	while ((at = find(at + 1, kind, first, last)) >= 0)
		nr++;
	return nr;
}

/* (A): the index, a read barrier, then what it makes available. */
TEST(order_fetch)
{
	int barrier;

	drv_init(&d, NUM, 0);
	drv_offer(&d, 1);
	drv_offer(&d, 2);
	umem_trace_start();
	CHECK_EQ(drv_fetch(&d, 64), 2);
	barrier = find_barrier(find_at(0, UMEM_READ, AVAIL_IDX), UMEM_RMB);
	CHECK(find(0, UMEM_READ, AVAIL_RING, USED_EVENT) > barrier);
	CHECK(find(0, UMEM_READ, DRV_DESC, DRV_DESC + 16 * NUM - 1) > barrier);
	drv_fini(&d);
}

/* Every word is read once: what was checked is what is used. */
TEST(order_fetch_reads_once)
{
	u64 addr;

	drv_init(&d, NUM, 0);
	drv_desc(&d, 0, DRV_A_GPA, 1, VRING_DESC_F_NEXT, 1);
	drv_desc(&d, 1, DRV_C_GPA, 32, VRING_DESC_F_INDIRECT, 0);
	drv_table_desc(DRV_C_GPA, 0, DRV_A_GPA, 1, VRING_DESC_F_NEXT, 1);
	drv_table_desc(DRV_C_GPA, 1, DRV_A_GPA, 1, 0, 0);
	drv_offer(&d, 0);
	umem_trace_start();
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(count(UMEM_READ, AVAIL_IDX, AVAIL_IDX), 1);
	CHECK_EQ(count(UMEM_READ, AVAIL_RING, AVAIL_RING), 1);
	for (addr = 0; addr < 32; addr += 8) {
		CHECK_EQ(count(UMEM_READ, DRV_DESC + addr, DRV_DESC + addr), 1);
		CHECK_EQ(count(UMEM_READ, DRV_C_HVA + addr, DRV_C_HVA + addr),
			 1);
	}
	drv_fini(&d);
}

/* (B) and (C): entries, write barrier, index, full barrier, suppression. */
static void check_publish(unsigned int features, u64 wish)
{
	int entry, wmb, idx, mb;

	drv_init(&d, NUM, features);
	CHECK(!drv_complete(&d.ring, 1, 2));
	CHECK(!drv_complete(&d.ring, 3, 4));
	umem_trace_start();
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	wmb = find_barrier(0, UMEM_WMB);
	for (entry = 0; entry < 16; entry += 4)
		CHECK(find_at(0, UMEM_WRITE, USED_RING + entry) < wmb);
	idx = find_at(0, UMEM_WRITE, USED_IDX);
	CHECK(idx > wmb);
	mb = find_barrier(0, UMEM_MB);
	CHECK(mb > idx);
	CHECK(find_at(0, UMEM_READ, wish) > mb);
	CHECK_EQ(count(UMEM_WRITE, USED_IDX, USED_IDX), 1);
	drv_fini(&d);
	umem_reset();
}

TEST(order_publish)
{
	check_publish(0, AVAIL_FLAGS);
	check_publish(DRV_EVENT_IDX, USED_EVENT);
}

/* (D): kicks enabled, a full barrier, the index read again. */
static void check_arm(unsigned int features, u64 wish)
{
	int mb;

	drv_init(&d, NUM, features);
	CHECK(!vd_ring_disarm(&d.ring));
	umem_trace_start();
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	mb = find_barrier(0, UMEM_MB);
	CHECK(find_at(0, UMEM_WRITE, wish) < mb);
	CHECK(find_at(0, UMEM_READ, AVAIL_IDX) > mb);
	drv_fini(&d);
	umem_reset();
}

TEST(order_arm)
{
	check_arm(0, USED_FLAGS);
	check_arm(DRV_EVENT_IDX, AVAIL_EVENT);
}

/* Memory that changes between the passes is not read again. */
static void change_table_address(void *ctx, u64 addr, size_t len)
{
	struct vring_desc *desc = ctx;

	(void)len;
	/* Both words of the descriptor are read: now it turns into another. */
	if (addr >= DRV_A_HVA)
		desc->addr = cpu_to_le64(~0ULL);
}

TEST(order_fetch_keeps_its_copy)
{
	drv_init(&d, NUM, 0);
	drv_desc(&d, 0, DRV_C_GPA, 16, VRING_DESC_F_INDIRECT, 0);
	drv_table_desc(DRV_C_GPA, 0, DRV_A_GPA + 9, 1, 0, 0);
	umem_on_read(change_table_address, umem_ptr(DRV_DESC, 16));
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ((u64)d.batch->seg[0].iov_base, DRV_A_HVA + 9);
	CHECK_EQ(((struct vring_desc *)umem_ptr(DRV_DESC, 16))->addr, ~0ULL);
	drv_fini(&d);
}
