// SPDX-License-Identifier: GPL-2.0-only
/* Indirect tables, alone and behind direct descriptors. */
#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/unit.h"

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT

/* Where tables lie; not aligned, as the standard does not require it. */
#define TABLE		(DRV_C_GPA + 3)

#define DESC_LEN	16U

static struct drv d;

static void start(void)
{
	drv_init(&d, 64, 0);
	drv_desc(&d, 0, TABLE, 4 * DESC_LEN, INDIRECT, 0);
}

static const struct vd_chain *chain(void)
{
	CHECK_EQ(d.batch->nr, 1);
	return &d.batch->chain[0];
}

static void check_seg(unsigned int i, u64 hva, size_t len)
{
	CHECK(i < d.batch->nr_seg);
	CHECK_EQ((u64)d.batch->seg[i].iov_base, hva);
	CHECK_EQ(d.batch->seg[i].iov_len, len);
}

static void check_broken(int err)
{
	CHECK_EQ(drv_try(&d, 0), err);
	CHECK_EQ(d.ring.next_avail, 0);
	CHECK_EQ(d.batch->nr, 0);
	CHECK_EQ(d.batch->nr_seg, 0);
	CHECK_EQ(d.batch->nr_desc, 0);
}

TEST(indirect_out_and_in)
{
	start();
	drv_table_desc(TABLE, 0, DRV_A_GPA, 10, NEXT, 1);
	drv_table_desc(TABLE, 1, DRV_B_GPA - 1, 20, NEXT, 2);
	drv_table_desc(TABLE, 2, DRV_B_GPA, 30, WRITE, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain()->nr_out, 3);
	CHECK_EQ(chain()->nr_in, 1);
	CHECK_EQ(chain()->out_len, 30);
	CHECK_EQ(chain()->in_len, 30);
	check_seg(2, DRV_B_HVA, 19);
	check_seg(3, DRV_B_HVA, 30);
	drv_fini(&d);
}

/* 2.7.5.3: entries are chained by next, not by their place. */
TEST(indirect_next_out_of_order)
{
	start();
	drv_table_desc(TABLE, 0, DRV_A_GPA, 1, NEXT, 3);
	drv_table_desc(TABLE, 3, DRV_A_GPA, 2, NEXT, 1);
	drv_table_desc(TABLE, 1, DRV_A_GPA, 4, 0, 2);
	drv_table_desc(TABLE, 2, DRV_HOLE_GPA, 8, 0, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain()->nr_out, 3);
	CHECK_EQ(chain()->out_len, 7);
	drv_fini(&d);
}

TEST(indirect_behind_direct)
{
	start();
	drv_desc(&d, 1, DRV_A_GPA, 12, NEXT, 0);
	drv_table_desc(TABLE, 0, DRV_B_GPA, 100, NEXT, 1);
	drv_table_desc(TABLE, 1, DRV_B_GPA, 1, WRITE, 0);
	CHECK_EQ(drv_try(&d, 1), 1);
	CHECK_EQ(chain()->head, 1);
	CHECK_EQ(chain()->nr_out, 2);
	CHECK_EQ(chain()->nr_in, 1);
	CHECK_EQ(chain()->out_len, 112);
	check_seg(0, DRV_A_HVA, 12);
	check_seg(1, DRV_B_HVA, 100);
	drv_fini(&d);
}

/* The direct part's writable buffer forbids readable ones in the table. */
TEST(indirect_readable_behind_direct_writable)
{
	start();
	drv_desc(&d, 1, DRV_A_GPA, 12, NEXT | WRITE, 0);
	drv_table_desc(TABLE, 0, DRV_B_GPA, 100, 0, 0);
	CHECK_EQ(drv_try(&d, 1), -EINVAL);
	drv_fini(&d);
}

TEST(indirect_zero_length)
{
	start();
	drv_table_desc(TABLE, 0, ~0ULL, 0, NEXT, 1);
	drv_table_desc(TABLE, 1, DRV_A_GPA, 5, NEXT, 2);
	drv_table_desc(TABLE, 2, 0, 0, WRITE, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain()->nr_out, 1);
	CHECK_EQ(chain()->nr_in, 0);
	drv_fini(&d);
}

/* 2.7.5.3.2: the device ignores WRITE on the descriptor of a table. */
TEST(indirect_write_flag_ignored)
{
	start();
	drv_desc(&d, 0, TABLE, DESC_LEN, INDIRECT | WRITE, 0);
	drv_table_desc(TABLE, 0, DRV_A_GPA, 5, 0, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain()->nr_out, 1);
	drv_fini(&d);
}

TEST(indirect_with_next)
{
	start();
	drv_desc(&d, 0, TABLE, DESC_LEN, INDIRECT | NEXT, 1);
	drv_desc(&d, 1, DRV_A_GPA, 1, 0, 0);
	drv_table_desc(TABLE, 0, DRV_A_GPA, 5, 0, 0);
	check_broken(-EINVAL);
	drv_fini(&d);
}

