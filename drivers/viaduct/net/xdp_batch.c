// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that are sent as an array of XDP buffers: their memory, the copy of
 * scattered ones, and the call that hands a batch over. tx.c builds the frames.
 */
#include <linux/mm.h>
#include <linux/uio.h>

#include "compat.h"
#include "guest/access.h"
#include "net/queue.h"
#include "net/xdp_batch.h"

/**
 * vd_xdp_copy() - copy a part of a chain's readable bytes
 * @q: the TX queue, entered
 * @chain: a chain of its batch
 * @skip: offset of the first byte
 * @dst: destination
 * @len: number of bytes
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_xdp_copy(const struct vd_queue *q, const struct vd_chain *chain,
		size_t skip, void *dst, size_t len)
{
	const struct iovec *seg = &q->batch->seg[chain->first_seg];
	struct iov_iter iter;

	/* Fast path: one segment, or the frame starts the second one. */
	if (skip + len <= seg->iov_len)
		return vd_access_read(dst, seg->iov_base + skip, len);
	if (skip == seg->iov_len && len <= seg[1].iov_len)
		return vd_access_read(dst, seg[1].iov_base, len);

	iov_iter_init(&iter, ITER_SOURCE, seg, chain->nr_out, chain->out_len);
	iov_iter_advance(&iter, skip);
	return copy_from_iter(dst, len, &iter) == len ? 0 : -EFAULT;
}

/**
 * vd_xdp_begin() - read the backend's headroom and XDP state for a batch
 * @q: the TX queue, entered
 * @xdp: the batch, empty
 *
 * Context: process context, queue mutex held.
 */
void vd_xdp_begin(struct vd_queue *q, struct vd_xdp *xdp)
{
	lockdep_assert_held(&q->lock);
	vd_tap_tx_begin(q, &xdp->tap);
	xdp->headroom = vd_backend_xdp_headroom(&q->backend);
	xdp->has_prog = xdp->headroom && vd_backend_has_xdp_prog(&q->backend);
	if (xdp->has_prog)
		xdp->headroom += XDP_PACKET_HEADROOM;
}

/**
 * vd_xdp_suit_prog() - prepare a frame for the device's XDP program
 * @q: the TX queue, entered
 * @xdp: the batch, without the frame
 * @buf: the frame's buffer, with header and frame in place
 * @headroom: offset of the frame in @buf
 * @frame_len: length of the frame
 * @frag_len: length of @buf
 *
 * The tap runs the program on the buffer, which must be at most a page. A
 * redirected frame leaves at the end of the batch and without the virtio-net
 * header, so its checksum must be complete. For a GSO packet the tap runs the
 * program on an sk_buff, and the packet leaves at once: it must not overtake
 * the frames before it.
 *
 * Context: process context, queue mutex held.
 * Return: false if the frame must be sent by itself.
 */
bool vd_xdp_suit_prog(struct vd_queue *q, struct vd_xdp *xdp, void *buf,
		      unsigned int headroom, size_t frame_len,
		      unsigned int frag_len)
{
	struct virtio_net_hdr *hdr = vd_compat_xdp_hdr(buf);

	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		if (xdp->has_deferred)
			vd_xdp_send(q, xdp);
		return true;
	}
	if (frag_len > PAGE_SIZE)
		return false;
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		vd_vnet_complete_csum(hdr, buf + headroom, frame_len);
	xdp->has_deferred = true;
	return true;
}

/* Hand over the frames, of which there must be at least one, and count them. */
static void vd_xdp_hand_over(struct vd_queue *q, struct vd_xdp *xdp)
{
	unsigned int i;

	if (xdp->nr_plain == xdp->nr &&
	    vd_tap_tx_deliver(q, &xdp->tap, xdp->buff, xdp->nr))
		return;
	if (!vd_tap_tx_by_socket(q, &xdp->tap, xdp->buff, xdp->nr)) {
		q->stats.done += xdp->nr;
		q->stats.bytes += xdp->bytes;
		return;
	}
	/* The device is gone and took no reference: free the frames. */
	for (i = 0; i < xdp->nr; i++) {
		struct xdp_buff *buff = &xdp->buff[i];

		vd_queue_count_drop(q, VD_DROP_SOCKET,
				    buff->data_end - buff->data);
		put_page(virt_to_head_page(buff->data_hard_start));
	}
}

/**
 * vd_xdp_send() - hand the frames of the batch over to the backend
 * @q: the TX queue, entered
 * @xdp: the batch, which is empty afterwards
 *
 * Context: process context.
 */
void vd_xdp_send(struct vd_queue *q, struct vd_xdp *xdp)
{
	lockdep_assert_held(&q->lock);
	if (!xdp->nr)
		return;
	vd_xdp_hand_over(q, xdp);
	xdp->nr = 0;
	xdp->nr_plain = 0;
	xdp->bytes = 0;
	xdp->has_deferred = false;
}

/* @xdp is zeroed memory. */
void vd_xdp_init(struct vd_queue *q, struct vd_xdp *xdp)
{
	vd_frag_init(&xdp->frags, &q->lock, xdp->page, VD_FRAG_MAX_PAGES,
		     false);
	vd_frag_init(&xdp->long_frags, &q->lock, xdp->long_page, VD_FRAG_PAGES,
		     true);
	vd_tap_tx_init(&xdp->tap);
	vd_reclaim_add(&xdp->frags);
	vd_reclaim_add(&xdp->long_frags);
}

/* The batch must be empty. */
void vd_xdp_fini(struct vd_xdp *xdp)
{
	vd_reclaim_del(&xdp->frags);
	vd_reclaim_del(&xdp->long_frags);
}
