// SPDX-License-Identifier: GPL-2.0-only
/* Transmit: every header mode and chain layout, contents compared. */
#include "rig.h"
#include "vd_test.h"

FIXTURE(tx)
{
	struct rig rig;
};

FIXTURE_VARIANT(tx)
{
	uint64_t features;
	unsigned int seed;
};

#define TX_VARIANT(name_, seed_, features_) \
	FIXTURE_VARIANT_ADD(tx, name_) { .features = features_, .seed = seed_ }

TX_VARIANT(legacy, 0, 0);
TX_VARIANT(mergeable, 1, VG_NET_F_MRG);
TX_VARIANT(modern, 2, VG_BIT(VG_F_VERSION_1));
TX_VARIANT(event_idx, 3, VG_BIT(VG_F_EVENT_IDX));
TX_VARIANT(all, 4, VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
	   VG_BIT(VG_F_EVENT_IDX) | VG_BIT(VG_F_INDIRECT));
TX_VARIANT(vhost_hdr, 5, VG_BIT(VG_F_VHOST_HDR));
TX_VARIANT(vhost_hdr_modern, 6, VG_BIT(VG_F_VHOST_HDR) |
	   VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX));

FIXTURE_SETUP(tx)
{
	struct vg_net_opts o = { .features = variant->features,
				 .seed = variant->seed };

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(tx)
{
	rig_close(&self->rig);
}

#define DIRECT .nr_direct = VG_ALL_DIRECT

static const struct vg_layout layouts[] = {
	{ "one piece", DIRECT },
	{ "header apart, 10", { 10 }, DIRECT },
	{ "header apart, 12", { 12 }, DIRECT },
	{ "header cut 1", { 1 }, DIRECT },
	{ "header cut 5, 5", { 5, 5 }, DIRECT },
	{ "header byte by byte", { 1, 1, 1, 1, 1, 1 }, .piece = 100, DIRECT },
	{ "header with Ethernet", { 26 }, DIRECT },
	{ "small pieces", .piece = 33, DIRECT },
	{ "backwards", { 12 }, .piece = 64, DIRECT, .backwards = true },
	{ "holes", { 4, 6 }, .piece = 200, DIRECT, .holes = true },
};

static const struct vg_layout indirect_layouts[] = {
	{ "table only", .nr_direct = 0 },
	{ "table, header apart", { 12 }, .nr_direct = 0 },
	{ "header direct, rest in table", { 12 }, .piece = 50, .nr_direct = 1 },
	{ "two direct, rest in table", { 3, 9 }, .piece = 40, .nr_direct = 2 },
	{ "table, small pieces", .piece = 17, .nr_direct = 0 },
};

TEST_F(tx, plain)
{
	struct stream s = stream_make(&self->rig, VG_TX, 2000);

	EXPECT_FINE(stream_run(&s, 1));
}

TEST_F(tx, layouts)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct vg_layout *one[] = { &layouts[i], NULL };
		struct stream s = stream_make(&self->rig, VG_TX, 100);

		s.layouts = one;
		ASSERT_FINE(stream_run(&s, 1));
	}
}

/* The device honours tables even where they were not negotiated. */
TEST_F(tx, indirect_layouts)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(indirect_layouts); i++) {
		const struct vg_layout *one[] = { &indirect_layouts[i], NULL };
		struct stream s = stream_make(&self->rig, VG_TX, 100);

		s.layouts = one;
		ASSERT_FINE(stream_run(&s, 1));
	}
}

VD_TEST_MAIN
