/* SPDX-License-Identifier: GPL-2.0-only */
/* A session with a thread, and one front end on a pair of sockets. */
#ifndef RIG_H
#define RIG_H

#include <pthread.h>
#include <viaduct/backend.h>

#include "fe.h"
#include "test.h"
#include "wait.h"

#define RIG_MS		10000
#define RIG_BURST	32
#define RIG_ROOM	70000

/* Protocol features: acks, memory slots, and so on. */
#define RIG_ACK		(1 << 3)
#define RIG_PROTO	(RIG_ACK | 1 << 0 | 1 << 1 | 1 << 4 | 1 << 13 | \
			 1 << 15 | 1 << 16)

#define RIG_INFLIGHT	(1 << 12)

struct rig {
	struct viaduct_session *s;
	struct viaduct_dev *dev;	/* atomic */
	struct fe fe;
	pthread_mutex_t lock;		/* @dev stays while it is held */
	int gone;			/* atomic: destroy_device calls */
	int on;				/* atomic: bit per ring */
	int features_changed;		/* atomic */
	char reason[160];
	char log[160];			/* the last message */
	struct viaduct_pkt pkt[RIG_BURST];
};

/* In two parts: a session, and a front end of it. */
void rig_create(struct rig *r);
void rig_serve(struct rig *r, const struct vg_net_opts *o, uint64_t proto);
void rig_open(struct rig *r, const struct vg_net_opts *o, uint64_t proto);
void rig_close(struct rig *r);
/* Another front end, of the same driver state, instead of the present one. */
void rig_reconnect(struct rig *r);
/* Waits until the connection is closed, for a reason with @part in it. */
void rig_expect_closed(struct rig *r, const char *part);
void rig_wait(int *word, int value);
/* Frames @first to @first + nr: guest to program, and back. */
void rig_stream_tx(struct rig *r, uint64_t first, unsigned int nr, size_t max,
		   const struct vg_layout *layout);
void rig_stream_rx(struct rig *r, uint64_t first, unsigned int nr, size_t max);

#endif
