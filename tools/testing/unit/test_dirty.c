// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log: which pages are marked, and that nothing written is missed. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>

#include "guest/dirty_log.h"
#include "lib/drv.h"
#include "lib/unit.h"

#define LOG		UMEM_BASE
#define LOG_LEN		512U
#define NR_PAGES	(LOG_LEN * 8)

static u8 want[LOG_LEN];
static struct drv d;

static void start(void)
{
	umem_map(LOG, LOG_LEN, UMEM_R | UMEM_W);
	memset(want, 0, sizeof(want));
}

static void check_log(void)
{
	CHECK(!memcmp(umem_ptr(LOG, LOG_LEN), want, LOG_LEN));
}

/* Page by page, bit by bit. */
static void want_pages(u64 first, u64 last)
{
	for (; first <= last; first++)
		want[first / 8] |= 1 << first % 8;
}

/* A failure must be counted, and any attempt be signalled. */
static int mark(u64 bitmap, u64 gpa, u64 len)
{
	struct vd_dirty_log log = { .bitmap = bitmap };
	int ret = vd_dirty_log_gpa(&log, gpa, len);

	CHECK_EQ(log.lost, !!ret);
	CHECK(log.marked);
	return ret;
}

TEST(dirty_single_pages)
{
	start();
	CHECK(!mark(LOG, 0, 1));
	want_pages(0, 0);
	CHECK(!mark(LOG, 4095, 1));
	check_log();
	CHECK(!mark(LOG, 4096, 4096));
	want_pages(1, 1);
	check_log();
	CHECK(!mark(LOG, 3 * 4096 - 1, 2));
	want_pages(2, 3);
	check_log();
	CHECK(!mark(LOG, 31 * 4096, 4097));
	want_pages(31, 32);
	CHECK(!mark(LOG, (NR_PAGES - 1) * 4096ULL, 4096));
	want_pages(NR_PAGES - 1, NR_PAGES - 1);
	check_log();
}

TEST(dirty_nothing)
{
	start();
	CHECK(!mark(LOG, 4096, 0));
	CHECK(!mark(0, ~0ULL, 0));
	check_log();
	CHECK_EQ(umem_nr_accesses(), 0);
}

/* With any marks set already, and the bitmap at any byte. */
TEST(dirty_random)
{
	unsigned int round;

	srand(3);
	start();
	for (round = 0; round < 4000; round++) {
		u64 shift = rand() % 5, skip = rand() % 4096 * 8ULL;
		u64 page = rand() % (NR_PAGES - 200), last = rand() % 120;
		u64 gpa = page * 4096 + rand() % 4096;
		u64 len = last * 4096 + 1 + rand() % 4096;

		if (round % 100 == 0) {
			memset(want, 0, sizeof(want));
			memset(umem_ptr(LOG, LOG_LEN), 0, LOG_LEN);
		}
		want_pages(page + shift * 8,
			   (gpa + len - 1) / 4096 + shift * 8);
		/* The same bytes: the base moves down by what the page moves up. */
		CHECK(!mark(LOG + shift - skip / 8,
			    gpa + skip * 4096, len));
		check_log();
	}
}

TEST(dirty_no_place)
{
	start();
	CHECK_EQ(mark(LOG, NR_PAGES * 4096ULL, 1), -EFAULT);
	CHECK_EQ(mark(LOG, ~0ULL, 2), -EFAULT);
	CHECK_EQ(mark(~0ULL, 8 * 4096, 1), -EFAULT);
	CHECK_EQ(mark(UMEM_TOP, 0, 1), -EFAULT);
	check_log();
	/* The page inside the bitmap is marked. */
	CHECK_EQ(mark(LOG, (NR_PAGES - 1) * 4096ULL, 4097), -EFAULT);
	want_pages(NR_PAGES - 1, NR_PAGES - 1);
	check_log();
}

TEST(dirty_faults)
{
	unsigned int nth;

	start();
	for (nth = 1; nth <= 3; nth++) {
		umem_fault_nth(nth);
		CHECK_EQ(mark(LOG, 0, 96 * 4096), -EFAULT);
	}
	umem_fault_nth(4);
	CHECK(!mark(LOG, 0, 96 * 4096));
	want_pages(0, 95);
	check_log();
}

