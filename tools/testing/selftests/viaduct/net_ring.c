// SPDX-License-Identifier: GPL-2.0-only
/* Ring sizes, wrapping indices, the longest chains, memory in many pieces. */
#include <stdlib.h>

#include "rig.h"
#include "vd_test.h"

static struct rig rig;

static const char *run_both(uint64_t count)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, count),
			       stream_make(&rig, VG_RX, count) };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		s[i].max = 600;
		/* No more on their way than the ring and the tap hold. */
		s[i].window = 128;
	}
	return stream_run(s, 2);
}

FIXTURE(size)
{
	int unused;
};

FIXTURE_VARIANT(size)
{
	unsigned int num;
	uint16_t base;
	uint64_t features;
};

#define SIZE(num_) \
	FIXTURE_VARIANT_ADD(size, n##num_) { .num = num_, \
		.base = 65536 - num_ / 2, \
		.features = VG_BIT(VG_F_EVENT_IDX) }; \
	FIXTURE_VARIANT_ADD(size, flags_##num_) { .num = num_, .base = 65533 }

SIZE(2);
SIZE(4);
SIZE(8);
SIZE(64);
SIZE(1024);
SIZE(32768);

FIXTURE_SETUP(size)
{
	struct vg_net_opts o = {
		.features = variant->features, .base = variant->base,
		.num = { variant->num, variant->num }, .seed = variant->num,
		.nr_tx = variant->num < 512 ? variant->num : 512,
		.nr_rx = variant->num < 512 ? variant->num : 512,
	};

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(size)
{
	rig_close(&rig);
}

/* From shortly before the index wraps, several times round a small ring. */
TEST_F(size, wraps)
{
	EXPECT_FINE(run_both(1000));
}

FIXTURE(base)
{
	int unused;
};

FIXTURE_VARIANT(base)
{
	uint64_t features;
	bool half;
};

FIXTURE_VARIANT_ADD(base, whole) { .half = false };
FIXTURE_VARIANT_ADD(base, half) { .half = true };
FIXTURE_VARIANT_ADD(base, whole_in_order) { .features = VG_BIT(VG_F_IN_ORDER) };
FIXTURE_VARIANT_ADD(base, half_in_order) {
	.features = VG_BIT(VG_F_IN_ORDER), .half = true };

FIXTURE_SETUP(base)
{
}

FIXTURE_TEARDOWN(base)
{
}

/* A packed ring of @num that begins at @pos. */
static const char *run_from(uint64_t features, bool half, unsigned int num,
			    unsigned int pos)
{
	struct vg_net_opts o = {
		.features = features | VG_BIT(VG_F_RING_PACKED) |
			    VG_BIT(VG_F_VERSION_1),
		.num = { num, num }, .base = pos, .half_base = half,
		.nr_tx = num < 64 ? num : 64, .nr_rx = num < 64 ? num : 64,
	};
	const char *why = rig_open(&rig, RIG_TAP, &o);
	static char where[300];

	if (why)
		return why;
	why = rig_start(&rig) ?: run_both(3 * o.nr_tx);
	rig_close(&rig);
	if (!why)
		return NULL;
	snprintf(where, sizeof(where), "ring of %u, position %u: %s", num, pos,
		 why);
	return where;
}

/* Clients give both halves of a packed ring's base, or the lower one alone. */
TEST_F(base, of_packed_ring)
{
	static const unsigned int size[] = { 2, 4, 8, 64, 1024, 32768 };
	unsigned int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no packed rings");
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		const unsigned int num = size[i];
		const unsigned int pos[] = { 0, num - 1, num, 2 * num - 1 };
		unsigned int k;

		for (k = 0; k < ARRAY_SIZE(pos); k++)
			ASSERT_FINE(run_from(variant->features, variant->half,
					     num, pos[k]));
	}
}

/* More frames than a 16-bit index can number. */
TEST(index_wraps)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_EVENT_IDX) };
	struct stream s;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 66000);
	s.max = s.min;
	s.window = 256;
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, 66000);
	s.max = s.min;
	s.window = 256;
	EXPECT_FINE(stream_run(&s, 1));
}

