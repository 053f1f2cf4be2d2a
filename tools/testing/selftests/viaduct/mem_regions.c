// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory tables of many regions: the guest's memory is contiguous for the driver,
 * and in pieces for the device, each at an address of its own.
 * The frames must not depend on the borders of the regions.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define NR_ALIASES	4
#define TABLE_ENTRIES	32	/* of each preset indirect table */

static struct rig rig;

/* As many regions as the device takes. */
static unsigned int max_regions(void)
{
	bool ref = vg_dev_is_reference();

	return stats_parameter(ref ? "vhost" : "viaduct", "max_mem_regions",
			       64);
}

/* The same pages at another address. */
static uint8_t *alias(const struct vg_region *m)
{
	uint8_t *p = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  m->fd, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static void add_row(struct vhost_memory *t, uint64_t gpa, uint64_t size,
		    void *hva)
{
	t->regions[t->nregions++] = (struct vhost_memory_region){
		.guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};
}

/*
 * Cuts the used part of a region into @nr rows of an odd length; the last one also
 * gets the rest. Consecutive rows are not adjacent for the device.
 */
static void cut(struct vhost_memory *t, const struct vg_region *m,
		unsigned int nr)
{
	uint64_t piece = m->used / nr | 1, at = 0;
	uint8_t *from[NR_ALIASES];
	unsigned int i;

	for (i = 0; i < NR_ALIASES; i++)
		from[i] = alias(m);
	for (i = 0; i < nr; i++, at += piece)
		add_row(t, m->gpa + at, i + 1 < nr ? piece : m->size - at,
			from[i % NR_ALIASES] + at);
}

/* A client may give its regions in any order. */
static void shuffle(struct vhost_memory *t, unsigned int seed)
{
	unsigned int i;

	for (i = t->nregions - 1; i > 0; i--) {
		unsigned int j = rand_r(&seed) % (i + 1);
		struct vhost_memory_region r = t->regions[i];

		t->regions[i] = t->regions[j];
		t->regions[j] = r;
	}
}

static struct vhost_memory *new_table(unsigned int nr)
{
	struct vhost_memory *t;

	t = calloc(1, sizeof(*t) + nr * sizeof(t->regions[0]));
	if (!t)
		abort();
	return t;
}

static const char *set_table(struct vhost_memory *t)
{
	int ret = vg_set_mem_table(rig.net.fd, t);

	free(t);
	return ret ? rig_fail(&rig, "SET_MEM_TABLE: %s", strerror(-ret)) : NULL;
}

/* Both ways through all buffers, directly and through indirect tables. */
static const char *run(uint64_t nr, size_t max)
{
	static const struct vg_layout table = {
		"", { 12 }, .piece = 400, .nr_direct = 0
	};
	static const struct vg_layout *const both[] = {
		&vg_layout_plain, &table, NULL
	};
	struct stream s[2] = { stream_make(&rig, VG_TX, nr),
			       stream_make(&rig, VG_RX, nr) };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		s[i].window = 256;
		s[i].max = max;
		s[i].min = max < s[i].min ? max : s[i].min;
	}
	s[0].layouts = both;
	return stream_run(s, 2);
}

FIXTURE(cut)
{
	int unused;
};

FIXTURE_VARIANT(cut)
{
	unsigned int nr;	/* rows, 0: as many as there may be */
};

FIXTURE_VARIANT_ADD(cut, in_two) { .nr = 2 };
FIXTURE_VARIANT_ADD(cut, in_three) { .nr = 3 };
FIXTURE_VARIANT_ADD(cut, in_seventeen) { .nr = 17 };
FIXTURE_VARIANT_ADD(cut, in_64) { .nr = 64 };
FIXTURE_VARIANT_ADD(cut, as_often_as_allowed) { .nr = 0 };

FIXTURE_SETUP(cut)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	unsigned int nr = variant->nr ? variant->nr : max_regions(), h, q;
	struct vhost_memory *t = new_table(nr);

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	/* The indirect tables, too, must be in the part that is cut. */
	for (q = 0; q < 2; q++)
		for (h = 0; h < rig.net.ring[q].num; h++)
			rig.net.ring[q].table[h] = (struct vg_indirect){
				vg_mem_alloc(&rig.net.mem, 16 * TABLE_ENTRIES,
					     16), TABLE_ENTRIES };
	cut(t, &rig.net.mem.region[0], nr / 2);
	cut(t, &rig.net.mem.region[1], nr - nr / 2);
	shuffle(t, nr);
	ASSERT_FINE(set_table(t));
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(cut)
{
	rig_close(&rig);
}

TEST_F(cut, same_frames)
{
	EXPECT_FINE(run(1000, VG_FRAME_MTU));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
}

TEST_F(cut, same_frames_in_received_tables)
{
	static const struct vg_layout table = {
		"", { 12, 3 }, .piece = 100, .nr_direct = 1
	};

	rig.net.rx_layout = &table;
	EXPECT_FINE(run(1000, VG_FRAME_MTU));
}

