// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest to wire.
 *
 * A run fetches chains batch by batch. A tap with an unlimited send buffer
 * takes frames as an array of XDP buffers: each frame is copied behind its
 * header into a page fragment, and the batch is handed over in one call. All
 * other frames (other sockets, finite send buffers, long frames when too many
 * are in flight) are sent one by one. The batch built so far must be sent
 * first, to keep the order.
 *
 * A chain is completed when its frame is built, sent or dropped, but is
 * published only after the batch has been handed over. If the socket cannot
 * take a frame now, its chain and all later ones are rewound, and the socket
 * wakes the handler when it is writable.
 */
#include <linux/if_ether.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/skbuff.h>

#include "compat.h"
#include "guest/access.h"
#include "net/busy.h"
#include "net/queue.h"
#include "net/reclaim.h"
#include "net/scratch.h"
#include "net/tx.h"

/*
 * Headroom of a long frame. Without it, a tunnel must allocate and copy 64 KiB
 * in atomic context.
 */
#define VD_TX_LONG_ROOM		(SKB_DATA_ALIGN(256) + NET_IP_ALIGN)

/*
 * The longest linear part of a packet, including the headroom, which other
 * headers may fill. It must not exceed 64 KiB less one, as for the kernel's own
 * producers: TCP and UDP put at most an IP packet into a linear part, and
 * linearizing a GSO packet is bounded by GSO_LEGACY_MAX_SIZE. Drivers rely on
 * this: several have 16 bits for the length of a buffer. The socket's sendmsg()
 * puts longer frames into page fragments.
 */
#define VD_TX_MAX_LINEAR	U16_MAX

/* A fragment holds a frame and the skb_shared_info of build_skb(). */
static unsigned int vd_tx_frag_len(unsigned int headroom, size_t frame_len)
{
	return SKB_DATA_ALIGN(headroom + frame_len) +
	       SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
}