TEST(indirect_nested)
{
	start();
	drv_table_desc(TABLE, 0, DRV_A_GPA, 5, NEXT, 1);
	drv_table_desc(TABLE, 1, TABLE, DESC_LEN, INDIRECT, 0);
	check_broken(-EINVAL);
	drv_fini(&d);
}

TEST(indirect_loop)
{
	start();
	drv_table_desc(TABLE, 0, DRV_A_GPA, 1, NEXT, 1);
	drv_table_desc(TABLE, 1, DRV_A_GPA, 1, NEXT, 0);
	check_broken(-ELOOP);
	drv_fini(&d);
}

TEST(indirect_beyond_table)
{
	start();
	drv_table_desc(TABLE, 0, DRV_A_GPA, 1, NEXT, 4);
	drv_table_desc(TABLE, 4, DRV_A_GPA, 1, 0, 0);
	check_broken(-EINVAL);
	drv_fini(&d);
}

static void check_table_len(u32 len, int err)
{
	start();
	drv_desc(&d, 0, TABLE, len, INDIRECT, 0);
	drv_table_desc(TABLE, 0, DRV_A_GPA, 1, 0, 0);
	CHECK_EQ(drv_try(&d, 0), err);
	drv_fini(&d);
	umem_reset();
}

TEST(indirect_table_length)
{
	check_table_len(0, -EINVAL);
	check_table_len(1, -EINVAL);
	check_table_len(15, -EINVAL);
	check_table_len(16, 1);
	check_table_len(17, -EINVAL);
	check_table_len(~0U, -EINVAL);
	check_table_len(~0U - 15, -EINVAL);
	check_table_len(65535 * DESC_LEN, 1);
	check_table_len(65536 * DESC_LEN, 1);
	check_table_len(65537 * DESC_LEN, -EINVAL);
}

TEST(indirect_table_outside_memory)
{
	start();
	drv_desc(&d, 0, DRV_HOLE_GPA, DESC_LEN, INDIRECT, 0);
	check_broken(-EFAULT);
	drv_start_at(&d, 0);
	drv_desc(&d, 0, ~0ULL, DESC_LEN, INDIRECT, 0);
	check_broken(-EFAULT);
	drv_fini(&d);
}

/* The table's last descriptor lies half outside memory. */
TEST(indirect_table_runs_into_hole)
{
	u64 gpa = DRV_HOLE_GPA - DESC_LEN - 8;

	start();
	drv_desc(&d, 0, gpa, 2 * DESC_LEN, INDIRECT, 0);
	drv_table_desc(gpa, 0, DRV_A_GPA, 1, NEXT, 1);
	check_broken(-EFAULT);
	drv_fini(&d);
}

/* The largest table is accepted, but no walk through too many empty entries. */
TEST(indirect_patience_with_empty_entries)
{
	const u32 last = 4 * VD_MAX_SEGS - 1;
	u32 i;

	start();
	drv_desc(&d, 0, TABLE, 65536 * DESC_LEN, INDIRECT, 0);
	for (i = 0; i < 65536; i++)
		drv_table_desc(TABLE, i, ~0ULL, 0, NEXT, i + 1);
	drv_table_desc(TABLE, last, DRV_A_GPA, 7, 0, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain()->nr_out, 1);
	CHECK_EQ(chain()->out_len, 7);
	/* One more, and the walk ends before the chain does. */
	drv_start_at(&d, 0);
	vd_batch_reset(d.batch);
	drv_table_desc(TABLE, last, ~0ULL, 0, NEXT, last + 1);
	drv_table_desc(TABLE, last + 1, DRV_A_GPA, 7, 0, 0);
	check_broken(-ELOOP);
	drv_fini(&d);
}

static int try_table(u32 nr, u32 empty)
{
	u32 i, all = nr + empty;

	drv_desc(&d, 0, TABLE, all * DESC_LEN, INDIRECT, 0);
	for (i = 0; i < all; i++)
		drv_table_desc(TABLE, i, DRV_A_GPA + i, i < nr,
			       i < all - 1 ? NEXT : 0, i + 1);
	return drv_try(&d, 0);
}

TEST(indirect_1024_pieces)
{
	start();
	CHECK_EQ(try_table(1024, 0), 1);
	CHECK_EQ(chain()->nr_out, 1024);
	check_seg(1023, DRV_A_HVA + 1023, 1);
	drv_fini(&d);
}

TEST(indirect_1024_pieces_and_empty_ones)
{
	start();
	CHECK_EQ(try_table(1024, 20), 1);
	CHECK_EQ(chain()->nr_out, 1024);
	drv_fini(&d);
}

TEST(indirect_1025_pieces)
{
	start();
	CHECK_EQ(try_table(1025, 0), -E2BIG);
	CHECK_EQ(d.batch->nr_seg, 0);
	drv_fini(&d);
}