/* Each buffer in 200 regions, or in as many as there may be. */
TEST(rows_of_a_few_bytes)
{
	unsigned int nr = max_regions(), i, q, rows = (nr - 3) / 2, len;
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_tx = 1, .nr_rx = 1 };
	struct vhost_memory *t = new_table(nr);
	uint8_t *from[NR_ALIASES];
	struct vg_region *m;

	/* Not more than may be in a chain. */
	rows = rows < 200 ? rows : 200;
	len = rows * 7;
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_EQ(0, vg_mem_add(&rig.net.mem, 0x200000000ULL, 8192));
	m = &rig.net.mem.region[2];
	for (i = 0; i < NR_ALIASES; i++)
		from[i] = alias(m);
	for (q = 0; q < 2; q++) {
		rig.net.pool[q].buf[0].gpa = m->gpa + q * len;
		rig.net.pool[q].size = len;
		for (i = 0; i < rows; i++)
			add_row(t, m->gpa + q * len + 7 * i, 7,
				from[i % NR_ALIASES] + q * len + 7 * i);
	}
	for (i = 0; i < 2; i++)
		add_row(t, rig.net.mem.region[i].gpa,
			rig.net.mem.region[i].size, rig.net.mem.region[i].hva);
	shuffle(t, 5);
	ASSERT_FINE(set_table(t));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(run(200, len - 12));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	rig_close(&rig);
}

/*
 * Regions that overlap. An address belongs to the region with the lowest start
 * of those that have it, and to the first in the table where starts are equal.
 * The driver takes the first in its list, which is in that order; a device
 * that takes another sends and fills the wrong memory.
 */
FIXTURE(overlap)
{
	int unused;
};

#define K		1024ULL
#define OVERLAP_BASE	(1ULL << 40)
#define NR_ROWS		3

FIXTURE_VARIANT(overlap)
{
	struct { uint64_t at, size; } row[NR_ROWS];
	uint8_t order[NR_ROWS];	/* in which the device gets them */
};

FIXTURE_VARIANT_ADD(overlap, in_order) {
	.row = { { 0, 128 * K }, { 64 * K, 128 * K }, { 100 * K, 412 * K } },
	.order = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(overlap, in_reverse) {
	.row = { { 0, 128 * K }, { 64 * K, 128 * K }, { 100 * K, 412 * K } },
	.order = { 2, 1, 0 },
};

FIXTURE_VARIANT_ADD(overlap, same_start_short_first) {
	.row = { { 0, 100 * K + 1 }, { 0, 200 * K + 3 }, { 0, 512 * K } },
	.order = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(overlap, same_start_long_first) {
	.row = { { 0, 512 * K }, { 0, 200 * K }, { 0, 100 * K } },
	.order = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(overlap, one_inside_another) {
	.row = { { 0, 512 * K }, { 10 * K, 20 * K }, { 50 * K, 300 * K } },
	.order = { 1, 0, 2 },
};

FIXTURE_VARIANT_ADD(overlap, touching_only) {
	.row = { { 0, 100 * K + 5 }, { 100 * K + 5, 100 * K - 3 },
		 { 200 * K + 2, 312 * K - 2 } },
	.order = { 2, 0, 1 },
};

FIXTURE_SETUP(overlap)
{
}

FIXTURE_TEARDOWN(overlap)
{
	rig_close(&rig);
}

/* 128 buffers of each queue at @gpa, one behind the other. */
static void place_buffers(uint64_t gpa)
{
	unsigned int i, q;

	for (q = 0; q < 2; q++)
		for (i = 0; i < 128; i++)
			rig.net.pool[q].buf[i].gpa =
				gpa + (2 * i + q) * 2048;
}

TEST_F(overlap, lowest_start_then_first)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_tx = 128, .nr_rx = 128 };
	struct vhost_memory *t, *own;
	unsigned int i;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	for (i = 0; i < NR_ROWS; i++)
		ASSERT_EQ(0, vg_mem_add(&rig.net.mem,
					OVERLAP_BASE + variant->row[i].at,
					variant->row[i].size));
	own = vg_mem_table(&rig.net.mem);
	t = vg_mem_table(&rig.net.mem);
	for (i = 0; i < NR_ROWS; i++)
		t->regions[2 + i] = own->regions[2 + variant->order[i]];
	free(own);
	rig.net.mem.overlap = true;
	place_buffers(OVERLAP_BASE);
	ASSERT_FINE(set_table(t));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(run(600, VG_FRAME_MTU));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
}

FIXTURE(edge)
{
	int unused;
};

FIXTURE_VARIANT(edge)
{
	uint64_t gpa;
};

/* top: the last buffer ends at the highest address; bottom: the first is at 0. */
FIXTURE_VARIANT_ADD(edge, top) { .gpa = 0 - 512 * K };
FIXTURE_VARIANT_ADD(edge, bottom) { .gpa = 0 };

FIXTURE_SETUP(edge)
{
}

FIXTURE_TEARDOWN(edge)
{
	rig_close(&rig);
}

TEST_F(edge, of_the_address_space)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_tx = 128, .nr_rx = 128 };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_EQ(0, vg_mem_add(&rig.net.mem, variant->gpa, 512 * K));
	place_buffers(variant->gpa);
	ASSERT_FINE(set_table(vg_mem_table(&rig.net.mem)));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(run(600, VG_FRAME_MTU));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
}

VD_TEST_MAIN
