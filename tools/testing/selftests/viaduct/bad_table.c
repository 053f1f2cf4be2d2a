// SPDX-License-Identifier: GPL-2.0-only
/* Invalid indirect tables. */
#include "bad_ring.h"

static void indirect(bad_t *b, uint64_t gpa, uint32_t len, uint16_t flags)
{
	set_desc(&b->r->desc[0], gpa, len, INDIRECT | flags, 1);
	post(b, 0);
}

TEST_F(bad, table_length_odd)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 17, 0);
	check(_metadata, self);
}

TEST_F(bad, table_empty)
{
	indirect(self, self->table, 0, 0);
	check(_metadata, self);
}

TEST_F(bad, table_in_no_region)
{
	indirect(self, 0x10, 16, 0);
	check(_metadata, self);
}

TEST_F(bad, table_too_long)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 16 * 65537, 0);
	check(_metadata, self);
}

TEST_F(bad, table_in_table)
{
	set_desc(&self->t[0], self->buf, 100, self->dir | NEXT, 1);
	set_desc(&self->t[1], self->table + 64, 16, INDIRECT, 0);
	set_desc(&self->t[4], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 32, 0);
	check(_metadata, self);
}

/* virtio 1.2, 2.7.5.3.1. The reference continues after the table. */
TEST_F(bad, table_and_next)
{
	struct stream s = stream_make(&self->rig, !self->q, 50);
	uint64_t errs = 0;

	memset(vg_mem_hva(&self->rig.net.mem, self->buf, 4096), 0, 4096);
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 16, NEXT);
	set_desc(&self->r->desc[1], self->buf + 2048, 2000, self->dir, 0);
	ASSERT_FINE(spoil(self));
	/* The reference uses the chain, viaduct reports an error: wait for either. */
	while (!errs && !vg_ring_has_used(self->r))
		errs = vg_eventfd_wait(self->rig.net.err[self->q],
				       vg_deadline_ms(100));
	EXPECT_CALL("ring.table_and_next", 0, errs);
	EXPECT_FINE(stream_run(&s, 1));
	if (!errs) {
		/* The packet was delivered: it will not come again. */
		self->nr_frames = 0;
	} else {
		expect_quiet(_metadata, self);
		EXPECT_FALSE(vg_ring_has_used(self->r));
	}
	expect_recovery(_metadata, self);
}

TEST_F(bad, chain_leaves_the_table)
{
	set_desc(&self->t[0], self->buf, 100, self->dir | NEXT, 1);
	set_desc(&self->t[1], self->buf, 100, self->dir | NEXT, 2);
	set_desc(&self->t[2], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 32, 0);
	check(_metadata, self);
}

/* The entry at the same place modulo the length of the table is valid. */
TEST_F(bad, chain_leaves_the_table_far)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference reads a table from front to back");
	set_desc(&self->t[0], self->buf, 100, self->dir | NEXT, 5);
	set_desc(&self->t[1], self->buf, 2000, self->dir, 0);
	set_desc(&self->t[5], self->buf, 2000, self->dir, 0);
	indirect(self, self->table, 64, 0);
	check(_metadata, self);
}

TEST_F(bad, address_in_table_in_no_region)
{
	set_desc(&self->t[0], 0x10, 100, self->dir, 0);
	indirect(self, self->table, 16, 0);
	check(_metadata, self);
}

TEST_F(bad, table_unreadable)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 16, 0);
	lock_area(self, self->t, PROT_NONE);
	check(_metadata, self);
}

VD_TEST_MAIN