TEST(indirect_1024_pieces_behind_a_direct_one)
{
	start();
	CHECK_EQ(try_table(1024, 0), 1);
	drv_start_at(&d, 0);
	vd_batch_reset(d.batch);
	drv_desc(&d, 1, DRV_A_GPA, 1, NEXT, 0);
	CHECK_EQ(drv_try(&d, 1), -E2BIG);
	drv_fini(&d);
}

/* A border of regions at each byte of a table of four descriptors. */
TEST(indirect_table_across_regions)
{
	unsigned int shift, i;

	drv_init(&d, 64, 0);
	for (shift = 0; shift <= 4 * DESC_LEN; shift++) {
		u64 gpa = DRV_B_GPA - shift;

		drv_start_at(&d, 0);
		vd_batch_reset(d.batch);
		drv_desc(&d, 0, gpa, 4 * DESC_LEN, INDIRECT, 0);
		for (i = 0; i < 4; i++)
			drv_table_desc(gpa, i, DRV_C_GPA + 0x10101 * i, 1 << i,
				       (i < 3 ? NEXT : 0) | (i > 1 ? WRITE : 0),
				       i + 1);
		CHECK_EQ(drv_try(&d, 0), 1);
		CHECK_EQ(chain()->nr_out, 2);
		CHECK_EQ(chain()->nr_in, 2);
		for (i = 0; i < 4; i++)
			check_seg(i, DRV_C_HVA + 0x10101 * i, 1 << i);
	}
	drv_fini(&d);
}

/* What breaks a table in one piece breaks a scattered one too. */
TEST(indirect_table_across_regions_broken)
{
	const u64 gpa = DRV_B_GPA - 2 * DESC_LEN - 5;

	start();
	drv_desc(&d, 0, gpa, 4 * DESC_LEN, INDIRECT, 0);
	drv_table_desc(gpa, 0, DRV_A_GPA, 1, NEXT, 2);
	drv_table_desc(gpa, 2, DRV_A_GPA, 1, NEXT, 0);
	check_broken(-ELOOP);
	drv_start_at(&d, 0);
	drv_table_desc(gpa, 2, DRV_A_GPA, 1, NEXT, 4);
	check_broken(-EINVAL);
	drv_start_at(&d, 0);
	drv_table_desc(gpa, 2, DRV_A_GPA, DESC_LEN, INDIRECT, 0);
	check_broken(-EINVAL);
	drv_start_at(&d, 0);
	drv_table_desc(gpa, 2, DRV_HOLE_GPA, 1, 0, 0);
	check_broken(-EFAULT);
	drv_fini(&d);
}

/* Fuzzing found a fault of the reference here, not of the module. */
TEST(indirect_table_goes_round_the_end)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = ~0ULL - 0xfff, .memory_size = 0x1000,
		  .userspace_addr = DRV_A_HVA },
		{ .guest_phys_addr = 0, .memory_size = 0x1000,
		  .userspace_addr = DRV_B_HVA },
	};

	drv_init_ring(&d, 8, 0);
	umem_map(DRV_A_HVA, 0x1000, UMEM_R);
	umem_map(DRV_B_HVA, 0x1000, UMEM_R);
	drv_set_table(&d, table, ARRAY_SIZE(table));
	drv_desc(&d, 0, ~0ULL - 115, 8 * DESC_LEN, INDIRECT, 0);
	check_broken(-EFAULT);
	/* The last byte of all may be a table's. */
	drv_start_at(&d, 0);
	drv_desc(&d, 0, ~0ULL - 63, 4 * DESC_LEN, INDIRECT, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	drv_fini(&d);
}

/* Each byte of the table in a region of its own, in no order in host memory. */
TEST(indirect_table_in_single_bytes)
{
	const struct vring_desc entry = {
		.addr = cpu_to_le64(0), .len = cpu_to_le32(5),
	};
	struct vhost_memory_region table[1 + DESC_LEN] = { drv_table[0] };
	unsigned int i;

	start();
	table[0].guest_phys_addr = 0;
	for (i = 0; i < DESC_LEN; i++) {
		table[1 + i] = (struct vhost_memory_region){
			.guest_phys_addr = TABLE + i, .memory_size = 1,
			.userspace_addr = DRV_C_HVA + 100 * (DESC_LEN - i),
		};
		*(u8 *)umem_ptr(table[1 + i].userspace_addr, 1) =
			((const u8 *)&entry)[i];
	}
	drv_set_table(&d, table, ARRAY_SIZE(table));
	drv_desc(&d, 0, TABLE, DESC_LEN, INDIRECT, 0);
	/* Behind another chain, too, where -E2BIG would mean a full batch. */
	drv_desc(&d, 1, 0, 1, 0, 0);
	drv_offer(&d, 1);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	drv_offer(&d, 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->nr, 2);
	CHECK_EQ(d.batch->chain[1].out_len, 5);
	check_seg(1, table[0].userspace_addr, 5);
	drv_fini(&d);
}
