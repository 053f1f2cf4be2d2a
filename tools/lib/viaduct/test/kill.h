/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program on the library that is killed, and a driver and front end that
 * remain: each further program continues with the same in-flight memory.
 *
 * What must hold: a chain is used once, with its own identifier and in its turn
 * (the driver checks that). The first frame that a program receives is the
 * first one in a buffer that the driver has not got back. So a frame is lost only
 * if its chain was used before the program could record it: a burst at most.
 * Frames to the guest are lost only from the burst that was interrupted, and
 * never doubled, altered or reordered.
 */
#ifndef KILL_H
#define KILL_H

#include "rig.h"

#define KILL_BURST	80	/* more chains than the engine keeps unwritten */
#define KILL_LEN	400	/* of the longest frame */
#define KILL_START	2	/* a call, as VG_RX and VG_TX: rings start */

/* Rings that wrap often; small buffers, of which most frames to the guest need some. */
#define KILL_OPTS(f) {							     \
	.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) |	     \
		    VG_BIT(VG_F_INDIRECT) | VG_NET_F_MRG | (f),		     \
	.num = { 128, 128 }, .seed = 3, .rx_size = 160,			     \
	.tx_size = KILL_LEN + 12,					     \
	.base = (f) & VG_BIT(VG_F_RING_PACKED) ? 0 : 65500 }

/* Shared by the program, which is killed, and the test. */
struct kill_shared {
	int on;			/* bit per ring */
	int armed;		/* call @before and @after around a call of @where */
	int where;		/* VG_RX, VG_TX, or KILL_START */
	int begun;		/* @before was called */
	unsigned int burst;
	unsigned int then;	/* value of @burst from the call for @armed on */
	bool brief;		/* each frame to the guest fits into one buffer */
	uint64_t first, next;	/* frames that this program has got */
	uint64_t rx_next;	/* the next one to the guest */
};

struct kill_scene {
	struct vg_net_opts o;
	struct kill_shared *sh;
	/* Called by the program, or NULL. */
	void (*before)(void);
	void (*after)(void);
	struct fe_inflight info;
	int inflight;		/* the memory */
	struct fe fe;
	pid_t pid;
	unsigned int rand;
	bool started;
	uint64_t sent, used, used_before, received;
	unsigned int nr_killed;	/* since the last frame was received */
};

void kill_open(struct kill_scene *sc, const struct vg_net_opts *o);
unsigned int kill_roll(struct kill_scene *sc, unsigned int below);
/* Take back, receive and send what can be. */
void kill_drive(struct kill_scene *sc);
/* A new program; @arm: around the start of its rings. */
void kill_launch(struct kill_scene *sc, bool arm);
void kill_wait_on(struct kill_scene *sc);
/* Kills the program, if it runs, and checks the state that it has left. */
void kill_bury(struct kill_scene *sc);
/* The last program: all that was sent arrives, and all buffers come back. */
void kill_finish(struct kill_scene *sc);

#endif
