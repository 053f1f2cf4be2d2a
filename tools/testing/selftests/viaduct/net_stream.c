// SPDX-License-Identifier: GPL-2.0-only
/*
 * The long run: frames of random sizes, large ones whole where the tap allows,
 * none lost, doubled, reordered or altered while the sender respects
 * back-pressure. VD_STREAM_FRAMES sets how many (default 12000 a direction).
 */
#include <stdlib.h>

#include "rig.h"
#include "vd_test.h"

#define STREAM_TIMEOUT	1200
#define STREAM_BIG_BUF	(VG_FRAME_MAX + 12)

static uint64_t frames(unsigned int share)
{
	const char *env = getenv("VD_STREAM_FRAMES");
	uint64_t n = env ? strtoull(env, NULL, 0) : 12000;

	return n / share;
}

FIXTURE(stream)
{
	struct rig rig;
};

FIXTURE_VARIANT(stream)
{
	uint64_t features;
	enum rig_backend backend;
	uint32_t rx_size;	/* of a receive buffer */
	int sndbuf;		/* of the tap, 0: its default */
	unsigned int share;	/* VD_STREAM_FRAMES is divided by this */
};

#define MODERN (VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) | \
		VG_BIT(VG_F_EVENT_IDX) | VG_BIT(VG_F_INDIRECT))

FIXTURE_VARIANT_ADD(stream, modern)
{
	.features = MODERN, .rx_size = 4096, .share = 1,
};

FIXTURE_VARIANT_ADD(stream, legacy)
{
	.rx_size = STREAM_BIG_BUF, .share = 4,
};

FIXTURE_VARIANT_ADD(stream, single_sends)
{
	.features = MODERN, .rx_size = 2048, .sndbuf = 1 << 20, .share = 4,
};

FIXTURE_VARIANT_ADD(stream, vhost_hdr)
{
	.features = MODERN | VG_BIT(VG_F_VHOST_HDR), .rx_size = 1024,
	.share = 4,
};

FIXTURE_VARIANT_ADD(stream, packet_socket)
{
	.features = VG_BIT(VG_F_EVENT_IDX), .backend = RIG_PACKET,
	.rx_size = 2048, .share = 4,
};

FIXTURE_SETUP(stream)
{
	struct vg_net_opts o = { .features = variant->features, .seed = 9,
				 .rx_size = variant->rx_size, .nr_tx = 128,
				 .tx_size = STREAM_BIG_BUF };

	ASSERT_FINE(rig_open(&self->rig, variant->backend, &o));
	if (variant->sndbuf)
		ASSERT_EQ(0, vg_tap_set_sndbuf(self->rig.tap.fd,
					       variant->sndbuf));
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(stream)
{
	rig_close(&self->rig);
}

static const struct vg_layout *const mixed[] = {
	&(const struct vg_layout){ "plain", .nr_direct = VG_ALL_DIRECT },
	&(const struct vg_layout){ "header apart", { 12 },
				   .nr_direct = VG_ALL_DIRECT },
	&(const struct vg_layout){ "table", { 12 }, .piece = 4096 },
	&(const struct vg_layout){ "pages backwards", { 12 }, .piece = 4096,
				   .nr_direct = VG_ALL_DIRECT,
				   .backwards = true },
	NULL
};

TEST_F_TIMEOUT(stream, transmit, STREAM_TIMEOUT)
{
	struct stream s = stream_make(&self->rig, VG_TX,
				      frames(variant->share));

	s.max = self->rig.gso ? VG_FRAME_MAX : VG_FRAME_MTU;
	s.layouts = mixed;
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(s.count, s.got);
}

TEST_F_TIMEOUT(stream, receive, STREAM_TIMEOUT)
{
	struct stream s = stream_make(&self->rig, VG_RX,
				      frames(variant->share));

	s.max = self->rig.gso ? VG_FRAME_MAX_STACK : VG_FRAME_MTU;
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(s.count, s.got);
}

TEST_F_TIMEOUT(stream, both_ways, STREAM_TIMEOUT)
{
	struct stream s[2] = {
		stream_make(&self->rig, VG_TX, frames(variant->share * 2)),
		stream_make(&self->rig, VG_RX, frames(variant->share * 2)),
	};

	s[0].max = self->rig.gso ? VG_FRAME_MAX : VG_FRAME_MTU;
	s[1].max = self->rig.gso ? VG_FRAME_MAX_STACK : VG_FRAME_MTU;
	s[0].layouts = mixed;
	EXPECT_FINE(stream_run(s, 2));
	EXPECT_EQ(s[0].count, s[0].got);
	EXPECT_EQ(s[1].count, s[1].got);
}

VD_TEST_MAIN
