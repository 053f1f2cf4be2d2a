// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets through a port of libviaduct: a tap or tun as the network card of a
 * program, one queue or four, rings of both formats. None is lost, doubled,
 * reordered or altered. A quarter of VD_STREAM_FRAMES (12000) a direction.
 */
#include <linux/if_tun.h>
#include <stdlib.h>

#include "../../../lib/vguest/tap.h"
#include "port_rig.h"
#include "vd_test.h"

#define STREAM_TIMEOUT	600
#define OFFLOADS	(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

static uint64_t frames(void)
{
	const char *env = getenv("VD_STREAM_FRAMES");

	return (env ? strtoull(env, NULL, 0) : 12000) / 4;
}

FIXTURE(port)
{
	struct port_rig rig;
};

FIXTURE_VARIANT(port)
{
	unsigned int queues;
	unsigned int flags;
	unsigned int offload;
	unsigned int ring;
};

FIXTURE_VARIANT_ADD(port, tap) { .queues = 1 };
FIXTURE_VARIANT_ADD(port, tap_split) { .queues = 1, .flags = VIADUCT_PORT_SPLIT };
FIXTURE_VARIANT_ADD(port, tap_small) { .queues = 1, .ring = 8 };
FIXTURE_VARIANT_ADD(port, tap_gso) { .queues = 1, .offload = OFFLOADS };
FIXTURE_VARIANT_ADD(port, tap_four) { .queues = 4, .offload = OFFLOADS };
FIXTURE_VARIANT_ADD(port, tun) { .queues = 1, .flags = VIADUCT_PORT_TUN };
FIXTURE_VARIANT_ADD(port, tun_gso)
{
	.queues = 1, .flags = VIADUCT_PORT_TUN, .offload = OFFLOADS,
};

FIXTURE_VARIANT_ADD(port, tun_four)
{
	.queues = 4, .flags = VIADUCT_PORT_TUN, .offload = OFFLOADS,
};

FIXTURE_VARIANT_ADD(port, tun_four_split)
{
	.queues = 4, .flags = VIADUCT_PORT_TUN | VIADUCT_PORT_SPLIT,
	.offload = OFFLOADS,
};

FIXTURE_SETUP(port)
{
	struct viaduct_port_opts o = port_opts(&self->rig);

	o.queues = variant->queues;
	o.flags = variant->flags;
	o.offload = variant->offload;
	o.ring_size = variant->ring;
	ASSERT_EQ(0, vg_netns_enter());
	ASSERT_FINE(port_rig_open(&self->rig, &o));
	EXPECT_EQ(variant->queues, viaduct_port_queues(self->rig.port));
	EXPECT_EQ(!vg_dev_is_reference() && !(variant->flags & VIADUCT_PORT_SPLIT),
		  viaduct_port_is_packed(self->rig.port));
}

FIXTURE_TEARDOWN(port)
{
	port_rig_close(&self->rig);
}

TEST_F_TIMEOUT(port, transmit, STREAM_TIMEOUT)
{
	struct port_stream s = { .rig = &self->rig, .is_tx = true,
				 .count = frames() };
	struct viaduct_queue_stats stats;
	uint64_t sent = 0;
	unsigned int i;

	EXPECT_FINE(port_stream_run(&s, 1));
	EXPECT_EQ(s.count, s.got);
	for (i = 0; i < variant->queues; i++) {
		viaduct_port_stats(self->rig.port, i, &stats);
		sent += stats.tx_packets;
	}
	EXPECT_EQ(s.count, sent);
}

TEST_F_TIMEOUT(port, receive, STREAM_TIMEOUT)
{
	struct port_stream s = { .rig = &self->rig, .count = frames() };
	unsigned int i;

	EXPECT_FINE(port_stream_run(&s, 1));
	EXPECT_EQ(s.count, s.got);
	/* The interface spreads 64 flows over its queues. */
	for (i = 0; i < variant->queues; i++)
		EXPECT_LT(0, s.per_queue[i]);
}

TEST_F_TIMEOUT(port, both_ways, STREAM_TIMEOUT)
{
	struct port_stream s[2] = {
		{ .rig = &self->rig, .is_tx = true, .count = frames() / 2 },
		{ .rig = &self->rig, .count = frames() / 2 },
	};

	EXPECT_FINE(port_stream_run(s, 2));
	EXPECT_EQ(s[0].count, s[0].got);
	EXPECT_EQ(s[1].count, s[1].got);
}

VD_TEST_MAIN