/* An operation that other processors disturb is repeated, not given up. */
TEST(dirty_disturbed)
{
	start();
	umem_disturb_or(1000);
	CHECK(!mark(LOG, 31 * 4096, 4097));
	want_pages(31, 32);
	check_log();
	/* But not for ever: the client could cause that. */
	umem_disturb_or(1UL << 40);
	CHECK_EQ(mark(LOG, 64 * 4096, 1), -EAGAIN);
	check_log();
}

/* The @len bytes behind address 0x1000 of a user, under some table. */
static int mark_user(const struct vhost_memory_region *table, u32 nr, u64 len)
{
	struct vd_regions *regions = vd_regions_create(table, nr);
	struct vd_dirty_log log = { .bitmap = LOG };
	int ret;

	CHECK(!IS_ERR(regions));
	log.regions = regions;
	ret = vd_dirty_log_hva(&log, 0x1000, len);
	CHECK_EQ(log.lost, !!ret);
	CHECK(log.marked);
	vd_regions_destroy(regions);
	return ret;
}

#define REGION(gpa, size, hva) { .guest_phys_addr = gpa, \
	.memory_size = size, .userspace_addr = hva }

/* A page with two guest addresses marks no other page. */
TEST(dirty_user_aliases)
{
	const struct vhost_memory_region twice[] = {
		REGION(0x10000, 0x1000, 0x1000),
		REGION(0x20000, 0x1000, 0x1000),
	};

	start();
	CHECK(!mark_user(twice, 2, 0x1000));
	want_pages(0x10, 0x10);
	want_pages(0x20, 0x20);
	check_log();
	/* The second page is in no region, though two are marked. */
	CHECK_EQ(mark_user(twice, 2, 0x2000), -EFAULT);
	check_log();
}

/* Overlapping regions in any order, with and without a gap. */
TEST(dirty_user_chain_of_aliases)
{
	const struct vhost_memory_region chain[] = {
		REGION(0x10000, 0x2000, 0x4000),
		REGION(0x20000, 0x2000, 0x2000),
		REGION(0x30000, 0x2000, 0x3000),
		REGION(0x40000, 0x2000, 0x0000),
	};

	start();
	CHECK(!mark_user(chain, 4, 0x5000));
	want_pages(0x41, 0x41);
	want_pages(0x20, 0x21);
	want_pages(0x30, 0x31);
	want_pages(0x10, 0x11);
	check_log();
	CHECK_EQ(mark_user(chain, 4, 0x5001), -EFAULT);
	CHECK_EQ(mark_user(chain, 3, 1), -EFAULT);
	CHECK_EQ(mark_user(chain + 1, 3, 0x5000), -EFAULT);
}

TEST(dirty_log_covers)
{
	const u64 byte = 8 * 4096;

	CHECK(vd_dirty_log_covers(UMEM_TOP - 1, 0, byte - 1));
	CHECK(!vd_dirty_log_covers(UMEM_TOP - 1, 0, byte));
	CHECK(!vd_dirty_log_covers(UMEM_TOP, 0, 0));
	CHECK(vd_dirty_log_covers(UMEM_TOP - 8, 7 * byte, 7 * byte));
	CHECK(!vd_dirty_log_covers(LOG, 1, 0));
	CHECK(!vd_dirty_log_covers(~0ULL, byte, byte));
	CHECK(!vd_dirty_log_covers(~0ULL, 0, byte));
	CHECK(!vd_dirty_log_covers(LOG, 0, ~0ULL));
}

static bool covers(u64 base, const struct vhost_memory_region *table, u32 nr)
{
	struct vd_regions *regions = vd_regions_create(table, nr);
	bool ret;

	CHECK(!IS_ERR(regions));
	ret = vd_dirty_log_covers_memory(base, regions);
	vd_regions_destroy(regions);
	return ret;
}

/* From the lowest page to the highest, in whatever order the table has. */
TEST(dirty_covers)
{
	const u64 top_byte = (DRV_C_GPA + DRV_C_LEN - 1) / 4096 / 8;

	CHECK(covers(~0ULL, drv_table, 0));
	CHECK(covers(0, drv_table, DRV_NR_REGIONS));
	CHECK(covers(UMEM_TOP - 1 - top_byte, drv_table, DRV_NR_REGIONS));
	CHECK(!covers(UMEM_TOP - top_byte, drv_table, DRV_NR_REGIONS));
	CHECK(!covers(UMEM_TOP, drv_table, DRV_NR_REGIONS));
}

