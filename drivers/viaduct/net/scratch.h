/* SPDX-License-Identifier: GPL-2.0-only */
/* State that the handlers keep between packets. It exists only while there is
 * a backend, so that an idle device holds none of it.
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
 * @bytes: length of the frames in @xdp
 * @last_len: length of the last chain that was fetched
 * @frags: memory of frames that fit into a page
 * @long_frags: memory of longer frames
 * @page: the pages of @frags
 * @long_page: the pages of @long_frags
 * @xdp: frames to be sent in one batch
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
 * @next: index in @pkt of the next packet to deliver
 * @nr: packets in @pkt; they are kept between runs
 * @starts: &vd_poll.generation of the socket wait when @pkt was filled
 * @seen_len: header length that the backend's recvmsg() has written, 0 if it
 *	      has not delivered a packet yet
 * @tapdev: the backend's device
 * @nr_plain: packets in @plain
 * @plain_bytes: length of the packets in @plain
 * @plain: packets delivered without recvmsg() that must still be counted and
 *	   freed; none between runs
 * @pkt: packets consumed from the backend's ring
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
