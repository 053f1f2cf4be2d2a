// SPDX-License-Identifier: GPL-2.0-only
/* The packed layout: available descriptors, and the order of reads. */
#include "packed.h"

TEST(packed_availability)
{
	u16 pos, flags;

	for (pos = 0; pos < 4 * NUM; pos += NUM - 1) {
		for (flags = 0; flags < 4; flags++) {
			u16 bits = (flags & 1 ? BIT(7) : 0) |
				   (flags & 2 ? BIT(15) : 0);

			start(0, pos);
			put(pos, 3, 0);
			drv_packed_set_flags(&d, pos, bits);
			/* 2.8.1: only this lap's mark, and not used. */
			CHECK_EQ(drv_fetch(&d, 64),
				 bits == (pos / NUM % 2 ? BIT(15) : BIT(7)));
			drv_fini(&d);
			umem_reset();
		}
	}
}

TEST(packed_stops_at_what_is_not_available)
{
	start(0, 6);
	put(6, 1, 0);
	put(7, 2, 0);
	put(8, 3, 0);
	/* Of the lap before: available only if the wrap counter were ignored. */
	drv_packed_desc(&d, 9, DRV_A_GPA, 1, 4, BIT(7));
	put(10, 5, 0);
	CHECK_EQ(drv_fetch(&d, 64), 3);
	CHECK_EQ(d.batch->chain[2].head, 3);
	CHECK_EQ(vd_ring_peek(&d.ring), 0);
	CHECK_EQ(drv_fetch(&d, 64), 0);
	put(9, 4, 0);
	CHECK_EQ(vd_ring_peek(&d.ring), 1);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	drv_fini(&d);
}

TEST(packed_chain_round_the_end)
{
	start(0, 5);
	/* 2.8.6: the id is that of the last; those before have none. */
	put(5, 0xdead, NEXT);
	put(6, 0xdead, NEXT);
	put(7, 0xdead, NEXT | WRITE);
	put(8, 0xffff, WRITE);
	put(9, 2, 0);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	CHECK_EQ(d.batch->chain[0].head, 0xffff);
	CHECK_EQ(d.batch->chain[0].nr_slots, 4);
	CHECK_EQ(d.batch->chain[0].out_len, 2);
	CHECK_EQ(d.batch->chain[0].in_len, 2);
	CHECK_EQ(d.batch->chain[1].head, 2);
	vd_ring_rewind(&d.ring, d.batch, 1);
	CHECK_EQ(vd_ring_get_base(&d.ring), drv_base(&d, 9, 5));
	vd_ring_rewind(&d.ring, d.batch, 1);
	CHECK_EQ(vd_ring_get_base(&d.ring), drv_base(&d, 5, 5));
	CHECK_EQ(drv_fetch(&d, 64), 2);
	drv_fini(&d);
}

TEST(packed_whole_ring)
{
	u16 i;

	start(0, 3);
	for (i = 3; i < 3 + NUM; i++)
		put(i, i, i < 2 + NUM ? NEXT : 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->chain[0].nr_slots, NUM);
	CHECK(!vd_ring_complete(&d.ring, &d.batch->chain[0], 0));
	CHECK_EQ(vd_ring_publish(&d.ring, false), 0);
	CHECK(drv_packed_is_used(&d, 3));
	CHECK_EQ(vd_ring_get_base(&d.ring), drv_base(&d, 3 + NUM, 3 + NUM));
	drv_fini(&d);
}

static int try(u16 flags0, u16 flags1)
{
	int ret;

	start(0, 0);
	put(0, 0, flags0);
	put(1, 1, flags1);
	ret = drv_fetch(&d, 64);
	CHECK_EQ(vd_ring_get_base(&d.ring),
		 drv_base(&d, ret > 0 ? ret : 0, 0));
	drv_fini(&d);
	umem_reset();
	return ret;
}

TEST(packed_malformed)
{
	u16 i;

	CHECK_EQ(try(INDIRECT | NEXT, 0), -EINVAL);
	/* No table of one byte. */
	CHECK_EQ(try(INDIRECT, 0), -EINVAL);
	CHECK_EQ(try(NEXT | WRITE, 0), -EINVAL);
	/* A good chain before a bad one is taken first. */
	CHECK_EQ(try(0, INDIRECT | NEXT), 1);

	start(0, 0);
	for (i = 0; i < NUM; i++)
		put(i, i, NEXT);
	CHECK_EQ(drv_fetch(&d, 64), -ELOOP);
	drv_fini(&d);
	umem_reset();

	start(0, 0);
	put(0, 0, 0);
	drv_packed_desc(&d, 0, DRV_HOLE_GPA, 1, 0, drv_packed_avail(&d, 0, 0));
	CHECK_EQ(drv_fetch(&d, 64), -EFAULT);
	drv_fini(&d);
}

