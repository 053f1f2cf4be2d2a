// SPDX-License-Identifier: GPL-2.0-only
/* Chains of direct descriptors: valid ones, and ones that break the ring. */
#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/unit.h"

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE

static struct drv d;

static const struct vd_chain *chain(unsigned int i)
{
	CHECK(i < d.batch->nr);
	return &d.batch->chain[i];
}

static void check_seg(unsigned int i, u64 hva, size_t len)
{
	CHECK(i < d.batch->nr_seg);
	CHECK_EQ((u64)d.batch->seg[i].iov_base, hva);
	CHECK_EQ(d.batch->seg[i].iov_len, len);
}

/* A chain that breaks the ring is not taken, and leaves nothing in the batch. */
static void check_broken(u16 head, int err)
{
	u16 next = d.ring.next_avail;

	CHECK_EQ(drv_try(&d, head), err);
	CHECK_EQ(d.ring.next_avail, next);
	CHECK_EQ(d.batch->nr, 0);
	CHECK_EQ(d.batch->nr_seg, 0);
	CHECK_EQ(d.batch->nr_desc, 0);
}

TEST(chain_one_buffer)
{
	drv_init(&d, 8, 0);
	drv_desc(&d, 5, DRV_A_GPA + 16, 100, 0, 0);
	CHECK_EQ(drv_try(&d, 5), 1);
	CHECK_EQ(chain(0)->head, 5);
	CHECK_EQ(chain(0)->nr_out, 1);
	CHECK_EQ(chain(0)->nr_in, 0);
	CHECK_EQ(chain(0)->out_len, 100);
	CHECK_EQ(chain(0)->in_len, 0);
	check_seg(chain(0)->first_seg, DRV_A_HVA + 16, 100);
	drv_fini(&d);
}

TEST(chain_out_then_in)
{
	drv_init(&d, 8, 0);
	drv_desc(&d, 6, DRV_A_GPA, 10, NEXT, 1);
	drv_desc(&d, 1, DRV_B_GPA, 20, NEXT, 7);
	drv_desc(&d, 7, DRV_C_GPA, 30, NEXT | WRITE, 0);
	drv_desc(&d, 0, DRV_C_GPA + 64, 40, WRITE, 3);
	CHECK_EQ(drv_try(&d, 6), 1);
	CHECK_EQ(chain(0)->nr_out, 2);
	CHECK_EQ(chain(0)->nr_in, 2);
	CHECK_EQ(chain(0)->out_len, 30);
	CHECK_EQ(chain(0)->in_len, 70);
	check_seg(0, DRV_A_HVA, 10);
	check_seg(1, DRV_B_HVA, 20);
	check_seg(2, DRV_C_HVA, 30);
	check_seg(3, DRV_C_HVA + 64, 40);
	drv_fini(&d);
}

TEST(chain_across_regions)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_B_GPA - 5, 10, NEXT, 1);
	drv_desc(&d, 1, DRV_B_GPA - 1, 2, WRITE, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_out, 2);
	CHECK_EQ(chain(0)->nr_in, 2);
	CHECK_EQ(chain(0)->out_len, 10);
	CHECK_EQ(chain(0)->in_len, 2);
	check_seg(1, DRV_B_HVA, 5);
	check_seg(3, DRV_B_HVA, 1);
	drv_fini(&d);
}

/* An empty buffer yields no piece, and its address may be anything. */
TEST(chain_zero_length)
{
	drv_init(&d, 8, 0);
	drv_desc(&d, 0, ~0ULL, 0, NEXT, 1);
	drv_desc(&d, 1, DRV_A_GPA, 8, NEXT, 2);
	drv_desc(&d, 2, DRV_HOLE_GPA, 0, NEXT | WRITE, 3);
	drv_desc(&d, 3, DRV_A_GPA, 9, NEXT, 4);
	drv_desc(&d, 4, 0, 0, WRITE, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_out, 2);
	CHECK_EQ(chain(0)->nr_in, 0);
	CHECK_EQ(chain(0)->out_len, 17);
	drv_fini(&d);
}

TEST(chain_all_empty)
{
	drv_init(&d, 2, 0);
	drv_desc(&d, 0, 0, 0, NEXT, 1);
	drv_desc(&d, 1, 0, 0, 0, 0);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_out + chain(0)->nr_in, 0);
	CHECK_EQ(d.batch->nr_seg, 0);
	drv_fini(&d);
}