/* Copy @len bytes at offset @skip of the chain. */
static int vd_tx_copy(const struct vd_queue *q, const struct vd_chain *chain,
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

/* Header and frame have a segment each, as in Linux guests' indirect tables. */
static bool vd_tx_is_parted(const struct vd_chain *chain,
			    const struct iovec *seg, size_t hdr_len)
{
	return chain->nr_out == 2 && seg->iov_len == hdr_len;
}

/* Header and small frame in one segment: copy both in one access window. */
static int vd_tx_copy_small(const struct iovec *seg, struct virtio_net_hdr *gso,
			    size_t hdr_len, void *frame, size_t frame_len)
{
	int err;

	if (!user_read_access_begin(seg->iov_base, seg->iov_len))
		return -EFAULT;
	err = vd_access_unsafe_read(gso, seg->iov_base, sizeof(*gso)) ?:
	      vd_access_unsafe_read(frame, seg->iov_base + hdr_len, frame_len);
	user_read_access_end();
	return err;
}

/* Copy header and frame of a chain into a fragment. */
static int vd_tx_fill(const struct vd_queue *q, const struct vd_chain *chain,
		      struct virtio_net_hdr *hdr, void *frame, size_t frame_len)
{
	const struct iovec *seg = &q->batch->seg[chain->first_seg];
	size_t hdr_len = vd_vnet_len(&q->vnet);
	int err;

	/* The tap's header may be longer than the guest's: zero the rest. */
	vd_compat_xdp_clear_tunnel(hdr);
	if (vd_vnet_has_tunnel(&q->vnet))
		err = vd_tx_copy(q, chain, 0, hdr, VD_VNET_TUNNEL_LEN) ?:
		      vd_tx_copy(q, chain, hdr_len, frame, frame_len);
	else if (chain->nr_out == 1 && frame_len <= VD_ACCESS_SMALL &&
		 hdr_len >= sizeof(*hdr))
		err = vd_tx_copy_small(seg, hdr, hdr_len, frame, frame_len);
	else if (vd_tx_is_parted(chain, seg, hdr_len) &&
		 hdr_len >= sizeof(*hdr))
		err = vd_access_read(hdr, seg->iov_base, sizeof(*hdr)) ?:
		      vd_access_read(frame, seg[1].iov_base, frame_len);
	else
		err = vd_tx_copy(q, chain, 0, hdr, sizeof(*hdr)) ?:
		      vd_tx_copy(q, chain, hdr_len, frame, frame_len);
	if (err)
		return err;
	/*
	 * With VHOST_NET_F_VIRTIO_NET_HDR the guest's header is this device's
	 * to strip: the tap gets a zeroed one.
	 */
	if (!q->vnet.sock_len) {
		memset(hdr, 0, sizeof(*hdr));
		vd_compat_xdp_clear_tunnel(hdr);
	}
	return vd_vnet_check_csum(hdr, frame_len) ? 0 : -EINVAL;
}

/*
 * Build the next XDP buffer from a chain. Returns -ENOSPC if the frame must be
 * sent by itself, or -EFAULT or -EINVAL if it must be dropped.
 */
static int vd_tx_build(struct vd_queue *q, const struct vd_chain *chain,
		       size_t frame_len)
{
	struct vd_tx *tx = q->tx;
	unsigned int headroom = tx->headroom, frag_len;
	struct xdp_buff *xdp = &tx->xdp[tx->nr_xdp];
	struct vd_frag_pool *pool = &tx->frags;
	void *buf;
	int err;

	frag_len = vd_tx_frag_len(headroom, frame_len);
	if (frag_len > PAGE_SIZE) {
		headroom = max_t(unsigned int, headroom, VD_TX_LONG_ROOM);
		if (headroom + frame_len > VD_TX_MAX_LINEAR ||
		    vd_backend_has_xdp_prog(&q->backend))
			return -ENOSPC;
		frag_len = vd_tx_frag_len(headroom, frame_len);
		pool = &tx->long_frags;
	}
	buf = vd_frag_get(pool, frag_len);
	if (!buf)
		return -ENOSPC;
	err = vd_tx_fill(q, chain, vd_compat_xdp_hdr(buf), buf + headroom,
			 frame_len);
	if (err) {
		vd_frag_undo(pool, frag_len);
		return err;
	}
	vd_compat_xdp_prepare(xdp, buf, frag_len, headroom, frame_len);
	tx->bytes += frame_len;
	tx->nr_xdp++;
	return 0;
}

/* Send the built frames to the backend. */
static void vd_tx_flush(struct vd_queue *q)
{
	struct vd_tx *tx = q->tx;
	unsigned int i;

	if (!tx->nr_xdp)
		return;
	if (!vd_backend_send_xdp(&q->backend, tx->xdp, tx->nr_xdp)) {
		q->stats.done += tx->nr_xdp;
		q->stats.bytes += tx->bytes;
	} else {
		/* The device is gone and took no reference: free the frames. */
		for (i = 0; i < tx->nr_xdp; i++) {
			struct xdp_buff *xdp = &tx->xdp[i];

			vd_queue_count_drop(q, VD_DROP_SOCKET,
					    xdp->data_end - xdp->data);
			put_page(virt_to_head_page(xdp->data_hard_start));
		}
	}
	tx->nr_xdp = 0;
	tx->bytes = 0;
}

/* Send a chain by itself. Returns an error if the socket cannot take it now. */
static int vd_tx_send(struct vd_queue *q, const struct vd_chain *chain,
		      size_t frame_len)
{
	struct iov_iter iter;
	int ret;

	iov_iter_init(&iter, ITER_SOURCE, &q->batch->seg[chain->first_seg],
		      chain->nr_out, chain->out_len);
	iov_iter_advance(&iter, q->vnet.own_len);
	ret = vd_backend_send(&q->backend, &iter);
	switch (ret) {
	case -EAGAIN:
	case -ENOMEM:
	case -ENOBUFS:
		return ret;
	}
	if (ret < 0) {
		vd_queue_count_drop(q, VD_DROP_SOCKET, frame_len);
	} else {
		q->stats.done++;
		q->stats.bytes += frame_len;
	}
	return 0;
}

/*
 * Process one chain. Returns 0 if its frame is sent, built or dropped; -EPROTO
 * if the ring is broken; any other error if the frame must wait.
 */
static int vd_tx_chain(struct vd_queue *q, const struct vd_chain *chain)
{
	size_t hdr_len = vd_vnet_len(&q->vnet), frame_len;
	int err;

	/* 5.1.6.2: all of a transmitted packet is device-readable. */
	if (chain->nr_in)
		return -EPROTO;
	if (chain->out_len < hdr_len + ETH_HLEN) {
		vd_queue_count_drop(q, VD_DROP_SHORT, chain->out_len);
		return 0;
	}
	frame_len = chain->out_len - hdr_len;
	if (frame_len > VD_MAX_FRAME_LEN) {
		vd_queue_count_drop(q, VD_DROP_OVERSIZE, frame_len);
		return 0;
	}
	if (q->tx->headroom) {
		err = vd_tx_build(q, chain, frame_len);
		if (err == -EFAULT)
			vd_queue_count_drop(q, VD_DROP_FAULT, frame_len);
		else if (err == -EINVAL)
			vd_queue_count_drop(q, VD_DROP_HEADER, frame_len);
		if (err != -ENOSPC)
			return 0;
		vd_tx_flush(q);
	}
	return vd_tx_send(q, chain, frame_len);
}

/* Rewind the chains that could not be sent. Returns the next action. */
static enum vd_next vd_tx_give_back(struct vd_queue *q, unsigned int nr,
				    int err)
{
	vd_ring_rewind(&q->ring, q->batch, nr);
	/* vd_queue_publish() broke the ring: do not wait for the socket. */
	if (q->broken)
		return VD_STOP;
	if (err == -EPROTO || err == -EFAULT)
		return vd_queue_break(q, err);
	vd_queue_count_back_pressure(q, err);
	vd_wait_start(&q->socket_wait);
	return vfs_poll(q->backend.file, NULL) & EPOLLOUT ? VD_YIELD : VD_STOP;
}

/**
 * struct vd_tx_budget - work that a run has done so far
 * @packets: number of chains
 * @bytes: length of these chains
 */
struct vd_tx_budget {
	unsigned int packets;
	size_t bytes;
};

/* Process a batch of @nr chains; returns how many are completed. */
static int vd_tx_chains(struct vd_queue *q, int nr,
			struct vd_tx_budget *budget, int *err)
{
	int i;

	for (i = 0; i < nr && budget->bytes < VD_RUN_BYTES; i++) {
		const struct vd_chain *chain = &q->batch->chain[i];

		*err = vd_tx_chain(q, chain);
		if (*err)
			break;
		*err = vd_ring_complete(&q->ring, chain, 0);
		budget->bytes += chain->out_len;
		budget->packets++;
		if (*err)
			return i + 1;
		/*
		 * The receiver can process a long frame while the next is
		 * copied. Completions are still published per batch: an
		 * interrupt costs the guest more than the frame.
		 */
		if (chain->out_len > PAGE_SIZE)
			vd_tx_flush(q);
	}
	return i;
}

/*
 * Number of chains to fetch. Chains beyond the budget are rewound, which is
 * expensive for long frames with many descriptors. Assume that the next frames
 * are as long as the last one.
 */
static unsigned int vd_tx_want(const struct vd_queue *q,
			       const struct vd_tx_budget *budget)
{
	size_t left = VD_RUN_BYTES - budget->bytes, len = q->tx->last_len;

	return len * VD_BATCH <= left ? VD_BATCH : DIV_ROUND_UP(left, len);
}

static enum vd_next vd_tx_batch(struct vd_queue *q,
				struct vd_tx_budget *budget)
{
	int nr, done, err = 0;
	enum vd_next next;

	nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, vd_tx_want(q, budget));
	if (nr < 0)
		return vd_queue_fail(q, nr);
	if (!nr) {
		/* Bound the run even if the guest's index moves back. */
		budget->packets++;
		next = q->busyloop ? vd_busy_poll_ring(q) : VD_STOP;
		return next == VD_STOP ? vd_queue_arm(q) : next;
	}
	q->tx->headroom = vd_backend_xdp_headroom(&q->backend);
	done = vd_tx_chains(q, nr, budget, &err);
	q->tx->last_len = q->batch->chain[nr - 1].out_len;
	vd_tx_flush(q);
	next = vd_queue_publish(q);
	if (err)
		next = vd_tx_give_back(q, nr - done, err);
	else
		vd_ring_rewind(&q->ring, q->batch, nr - done);
	vd_batch_reset(q->batch);
	return next;
}

/**
 * vd_tx_run() - handler of the TX queue
 * @work: the queue's job
 *
 * Context: worker, on the owner's mm.
 */
void vd_tx_run(struct vd_work *work)
{
	struct vd_queue *q = container_of(work, struct vd_queue, work);
	struct vd_tx_budget budget = {};
	enum vd_next next = VD_GO_ON;

	if (!vd_queue_enter(q))
		return;
	vd_wait_stop(&q->socket_wait);
	while (next == VD_GO_ON) {
		if (budget.packets >= VD_RUN_PACKETS ||
		    budget.bytes >= VD_RUN_BYTES)
			next = VD_YIELD;
		else
			next = vd_tx_batch(q, &budget);
	}
	vd_reclaim_check(&q->tx->frags);
	vd_reclaim_check(&q->tx->long_frags);
	vd_queue_leave(q, next);
}
