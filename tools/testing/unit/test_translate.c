// SPDX-License-Identifier: GPL-2.0-only
/* Translation of buffers to segments. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <stdlib.h>

#include "guest/translate.h"
#include "lib/drv.h"
#include "lib/unit.h"

static struct vd_mem mem;
static struct iovec seg[8];

static void use(const struct vhost_memory_region *table, u32 nr)
{
	struct vd_regions *regions = vd_regions_create(table, nr);

	CHECK(!IS_ERR(regions));
	vd_mem_set(&mem, regions);
}

static void done(void)
{
	vd_regions_destroy((struct vd_regions *)mem.regions);
	vd_mem_set(&mem, NULL);
}

static void check_seg(const struct iovec *s, u64 hva, size_t len)
{
	CHECK_EQ((u64)s->iov_base, hva);
	CHECK_EQ(s->iov_len, len);
}

static int translate(u64 gpa, u32 len, struct iovec *to, unsigned int room)
{
	return vd_translate(&mem, gpa, len, VHOST_ACCESS_RO, to, room);
}

TEST(translate_one_piece)
{
	use(drv_table, DRV_NR_REGIONS);
	CHECK_EQ(translate(DRV_A_GPA, 1, seg, 1), 1);
	check_seg(seg, DRV_A_HVA, 1);
	CHECK_EQ(translate(DRV_A_GPA + 7, DRV_A_LEN - 7, seg, 1), 1);
	check_seg(seg, DRV_A_HVA + 7, DRV_A_LEN - 7);
	CHECK_EQ(translate(DRV_C_GPA + DRV_C_LEN - 1, 1, seg, 1), 1);
	check_seg(seg, DRV_C_HVA + DRV_C_LEN - 1, 1);
	done();
}

TEST(translate_across_regions)
{
	use(drv_table, DRV_NR_REGIONS);
	CHECK_EQ(translate(DRV_B_GPA - 3, 8, seg, 2), 2);
	check_seg(&seg[0], DRV_A_HVA + DRV_A_LEN - 3, 3);
	check_seg(&seg[1], DRV_B_HVA, 5);
	/* The first hint is the region that held the end. */
	CHECK_EQ(mem.hint[0].region.gpa, DRV_B_GPA);
	CHECK_EQ(mem.hint[1].region.gpa, DRV_A_GPA);
	CHECK_EQ(translate(DRV_B_GPA - 3, 8, seg, 2), 2);
	check_seg(&seg[0], DRV_A_HVA + DRV_A_LEN - 3, 3);
	done();
}

TEST(translate_nowhere)
{
	use(drv_table, DRV_NR_REGIONS);
	CHECK_EQ(translate(0, 1, seg, 8), -EFAULT);
	CHECK_EQ(translate(DRV_A_GPA - 1, 2, seg, 8), -EFAULT);
	CHECK_EQ(translate(DRV_HOLE_GPA, 1, seg, 8), -EFAULT);
	CHECK_EQ(translate(DRV_HOLE_GPA - 1, 2, seg, 8), -EFAULT);
	CHECK_EQ(translate(DRV_C_GPA, DRV_C_LEN + 1, seg, 8),
		 -EFAULT);
	CHECK_EQ(translate(~0ULL, 1, seg, 8), -EFAULT);
	done();
}

TEST(translate_no_room)
{
	use(drv_table, DRV_NR_REGIONS);
	CHECK_EQ(translate(DRV_B_GPA - 1, 2, seg, 1), -E2BIG);
	CHECK_EQ(translate(DRV_B_GPA - 1, 1, seg, 1), 1);
	CHECK_EQ(vd_translate_slow(&mem, DRV_B_GPA, 1,
				   VHOST_ACCESS_RO, seg, 0), -E2BIG);
	done();
}

