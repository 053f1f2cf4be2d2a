/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets on their way from a tap's ring to the guest. */
#ifndef VD_NET_TAP_RX_H
#define VD_NET_TAP_RX_H

#include <linux/types.h>

#include "net/tapdev.h"
#include "types.h"

struct iovec;
struct vd_queue;

/**
 * struct vd_tap_rx - packets of a tap, before and after their delivery
 * @next: index in @pkt of the next packet to deliver
 * @nr_pkt: packets in @pkt; they are kept between runs
 * @generation: &vd_poll.generation of the socket when @pkt was filled
 * @pkt: packets consumed from the tap's ring
 * @seen_len: header length that the tap's recvmsg() has written, 0 if it has
 *	      not delivered a packet yet
 * @is_searched: the device of the backend's index has been looked up
 * @direct_skb: &vd_rx_direct at the beginning of the run
 * @direct_xdp: &vd_rx_direct_xdp at the beginning of the run
 * @dev: the tap's device
 * @nr_done: packets in @done
 * @bytes: length of the packets in @done, as the device counts it
 * @done: packets delivered without recvmsg() that must still be counted and
 *	  freed; none between runs
 *
 * All [q].
 */
struct vd_tap_rx {
	unsigned int next;
	unsigned int nr_pkt;
	unsigned int generation;
	u8 seen_len;
	bool is_searched;
	bool direct_skb;
	bool direct_xdp;
	struct vd_tapdev dev;
	unsigned int nr_done;
	unsigned int bytes;
	void *pkt[VD_BATCH];
	void *done[VD_BATCH];
};

/* Module parameters: plain packets, and redirected frames, without recvmsg(). */
extern bool vd_rx_direct;
extern bool vd_rx_direct_xdp;

void vd_tap_rx_init(struct vd_tap_rx *tap);
void vd_tap_rx_reset(struct vd_queue *q, struct vd_tap_rx *tap);
void vd_tap_rx_begin(struct vd_queue *q, struct vd_tap_rx *tap);
bool vd_tap_rx_refill(struct vd_queue *q, struct vd_tap_rx *tap);
int vd_tap_rx_recv(struct vd_queue *q, struct vd_tap_rx *tap,
		   const struct iovec *seg, unsigned int nr_seg, size_t need);
void vd_tap_rx_end(struct vd_queue *q, struct vd_tap_rx *tap);

/* Take the next packet; NULL from a backend without a ring. */
static inline void *vd_tap_rx_next(struct vd_tap_rx *tap)
{
	return tap->next < tap->nr_pkt ? tap->pkt[tap->next++] : NULL;
}

#endif
