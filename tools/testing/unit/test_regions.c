// SPDX-License-Identifier: GPL-2.0-only
/* Memory tables: refused tables, and the region of an address. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <stdlib.h>

#include "guest/regions.h"
#include "lib/ref.h"
#include "lib/unit.h"
#include "umem.h"

#define REGION(gpa, size, hva) {			\
	.guest_phys_addr = (gpa),			\
	.memory_size = (size),				\
	.userspace_addr = (hva),			\
}

#define MAX_REGIONS	512U

/* The stretch that holds @gpa must map it where its owner does. */
static void check_at(const struct vd_regions *regions,
		     const struct vhost_memory_region *table, u32 nr, u64 gpa)
{
	const struct vhost_memory_region *owner = ref_owner(table, nr, gpa);
	const struct vd_region *r = vd_regions_lookup(regions, gpa);

	if (!owner) {
		CHECK(!r);
		return;
	}
	CHECK(r);
	CHECK(gpa >= r->gpa && gpa - r->gpa <= r->span);
	CHECK_EQ(r->hva + (gpa - r->gpa),
		 owner->userspace_addr + (gpa - owner->guest_phys_addr));
}

/* At and around every border, and in the middle. */
static void check_table(const struct vhost_memory_region *table, u32 nr)
{
	struct vd_regions *regions = vd_regions_create(table, nr);
	u32 i;
	int d;

	CHECK(!IS_ERR(regions));
	CHECK(regions->nr <= nr);
	for (i = 0; i < nr; i++) {
		u64 first = table[i].guest_phys_addr;

		for (d = -2; d <= 2; d++) {
			check_at(regions, table, nr, first + d);
			check_at(regions, table, nr,
				 first + table[i].memory_size + d);
		}
		check_at(regions, table, nr, first + table[i].memory_size / 2);
	}
	for (i = 1; i < regions->nr; i++)
		CHECK(regions->region[i].gpa >
		      regions->region[i - 1].gpa + regions->region[i - 1].span);
	check_at(regions, table, nr, 0);
	check_at(regions, table, nr, ~0ULL);
	vd_regions_destroy(regions);
}

static void check_refused(const struct vhost_memory_region *table, u32 nr)
{
	CHECK_EQ(PTR_ERR(vd_regions_create(table, nr)), -EFAULT);
}

TEST(regions_none)
{
	struct vd_regions *regions = vd_regions_create(NULL, 0);

	CHECK(!IS_ERR(regions));
	CHECK_EQ(regions->nr, 0);
	CHECK(regions->is_user);
	CHECK(!vd_regions_lookup(regions, 0));
	CHECK(!vd_regions_lookup(regions, ~0ULL));
	vd_regions_destroy(regions);
	vd_regions_destroy(NULL);
}

TEST(regions_sorted)
{
	const struct vhost_memory_region table[] = {
		REGION(0x9000, 0x1000, 0x500000),
		REGION(0x1000, 0x1000, 0x900000),
		REGION(0x5000, 0x1000, 0x100000),
	};

	check_table(table, ARRAY_SIZE(table));
}

/* Neighbours stay two stretches, even when they could be one. */
TEST(regions_touch)
{
	const struct vhost_memory_region apart[] = {
		REGION(0x2000, 0x1000, 0x100000),
		REGION(0x1000, 0x1000, 0x900000),
	};
	const struct vhost_memory_region joined[] = {
		REGION(0x1000, 0x1000, 0x100000),
		REGION(0x2000, 0x1000, 0x101000),
	};

	check_table(apart, ARRAY_SIZE(apart));
	check_table(joined, ARRAY_SIZE(joined));
}

TEST(regions_overlap_lowest_start_wins)
{
	const struct vhost_memory_region table[] = {
		REGION(0x3000, 0x4000, 0x100000),
		REGION(0x1000, 0x3000, 0x900000),
	};

	check_table(table, ARRAY_SIZE(table));
}

TEST(regions_overlap_earliest_wins)
{
	const struct vhost_memory_region table[] = {
		REGION(0x1000, 0x1000, 0x100000),
		REGION(0x1000, 0x3000, 0x900000),
		REGION(0x1000, 0x2000, 0x500000),
	};

	check_table(table, ARRAY_SIZE(table));
}

TEST(regions_overlap_inside)
{
	const struct vhost_memory_region table[] = {
		REGION(0x2000, 0x1000, 0x100000),
		REGION(0x1000, 0x5000, 0x900000),
		REGION(0x5fff, 0x0002, 0x500000),
		REGION(0x1000, 0x5000, 0x300000),
	};

	check_table(table, ARRAY_SIZE(table));
}