TEST(dirty_ring_can_log)
{
	drv_init(&d, 256, DRV_LOG);
	CHECK(vd_ring_can_log(&d.ring, d.log.bitmap));
	d.log.bitmap = UMEM_TOP;
	CHECK(!vd_ring_can_log(&d.ring, d.log.bitmap));
	d.log.bitmap = 0;
	d.ring.log_gpa = ~0ULL - drv_used_len(&d) + 3;
	vd_ring_set_features(&d.ring, 0);
	CHECK(!vd_ring_can_log(&d.ring, d.log.bitmap));
	d.ring.is_logged = false;
	CHECK(vd_ring_can_log(&d.ring, d.log.bitmap));
	drv_fini(&d);
}

/*
 * Each write to the used area is followed by one to its page's mark, and no
 * page is marked that was not written.
 */
static void check_trace(void)
{
	u8 marks[DRV_LOG_LEN] = {}, *log = umem_ptr(DRV_LOG_MAP, DRV_LOG_LEN);
	const struct umem_event *e;
	unsigned int nr, i, k;

	e = umem_trace(&nr);
	for (i = 0; i < nr; i++) {
		u64 page, word;

		if (e[i].kind != UMEM_WRITE || e[i].addr < DRV_USED ||
		    e[i].addr >= DRV_USED + drv_used_len(&d))
			continue;
		page = ((d.ring.log_gpa + e[i].addr - DRV_USED) >> 12) -
		       DRV_LOG_PAGE;
		marks[page / 8] |= 1 << page % 8;
		word = DRV_LOG_MAP + page / 32 * 4;
		for (k = i; k < nr; k++)
			if (e[k].kind == UMEM_WRITE && e[k].addr == word)
				break;
		CHECK(k < nr);
	}
	CHECK(!memcmp(log, marks, sizeof(marks)));
	CHECK(!d.log.lost);
	memset(log, 0, DRV_LOG_LEN);
	umem_trace_start();
}

/* @nr completed chains at index @idx; every 64 of them are flushed at once. */
static void check_publish(u16 idx, unsigned int nr)
{
	drv_start_at(&d, idx);
	d.log.marked = false;
	umem_trace_start();
	while (nr--)
		CHECK(!drv_complete(&d.ring, 1, 2));
	CHECK(vd_ring_publish(&d.ring, true) >= 0);
	check_trace();
	CHECK(d.log.marked);
}

TEST(dirty_ring_publish)
{
	drv_init(&d, 32768, DRV_LOG | DRV_EVENT_IDX);
	check_publish(0, 1);
	check_publish(511, 1);
	check_publish(500, 60);
	check_publish(20000, 200);
	/* Round the end of the ring, and of the index. */
	check_publish(32767, 2);
	check_publish(0xffff, 64);
	check_publish(0xffe0, 128);
	drv_fini(&d);
}

/* More entries than the ring has: no mark beyond the ring. */
TEST(dirty_ring_of_four)
{
	drv_init(&d, 4, DRV_LOG | DRV_EVENT_IDX);
	/* It ends with its page; the next page must not be marked. */
	d.ring.log_gpa = ((DRV_LOG_PAGE + 1) << 12) - drv_used_len(&d);
	check_publish(0, 64);
	check_publish(3, 150);
	drv_fini(&d);
}

TEST(dirty_ring_kicks)
{
	u16 idx;

	drv_init(&d, 1024, DRV_LOG);
	umem_trace_start();
	CHECK(!vd_ring_disarm(&d.ring));
	check_trace();
	CHECK(!vd_ring_arm(&d.ring));
	check_trace();
	CHECK(!vd_ring_probe(&d.ring, &d.mem, &idx));
	check_trace();
	d.ring.event_idx = true;
	CHECK(!vd_ring_arm(&d.ring));
	check_trace();
	CHECK(d.log.marked);
	drv_fini(&d);
}

TEST(dirty_ring_not_logged)
{
	drv_init(&d, 8, 0);
	CHECK(!drv_complete(&d.ring, 1, 2));
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	CHECK(!*(u8 *)umem_ptr(DRV_LOG_MAP, 1));
	CHECK(!d.log.marked);
	drv_fini(&d);
}

/* A log that cannot be written does not stop the ring, but is counted. */
TEST(dirty_ring_lost)
{
	drv_init(&d, 8, DRV_LOG);
	d.log.bitmap = UMEM_TOP;
	CHECK(!drv_complete(&d.ring, 1, 2));
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	CHECK_EQ(d.log.lost, 2);
	CHECK_EQ(drv_used_idx(&d), 1);
	drv_fini(&d);
}
