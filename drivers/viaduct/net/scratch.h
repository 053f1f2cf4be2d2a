/* SPDX-License-Identifier: GPL-2.0-only */
/* What the handlers keep between two packets; it comes and goes with the
 * backend, so that an idle device holds none of it.
 */
#ifndef VD_NET_SCRATCH_H
#define VD_NET_SCRATCH_H

#include <net/xdp.h>

#include "net/frag.h"
#include "types.h"

struct vd_queue;

/**
 * struct vd_tx - frames on their way to the backend
 * @headroom: room before a frame, or 0 when the backend takes no XDP buffers;
 *	      looked up once a batch
 * @nr_xdp: frames in @xdp
 * @bytes: their length
 * @frags: the memory they lie in
 * @xdp: frames that will be sent together
 *
 * All [q].
 */
struct vd_tx {
	unsigned int headroom;
	unsigned int nr_xdp;
	size_t bytes;
	struct vd_frag_pool frags;
	struct xdp_buff xdp[VD_BATCH];
};

/**
 * struct vd_rx - packets on their way from the backend
 * @taken: chains of the batch that are completed
 * @next: the first packet in @pkt that is still to be delivered
 * @nr: packets in @pkt; they are kept between runs
 * @pkt: packets taken out of the backend's ring
 *
 * All [q].
 */
struct vd_rx {
	unsigned int taken;
	unsigned int next;
	unsigned int nr;
	void *pkt[VD_BATCH];
};

int vd_scratch_create(struct vd_queue *q);
void vd_scratch_empty(struct vd_queue *q);
void vd_scratch_destroy(struct vd_queue *q);

#endif