/* One chain takes the whole ring. */
TEST(chain_as_long_as_the_ring)
{
	static const unsigned int num[] = { 2, 4, 64, 256, 1024 };
	struct vg_layout l = { "", { 12 }, .nr_direct = VG_ALL_DIRECT };
	const struct vg_layout *one[] = { &l, NULL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(num); i++) {
		struct vg_net_opts o = { .num = { 256, num[i] }, .seed = 1,
					 .features = VG_BIT(VG_F_VERSION_1) };
		struct stream s;

		ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
		ASSERT_FINE(rig_start(&rig));
		s = stream_make(&rig, VG_TX, 40);
		/* A piece for the header; the others share the frame. */
		s.min = num[i] < 64 ? VG_FRAME_MIN : num[i] - 1;
		s.max = s.min;
		l.piece = (s.min + num[i] - 2) / (num[i] - 1);
		s.layouts = one;
		EXPECT_FINE(stream_run(&s, 1));
		rig_close(&rig);
	}
}

/* A table may be longer than the ring. */
TEST(table_longer_than_the_ring)
{
	struct vg_layout l = { "", .piece = 1, .nr_direct = 0 };
	const struct vg_layout *one[] = { &l, NULL };
	struct vg_net_opts o = { .num = { 256, 4 } };
	struct stream s;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 50);
	s.min = 900;
	s.max = 1000;
	s.layouts = one;
	EXPECT_FINE(stream_run(&s, 1));
}

/* virtio 1.2, 2.7.5.3: the entries of a table are a list, not an array. */
TEST(table_out_of_order)
{
	struct vg_layout l = { "", { 12, 1, 20 }, .piece = 100,
			       .nr_direct = 0 };
	const struct vg_layout *one[] = { &l, NULL };
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct stream s;

	if (vg_dev_is_reference())
		SKIP(return, "the reference reads tables from front to back");
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	rig.net.ring[VG_TX].tables_backwards = true;
	rig.net.ring[VG_RX].tables_backwards = true;
	rig.net.rx_layout = &l;
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 200);
	s.layouts = one;
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
}

/* virtio 1.2, 2.8.7: of the flags of a packed table only WRITE is valid. */
TEST(reserved_flags_in_a_table)
{
	struct vg_layout l = { "", { 12, 1, 20 }, .piece = 100,
			       .nr_direct = 0 };
	const struct vg_layout *one[] = { &l, NULL };
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) |
					     VG_BIT(VG_F_RING_PACKED) };
	struct stream s;
	unsigned int q;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no packed rings");
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	for (q = 0; q < 2; q++)
		rig.net.ring[q].table_flags = (uint16_t)~VRING_DESC_F_WRITE;
	rig.net.rx_layout = &l;
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 200);
	s.layouts = one;
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
}

/* A list in the ring itself: each descriptor leads to the one before it. */
TEST(chain_out_of_order)
{
	struct vg_layout l = { "", { 12, 1, 20 }, .piece = 100,
			       .nr_direct = VG_ALL_DIRECT };
	const struct vg_layout *one[] = { &l, NULL };
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct stream s;
	unsigned int i, q;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	/* Descending: the stack's top is the last descriptor. */
	for (q = 0; q < 2; q++)
		for (i = 0; i < rig.net.ring[q].num; i++)
			rig.net.ring[q].stack[i] = i;
	rig.net.rx_layout = &l;
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 200);
	s.layouts = one;
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
}

/*
 * Regions of one page each, side by side for the guest and anywhere for the
 * host: each buffer crosses from one to the next.
 */
TEST(buffers_across_regions)
{
	enum { PAGES = 60 };
	struct vg_layout l = { "", { 12 }, .piece = 700, .nr_direct = 0 };
	const struct vg_layout *one[] = { &l, &vg_layout_plain, NULL };
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_tx = 8, .nr_rx = 8 };
	uint64_t gpa = 0x40000000;
	struct vhost_memory *table;
	struct stream s;
	unsigned int i, q;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, vg_mem_add(&rig.net.mem, gpa + i * 4096, 4096));
	for (i = 0, q = 0; i < 16; i++, q = i / 8)
		rig.net.pool[q].buf[i % 8].gpa = gpa + 3000 + i * 3 * 4096;
	table = vg_mem_table(&rig.net.mem);
	ASSERT_EQ(0, vg_set_mem_table(rig.net.fd, table));
	free(table);
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 200);
	s.layouts = one;
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
}

VD_TEST_MAIN
