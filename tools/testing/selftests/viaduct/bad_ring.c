// SPDX-License-Identifier: GPL-2.0-only
/* Invalid indices and direct chains, and ring areas without memory. */
#include "bad_ring.h"

static void check_wrong_kind(struct __test_metadata *_metadata, bad_t *b)
{
	check_at(_metadata, b, vd_want("ring.wrong_kind_passed", 1, 0));
}

TEST_F(bad, index_too_far)
{
	good(self, 0, 0, 0);
	post(self, 0);
	self->posted = NUM + 1;
	check(_metadata, self);
}

TEST_F(bad, index_behind)
{
	self->posted = 65535;
	check(_metadata, self);
}

TEST_F(bad, head_out_of_range)
{
	/* A device that only masks the index would find a good descriptor. */
	good(self, 0, 0, 0);
	post(self, NUM);
	check(_metadata, self);
}

TEST_F(bad, head_far_out_of_range)
{
	post(self, 0xffff);
	check(_metadata, self);
}

TEST_F(bad, next_out_of_range)
{
	/* A device that only masks the index would find the end of the chain. */
	good(self, 0, 0, 0);
	good(self, 1, NEXT, NUM);
	post(self, 1);
	check(_metadata, self);
}

TEST_F(bad, loop_of_one)
{
	good(self, 0, NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_of_two)
{
	good(self, 0, NEXT, 1);
	good(self, 1, NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_of_empty_descriptors)
{
	set_desc(&self->r->desc[0], self->buf, 0, self->dir | NEXT, 1);
	set_desc(&self->r->desc[1], self->buf, 0, self->dir | NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_through_the_whole_ring)
{
	int i;

	for (i = 0; i < NUM; i++)
		set_desc(&self->r->desc[i], self->buf, 1, self->dir | NEXT,
			 (i + 1) % NUM);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, readable_after_writable)
{
	set_desc(&self->r->desc[0], self->buf, 100, NEXT, 1);
	set_desc(&self->r->desc[1], self->buf, 100, NEXT | WRITE, 2);
	set_desc(&self->r->desc[2], self->buf, 100, 0, 0);
	post(self, 0);
	check(_metadata, self);
}

/*
 * A valid chain, but not for this ring: frames to send are read only, buffers to
 * receive into are written only. The base is that of the bad chain; the reference
 * has passed it, but never marks it used.
 */
TEST_F(bad, part_of_the_wrong_kind)
{
	set_desc(&self->r->desc[0], self->buf, 100, NEXT, 1);
	set_desc(&self->r->desc[1], self->buf, 2000, WRITE, 0);
	post(self, 0);
	check_wrong_kind(_metadata, self);
}

TEST_F(bad, all_of_the_wrong_kind)
{
	set_desc(&self->r->desc[0], self->buf, 2000, self->dir ^ WRITE, 0);
	post(self, 0);
	check_wrong_kind(_metadata, self);
}

TEST_F(bad, address_in_no_region)
{
	set_desc(&self->r->desc[0], 0x10, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, address_beyond_all_regions)
{
	set_desc(&self->r->desc[0], 1ULL << 60, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, length_leaves_the_region)
{
	struct vg_region *last = &self->rig.net.mem.region[1];

	set_desc(&self->r->desc[0], last->gpa + last->size - 100, 2048,
		 self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

/* The buffer leaves the region of the chain before it, which is tried first. */
TEST_F(bad, length_leaves_the_known_region)
{
	struct vg_region *last = &self->rig.net.mem.region[1];

	set_desc(&self->r->desc[0], last->gpa + last->size - 4096, 2048,
		 self->dir, 0);
	set_desc(&self->r->desc[1], last->gpa + last->size - 100, 2048,
		 self->dir, 0);
	post(self, 0);
	post(self, 1);
	self->nr_frames = 2;
	check_at(_metadata, self, 1);
}

TEST_F(bad, longest_length)
{
	set_desc(&self->r->desc[0], self->buf, UINT32_MAX, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, address_wraps)
{
	set_desc(&self->r->desc[0], UINT64_MAX - 100, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, second_piece_in_no_region)
{
	good(self, 0, NEXT, 1);
	set_desc(&self->r->desc[1], 0x10, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

/* Chains before the bad one are served; the base is that of the bad one. */
TEST_F(bad, after_good_ones)
{
	int i;

	memset(vg_mem_hva(&self->rig.net.mem, self->buf, 4096), 0, 4096);
	for (i = 0; i < 3; i++) {
		good(self, i, 0, 0);
		post(self, i);
	}
	set_desc(&self->r->desc[3], 0x10, 100, self->dir, 0);
	post(self, 3);
	self->nr_frames = 4;
	check_at(_metadata, self, 3);
}

TEST_F(bad, avail_ring_unreadable)
{
	lock_area(self, self->r->avail, PROT_NONE);
	self->posted = 0;
	check(_metadata, self);
}

TEST_F(bad, descriptors_unreadable)
{
	good(self, 0, 0, 0);
	post(self, 0);
	lock_area(self, self->r->desc, PROT_NONE);
	check(_metadata, self);
}

/* Found before a packet is read: kicks cannot be disabled. */
TEST_F(bad, used_ring_unwritable)
{
	memset(vg_mem_hva(&self->rig.net.mem, self->buf, 4096), 0, 4096);
	good(self, 0, 0, 0);
	post(self, 0);
	lock_area(self, self->r->used, PROT_READ);
	self->nr_frames = 0;
	check_at(_metadata, self, -1);
}

VD_TEST_MAIN
