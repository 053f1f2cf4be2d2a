/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that are sent as an array of XDP buffers. */
#ifndef VD_NET_XDP_BATCH_H
#define VD_NET_XDP_BATCH_H

#include <linux/skbuff.h>
#include <net/xdp.h>

#include "compat.h"
#include "net/frag.h"
#include "net/queue.h"
#include "net/tap_tx.h"

/*
 * Headroom of a long frame. Without it, a tunnel must allocate and copy 64 KiB
 * in atomic context.
 */
#define VD_XDP_LONG_ROOM		(SKB_DATA_ALIGN(256) + NET_IP_ALIGN)

/*
 * The longest linear part of a packet, including the headroom, which a tunnel
 * may fill with headers. It must not exceed 64 KiB less one, as for the
 * kernel's own producers: TCP and UDP put at most an IP packet into a linear
 * part, and linearizing a GSO packet is bounded by GSO_LEGACY_MAX_SIZE. Drivers
 * rely on this: several have 16 bits for the length of a buffer. The socket's
 * sendmsg() puts longer frames into page fragments.
 */
#define VD_XDP_MAX_LINEAR	U16_MAX

/**
 * struct vd_xdp - a batch of frames on their way to the backend
 * @headroom: room before a frame, or 0 when the backend takes no XDP buffers;
 *	      looked up once a batch
 * @has_prog: the device has an XDP program; looked up once a batch
 * @has_deferred: a frame of the batch may be redirected at the batch's end
 * @nr: frames in @buff
 * @nr_plain: of these, frames for which vd_tap_tx_is_plain() is true
 * @bytes: length of the frames in @buff
 * @frags: memory of frames that fit into a page
 * @long_frags: memory of longer frames
 * @tap: the tap that takes them
 * @page: the pages of @frags
 * @long_page: the pages of @long_frags
 * @buff: the frames
 *
 * All [q].
 */
struct vd_xdp {
	unsigned int headroom;
	bool has_prog;
	bool has_deferred;
	unsigned int nr;
	unsigned int nr_plain;
	size_t bytes;
	struct vd_tap_tx tap;
	struct vd_frag_pool frags;
	struct vd_frag_pool long_frags;
	struct vd_frag_page page[VD_FRAG_MAX_PAGES];
	struct vd_frag_page long_page[VD_FRAG_PAGES];
	struct xdp_buff buff[VD_BATCH];
};

void vd_xdp_init(struct vd_queue *q, struct vd_xdp *xdp);
void vd_xdp_fini(struct vd_xdp *xdp);
void vd_xdp_begin(struct vd_queue *q, struct vd_xdp *xdp);
bool vd_xdp_suit_prog(struct vd_queue *q, struct vd_xdp *xdp, void *buf,
		      unsigned int headroom, size_t frame_len,
		      unsigned int frag_len);
int vd_xdp_copy(const struct vd_queue *q, const struct vd_chain *chain,
		size_t skip, void *dst, size_t len);
void vd_xdp_send(struct vd_queue *q, struct vd_xdp *xdp);

/* Append the frame at @headroom in @buf, a buffer of @frag_len, to the batch. */
static inline void vd_xdp_add(struct vd_xdp *xdp, void *buf,
			      unsigned int headroom, size_t frame_len,
			      unsigned int frag_len)
{
	vd_compat_xdp_prepare(&xdp->buff[xdp->nr], buf, frag_len, headroom,
			      frame_len);
	xdp->nr_plain += vd_tap_tx_is_plain(vd_compat_xdp_hdr(buf));
	xdp->bytes += frame_len;
	xdp->nr++;
}

#endif