TEST(regions_whole_space)
{
	/* A size of 64 bits does not hold all of it: two halves do. */
	const struct vhost_memory_region halves[] = {
		REGION(1ULL << 63, 1ULL << 63, 0x1000),
		REGION(0, 1ULL << 63, 0),
	};
	const struct vhost_memory_region most[] = {
		REGION(0, ~0ULL, 0),
		REGION(~0ULL, 1, 0x7000),
	};

	check_table(halves, ARRAY_SIZE(halves));
	check_table(most, ARRAY_SIZE(most));
}

TEST(regions_end_of_space)
{
	const struct vhost_memory_region table[] = {
		REGION(~0ULL - 0xfff, 0x1000, 0x100000),
		REGION(~0ULL - 0x1fff, 0x1800, 0x900000),
		REGION(~0ULL, 1, 0x300000),
	};

	check_table(table, ARRAY_SIZE(table));
}

TEST(regions_refused)
{
	const struct vhost_memory_region empty = REGION(0x1000, 0, 0x100000);
	const struct vhost_memory_region wraps =
		REGION(~0ULL - 0xfff, 0x1001, 0x100000);
	const struct vhost_memory_region wraps_far = REGION(2, ~0ULL, 0);
	const struct vhost_memory_region late[] = {
		REGION(0x1000, 0x1000, 0x100000),
		REGION(0x5000, 0x1000, 0x200000),
		REGION(0x9000, 0, 0x300000),
	};

	check_refused(&empty, 1);
	check_refused(&wraps, 1);
	check_refused(&wraps_far, 1);
	check_refused(late, ARRAY_SIZE(late));
}

static bool is_user(u64 hva, u64 size)
{
	const struct vhost_memory_region table[] = {
		REGION(0x1000, size, hva),
		REGION(~0ULL, 1, 0x1000),
	};
	struct vd_regions *regions = vd_regions_create(table, 2);
	bool ret;

	CHECK(!IS_ERR(regions));
	ret = regions->is_user;
	vd_regions_destroy(regions);
	return ret;
}

TEST(regions_user_range)
{
	CHECK(is_user(0, 0x1000));
	CHECK(is_user(UMEM_TOP - 0x1000, 0x1000));
	CHECK(!is_user(UMEM_TOP - 0x1000, 0x1001));
	CHECK(!is_user(UMEM_TOP, 1));
	CHECK(!is_user(~0ULL, 1));
	CHECK(!is_user(~0ULL - 0xfff, 0x1001));
	CHECK(!is_user(0x1000, ~0ULL - 0x2000));
}

/* A region without reachable addresses must still be user memory. */
TEST(regions_user_range_hidden)
{
	const struct vhost_memory_region table[] = {
		REGION(0x1000, 0x1000, 0x1000),
		REGION(0x1000, 0x1000, ~0ULL - 0xfff),
	};
	struct vd_regions *regions = vd_regions_create(table, 2);

	CHECK(!IS_ERR(regions));
	CHECK_EQ(regions->nr, 1);
	CHECK(!regions->is_user);
	vd_regions_destroy(regions);
}

TEST(regions_512)
{
	struct vhost_memory_region table[MAX_REGIONS] = {};
	u32 i;

	for (i = 0; i < MAX_REGIONS; i++) {
		/* 167 and 512 have no common divisor: each place once. */
		u64 place = i * 167 % MAX_REGIONS;

		table[i].guest_phys_addr = place * 0x10000;
		table[i].memory_size = place % 3 ? 0x10000 : 0x8000;
		table[i].userspace_addr = 0x10000000 + i * 0x10000ULL;
	}
	check_table(table, MAX_REGIONS);
}

/* Few addresses, so that everything overlaps and touches everything. */
TEST(regions_random)
{
	struct vhost_memory_region table[24] = {};
	unsigned int round, i, nr;

	srand(1);
	for (round = 0; round < 3000; round++) {
		nr = 1 + rand() % ARRAY_SIZE(table);
		for (i = 0; i < nr; i++) {
			u64 start = rand() % 64, size = 1 + rand() % 16;

			/* Half of them at the end of the space. */
			if (round & 1)
				start = -start - size;
			table[i].guest_phys_addr = start;
			table[i].memory_size = size;
			table[i].userspace_addr = 0x1000 * (i + 1);
		}
		check_table(table, nr);
	}
}

TEST(regions_failed_allocations)
{
	const struct vhost_memory_region one = REGION(0x1000, 0x1000, 0x1000);
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		slab_fail_nth(nth);
		CHECK_EQ(PTR_ERR(vd_regions_create(&one, 1)), -ENOMEM);
		CHECK_EQ(slab_nr_live(), 0);
	}
	/* There are no more than these two. */
	slab_fail_nth(3);
	check_table(&one, 1);
}
