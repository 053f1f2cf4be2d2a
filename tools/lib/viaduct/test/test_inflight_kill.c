// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program on the library is killed by SIGKILL at any time, while both sides
 * run, and another one continues. stores.c kills it between two stores to
 * memory.
 */
#include "kill.h"

#define ROUNDS	100

static void kills(uint64_t features)
{
	struct vg_net_opts o = KILL_OPTS(features);
	struct kill_scene sc;
	unsigned int i;

	kill_open(&sc, &o);
	for (i = 0; i < ROUNDS; i++) {
		uint64_t end;

		sc.sh->burst = 1 + kill_roll(&sc, KILL_BURST);
		kill_launch(&sc, false);
		kill_wait_on(&sc);
		end = vg_now_ns() + kill_roll(&sc, 3000) * 1000;
		do {
			kill_drive(&sc);
		} while (!vg_expired(end));
		kill_bury(&sc);
	}
	CHECK(sc.used > 1000 && sc.received > 1000);
	kill_finish(&sc);
}

TEST(inflight_kill_split)
{
	kills(0);
}

TEST(inflight_kill_packed)
{
	kills(VG_BIT(VG_F_RING_PACKED));
}

TEST(inflight_kill_in_order)
{
	kills(VG_BIT(VG_F_IN_ORDER));
}

TEST(inflight_kill_packed_in_order)
{
	kills(VG_BIT(VG_F_RING_PACKED) | VG_BIT(VG_F_IN_ORDER));
}