TEST(chain_unknown_flags_ignored)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, 0xfff8 | WRITE, 0xffff);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_in, 1);
	drv_fini(&d);
}

TEST(chain_as_long_as_the_ring)
{
	u16 i;

	drv_init(&d, 256, 0);
	for (i = 0; i < 256; i++)
		drv_desc(&d, i, DRV_A_GPA + i * 64, 64, i < 255 ? NEXT : 0,
			 i + 1);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_out, 256);
	CHECK_EQ(chain(0)->out_len, 256 * 64);
	check_seg(255, DRV_A_HVA + 255 * 64, 64);
	drv_fini(&d);
}

TEST(chain_loops)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, NEXT, 0);
	drv_desc(&d, 1, DRV_A_GPA, 8, NEXT, 2);
	drv_desc(&d, 2, DRV_A_GPA, 0, NEXT, 1);
	drv_desc(&d, 3, DRV_A_GPA, 0, NEXT, 3);
	check_broken(0, -ELOOP);
	drv_start_at(&d, 0);
	check_broken(1, -ELOOP);
	drv_start_at(&d, 0);
	check_broken(3, -ELOOP);
	drv_fini(&d);
}

TEST(chain_head_out_of_range)
{
	drv_init(&d, 4, 0);
	check_broken(4, -EINVAL);
	drv_start_at(&d, 9);
	check_broken(0xffff, -EINVAL);
	drv_fini(&d);
}

TEST(chain_next_out_of_range)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, NEXT, 4);
	drv_desc(&d, 1, DRV_A_GPA, 8, NEXT, 0x8000);
	check_broken(0, -EINVAL);
	drv_start_at(&d, 0);
	check_broken(1, -EINVAL);
	drv_fini(&d);
}

TEST(chain_readable_after_writable)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, NEXT | WRITE, 1);
	drv_desc(&d, 1, DRV_A_GPA, 8, 0, 0);
	check_broken(0, -EINVAL);
	drv_fini(&d);
}

TEST(chain_outside_memory)
{
	drv_init(&d, 4, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, NEXT, 1);
	drv_desc(&d, 1, DRV_HOLE_GPA - 1, 2, 0, 0);
	drv_desc(&d, 2, 0, 1, WRITE, 0);
	drv_desc(&d, 3, ~0ULL, ~0U, 0, 0);
	check_broken(0, -EFAULT);
	drv_start_at(&d, 0);
	check_broken(2, -EFAULT);
	drv_start_at(&d, 0);
	check_broken(3, -EFAULT);
	drv_fini(&d);
}

/* @nr pieces, and behind them @empty descriptors without any. */
static int try_pieces(u16 nr, u16 empty)
{
	u16 i;

	for (i = 0; i < nr + empty; i++)
		drv_desc(&d, i, DRV_A_GPA + i, i < nr, i < nr + empty - 1, i + 1);
	return drv_try(&d, 0);
}

TEST(chain_1024_pieces)
{
	drv_init(&d, 2048, 0);
	CHECK_EQ(try_pieces(1024, 0), 1);
	CHECK_EQ(chain(0)->nr_out, 1024);
	check_seg(1023, DRV_A_HVA + 1023, 1);
	drv_fini(&d);
}

TEST(chain_1025_pieces)
{
	drv_init(&d, 2048, 0);
	CHECK_EQ(try_pieces(1025, 0), -E2BIG);
	CHECK_EQ(d.ring.next_avail, 0);
	drv_fini(&d);
}

/* Empty descriptors do not count as pieces. */
TEST(chain_1024_pieces_and_empty_ones)
{
	drv_init(&d, 2048, 0);
	CHECK_EQ(try_pieces(1024, 2), 1);
	CHECK_EQ(chain(0)->nr_out, 1024);
	drv_fini(&d);
}

/* But their number is limited, and the batch counts those that were read. */
TEST(chain_4096_and_one_more)
{
	drv_init(&d, 8192, 0);
	CHECK_EQ(try_pieces(1, 4095), 1);
	CHECK_EQ(d.batch->nr_empty, 4095);
	vd_batch_reset(d.batch);
	drv_start_at(&d, 0);
	CHECK_EQ(try_pieces(1, 4096), -ELOOP);
	drv_fini(&d);
}

