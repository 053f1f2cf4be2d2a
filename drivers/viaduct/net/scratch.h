/* SPDX-License-Identifier: GPL-2.0-only */
/* What the handlers keep between two packets; it comes and goes with the
 * backend, so that an idle device holds none of it.
 */
#ifndef VD_NET_SCRATCH_H
#define VD_NET_SCRATCH_H

#include <net/xdp.h>

#include "net/frag.h"
#include "net/tapdev.h"
#include "types.h"

struct vd_queue;

/**
 * struct vd_tx - frames on their way to the backend
 * @headroom: room before a frame, or 0 when the backend takes no XDP buffers;
 *	      looked up once a batch
 * @nr_xdp: frames in @xdp
 * @bytes: their length
 * @last_len: length of the last chain that was fetched
 * @frags: the memory they lie in
 * @long_frags: the memory that frames of more than a page lie in
 * @page: the pages of @frags
 * @long_page: the pages of @long_frags
 * @xdp: frames that will be sent together
 *
 * All [q].
 */
struct vd_tx {
	unsigned int headroom;
	unsigned int nr_xdp;
	size_t bytes;
	size_t last_len;
	struct vd_frag_pool frags;
	struct vd_frag_pool long_frags;
	struct vd_frag_page page[VD_FRAG_MAX_PAGES];
	struct vd_frag_page long_page[VD_FRAG_PAGES];
	struct xdp_buff xdp[VD_BATCH];
};

/**
 * struct vd_rx - packets on their way from the backend
 * @taken: chains of the batch that are completed
 * @next: the first packet in @pkt that is still to be delivered
 * @nr: packets in @pkt; they are kept between runs
 * @starts: &vd_wait.starts of the wait for the socket when they were taken
 * @seen_len: bytes that the backend's recvmsg() was seen to write before a
 *	      frame, 0 before that
 * @tapdev: the backend's device
 * @nr_plain: packets in @plain
 * @plain_bytes: their length
 * @plain: packets that were delivered without recvmsg(), still to be counted
 *	   and freed; none between runs
 * @pkt: packets taken out of the backend's ring
 *
 * All [q].
 */
struct vd_rx {
	unsigned int taken;
	unsigned int next;
	unsigned int nr;
	unsigned int starts;
	u8 seen_len;
	struct vd_tapdev tapdev;
	unsigned int nr_plain;
	unsigned int plain_bytes;
	struct sk_buff *plain[VD_BATCH];
	void *pkt[VD_BATCH];
};

int vd_scratch_create(struct vd_queue *q);
void vd_scratch_empty(struct vd_queue *q);
void vd_scratch_destroy(struct vd_queue *q);

#endif