/* A translation must not depend on the hints that earlier ones left. */
TEST(translate_hint)
{
	unsigned int i, j;
	const u64 at[] = { DRV_A_GPA, DRV_B_GPA - 1, DRV_B_GPA,
			   DRV_HOLE_GPA - 1, DRV_C_GPA, DRV_C_GPA + 9 };
	const u64 hva[] = { DRV_A_HVA, DRV_A_HVA + DRV_A_LEN - 1, DRV_B_HVA,
			    DRV_B_HVA + DRV_B_LEN - 1, DRV_C_HVA,
			    DRV_C_HVA + 9 };

	use(drv_table, DRV_NR_REGIONS);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			CHECK_EQ(translate(at[i], 1, seg, 1), 1);
			CHECK_EQ(translate(at[j], 1, seg, 1), 1);
			check_seg(seg, hva[j], 1);
		}
		CHECK_EQ(translate(at[i], 1, seg, 1), 1);
		CHECK_EQ(translate(DRV_A_GPA - 1, 1, seg, 1),
			 -EFAULT);
	}
	done();
}

/* A new table drops the hints into the old one. */
TEST(translate_new_table)
{
	const struct vhost_memory_region moved = {
		.guest_phys_addr = DRV_A_GPA,
		.memory_size = 16,
		.userspace_addr = DRV_C_HVA,
	};

	use(drv_table, DRV_NR_REGIONS);
	CHECK_EQ(translate(DRV_A_GPA, 32, seg, 1), 1);
	done();
	use(&moved, 1);
	CHECK_EQ(translate(DRV_A_GPA, 16, seg, 1), 1);
	check_seg(seg, DRV_C_HVA, 16);
	CHECK_EQ(translate(DRV_A_GPA, 32, seg, 2), -EFAULT);
	done();
}

TEST(translate_end_of_space)
{
	/* Both ends are memory, but a buffer must not wrap. */
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 0, .memory_size = 0x1000,
		  .userspace_addr = 0x1000 },
		{ .guest_phys_addr = ~0ULL - 0xfff, .memory_size = 0x1000,
		  .userspace_addr = 0x8000 },
	};

	use(table, ARRAY_SIZE(table));
	CHECK_EQ(translate(~0ULL - 0xfff, 0x1000, seg, 2), 1);
	check_seg(seg, 0x8000, 0x1000);
	CHECK_EQ(translate(~0ULL, 1, seg, 2), 1);
	check_seg(seg, 0x8fff, 1);
	CHECK_EQ(translate(~0ULL, 2, seg, 2), -EFAULT);
	CHECK_EQ(translate(~0ULL - 0xfff, 0x1001, seg, 2), -EFAULT);
	done();
}

TEST(translate_longest)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 1, .memory_size = 1ULL << 33,
		  .userspace_addr = 0x10000 },
	};

	use(table, 1);
	CHECK_EQ(translate(1, ~0U, seg, 1), 1);
	check_seg(seg, 0x10000, ~0U);
	CHECK_EQ(translate(2 + (1ULL << 32), ~0U, seg, 1), 1);
	CHECK_EQ(translate(3 + (1ULL << 32), ~0U, seg, 2), -EFAULT);
	done();
}

/* Against the reference, over tables of small regions that overlap. */
TEST(translate_random)
{
	struct vhost_memory_region table[12] = {};
	struct iovec want[8];
	unsigned int round, i;

	srand(2);
	for (round = 0; round < 2000; round++) {
		u32 nr = 1 + rand() % ARRAY_SIZE(table);

		for (i = 0; i < nr; i++) {
			u64 gpa = rand() % 48 - 24, size = 1 + rand() % 12;

			/* Those that would wrap are cut at the highest address. */
			table[i].guest_phys_addr = gpa;
			table[i].memory_size = gpa + size - 1 < gpa ? -gpa :
								      size;
			table[i].userspace_addr = 0x1000 * (i + 1);
		}
		use(table, nr);
		for (i = 0; i < 100; i++) {
			u64 gpa = rand() % 64 - 28;
			u32 len = 1 + rand() % 20, room = 1 + rand() % 8;
			int ret, ref, k;

			ref = ref_translate(table, nr, gpa, len, want, room);
			ret = translate(gpa, len, seg, room);
			CHECK_EQ(ret < 0, ref < 0);
			for (k = 0; k < ref; k++)
				check_seg(&seg[k], (u64)want[k].iov_base,
					  want[k].iov_len);
			CHECK(ref < 0 || ret == ref);
		}
		done();
	}
}