/*
 * A table takes a place too, even one without pieces: the batch has room for
 * 1024 descriptors, which is more than any driver needs.
 */
TEST(chain_1024_pieces_and_an_empty_table)
{
	drv_init(&d, 2048, 0);
	drv_table_desc(DRV_C_GPA, 0, 0, 0, 0, 0);
	drv_desc(&d, 1024, DRV_C_GPA, 16, VRING_DESC_F_INDIRECT, 0);
	CHECK_EQ(try_pieces(1024, 0), 1);
	drv_start_at(&d, 0);
	vd_batch_reset(d.batch);
	drv_desc(&d, 1023, DRV_A_GPA, 1, NEXT, 1024);
	check_broken(0, -E2BIG);
	drv_fini(&d);
}

/* A chain without room must not overwrite what the batch holds already. */
TEST(chain_without_room_leaves_the_others_alone)
{
	u16 i;

	drv_init(&d, 2048, 0);
	for (i = 0; i < 1025; i++)
		drv_desc(&d, i, DRV_A_GPA + i, 1,
			 i == 511 || i == 1024 ? 0 : NEXT, i + 1);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(drv_try(&d, 512), -ENOSPC);
	CHECK_EQ(chain(0)->nr_out, 512);
	for (i = 0; i < 512; i++) {
		CHECK_EQ(d.batch->gpa[i], DRV_A_GPA + i);
		check_seg(i, DRV_A_HVA + i, 1);
	}
	drv_fini(&d);
}

/* Regions cut a buffer in two: pieces count, not descriptors. */
TEST(chain_1024_pieces_of_513_buffers)
{
	u16 i;

	drv_init(&d, 1024, 0);
	for (i = 0; i < 512; i++)
		drv_desc(&d, i, DRV_B_GPA - 1, 2, i < 511 ? NEXT : 0, i + 1);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->nr_out, 1024);
	drv_start_at(&d, 0);
	vd_batch_reset(d.batch);
	drv_desc(&d, 511, DRV_B_GPA - 1, 2, NEXT, 512);
	drv_desc(&d, 512, DRV_A_GPA, 1, WRITE, 0);
	check_broken(0, -E2BIG);
	drv_fini(&d);
}

TEST(chain_lengths_add_up_beyond_32_bits)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 0, .memory_size = 1ULL << 32,
		  .userspace_addr = 0x10000 },
	};
	u16 i;

	drv_init_ring(&d, 1024, 0);
	drv_set_table(&d, table, 1);
	for (i = 0; i < 1024; i++)
		drv_desc(&d, i, 0, ~0U, WRITE | (i < 1023 ? NEXT : 0), i + 1);
	CHECK_EQ(drv_try(&d, 0), 1);
	CHECK_EQ(chain(0)->in_len, 1024 * 0xffffffffULL);
	drv_fini(&d);
}

/* The chain before a bad one is delivered; the next fetch fails at the bad one. */
TEST(chain_bad_one_waits_its_turn)
{
	drv_init(&d, 8, 0);
	drv_desc(&d, 0, DRV_A_GPA, 8, 0, 0);
	drv_desc(&d, 1, DRV_A_GPA, 8, NEXT, 8);
	drv_desc(&d, 2, DRV_HOLE_GPA, 8, 0, 0);
	drv_offer(&d, 0);
	drv_offer(&d, 1);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->nr_desc, 1);
	CHECK_EQ(drv_fetch(&d, 64), -EINVAL);
	CHECK_EQ(d.batch->nr, 1);
	CHECK_EQ(d.ring.next_avail, 1);
	drv_start_at(&d, 0);
	vd_batch_reset(d.batch);
	drv_offer(&d, 0);
	drv_offer(&d, 2);
	drv_offer(&d, 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->nr_desc, 1);
	CHECK_EQ(drv_fetch(&d, 64), -EFAULT);
	CHECK_EQ(d.batch->nr, 1);
	CHECK_EQ(d.batch->nr_desc, 1);
	CHECK_EQ(d.batch->nr_seg, 1);
	drv_fini(&d);
}