TEST(packed_empty_descriptors)
{
	start(0, 0);
	drv_packed_desc(&d, 0, DRV_HOLE_GPA, 0, 0,
			drv_packed_avail(&d, 0, NEXT));
	put(1, 0, NEXT);
	drv_packed_desc(&d, 2, DRV_HOLE_GPA, 0, 7, drv_packed_avail(&d, 2, 0));
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->chain[0].nr_desc, 1);
	CHECK_EQ(d.batch->chain[0].nr_slots, 3);
	CHECK_EQ(d.batch->chain[0].head, 7);
	drv_fini(&d);
}

/* 2.8.7: a table is read in sequence; ids and flags but WRITE are ignored. */
static void check_table(u64 gpa)
{
	start(0, 0);
	drv_packed_desc(&d, 0, gpa, 48, 5, drv_packed_avail(&d, 0, INDIRECT));
	drv_table_desc(gpa, 0, DRV_A_GPA, 10, 0xffff, 0);
	drv_table_desc(gpa, 1, DRV_A_GPA + 100, 20, INDIRECT,
		       (u16)~(WRITE | INDIRECT));
	drv_table_desc(gpa, 2, DRV_A_GPA + 200, 30, NEXT, WRITE | INDIRECT);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->chain[0].nr_out, 2);
	CHECK_EQ(d.batch->chain[0].nr_in, 1);
	CHECK_EQ(d.batch->chain[0].in_len, 30);
	CHECK_EQ(d.batch->chain[0].head, 5);
	drv_fini(&d);
	umem_reset();
}

TEST(packed_table)
{
	check_table(DRV_C_GPA);
	/* In two regions. */
	check_table(DRV_B_GPA - 40);
}

/* The permission of a miss follows the entry's WRITE flag, not the others. */
TEST(packed_table_missed)
{
	const struct vd_region table = { .gpa = DRV_C_GPA, .span = 4095,
					 .hva = DRV_C_HVA };
	struct vd_iotlb iotlb;

	start(0, 0);
	vd_iotlb_init(&iotlb);
	drv_iotlb_add(&iotlb, &table, VHOST_ACCESS_RO);
	vd_mem_set_iotlb(&d.mem, &iotlb);
	drv_packed_desc(&d, 0, DRV_C_GPA, 32, 5,
			drv_packed_avail(&d, 0, INDIRECT));
	drv_table_desc(DRV_C_GPA, 0, DRV_A_GPA, 10, 0, WRITE | INDIRECT);
	drv_table_desc(DRV_C_GPA, 1, DRV_B_GPA, 10, 0, WRITE | INDIRECT);
	CHECK_EQ(drv_fetch(&d, 64), -EAGAIN);
	CHECK_EQ(d.mem.miss.perm, VHOST_ACCESS_WO);
	CHECK_EQ(d.mem.prefetch.nr, 1);
	CHECK_EQ(d.mem.prefetch.miss[0].perm, VHOST_ACCESS_WO);
	vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
	drv_fini(&d);
}

/* The guest changes the flags as soon as they are read: they are not read again. */
static void change_flags(void *ctx, u64 addr, size_t len)
{
	if (addr == slot_at(0) && len == 8)
		drv_packed_set_flags(&d, 0, *(u16 *)ctx);
}

TEST(packed_flags_that_change)
{
	u16 flags[] = { INDIRECT | NEXT, NEXT, 0 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		start(0, 0);
		put(0, 0, 0);
		umem_on_read(change_flags, &flags[i]);
		CHECK_EQ(drv_fetch(&d, 64), 1);
		CHECK_EQ(d.batch->chain[0].nr_slots, 1);
		CHECK_EQ(d.batch->chain[0].nr_out, 1);
		CHECK_EQ(drv_packed_at(&d, 0).flags, flags[i]);
		umem_on_read(NULL, NULL);
		drv_fini(&d);
	}
}
