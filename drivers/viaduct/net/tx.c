// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: frames from the guest to the backend.
 *
 * A run fetches chains batch by batch. A tap with an unlimited send buffer
 * takes frames as an array of XDP buffers: each frame is copied behind its
 * header into a page fragment, and the batch is handed over in one call
 * (xdp_batch.c). All other frames (other sockets, finite send buffers, long
 * frames when too many are in flight) are sent one by one. The batch built so
 * far must be sent first, to keep the order.
 *
 * A chain is completed when its frame is built, sent or dropped, but is
 * published only after the batch has been handed over. If the socket cannot
 * take a frame now, its chain and all later ones are rewound, and the socket
 * wakes the handler when it is writable.
 */
#include <linux/if_ether.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "guest/access.h"
#include "net/queue.h"
#include "net/xdp_batch.h"

/**
 * struct vd_tx - state of the handler
 * @last_len: length of the last chain that was fetched
 * @xdp: frames to be sent in one batch
 *
 * All [q].
 */
struct vd_tx {
	size_t last_len;
	struct vd_xdp xdp;
};

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

/* Copy header and frame of a chain into a fragment. Returns 0 or -EFAULT. */
static int vd_tx_read(const struct vd_queue *q, const struct vd_chain *chain,
		      struct virtio_net_hdr *hdr, void *frame, size_t frame_len)
{
	const struct iovec *seg = &q->batch->seg[chain->first_seg];
	size_t hdr_len = q->vnet.len;

	/* The tap's header may be longer than the guest's: zero the rest. */
	vd_compat_xdp_clear_tunnel(hdr);
	if (vd_vnet_has_tunnel(&q->vnet))
		return vd_xdp_copy(q, chain, 0, hdr, VD_VNET_TUNNEL_LEN) ?:
		       vd_xdp_copy(q, chain, hdr_len, frame, frame_len);
	if (chain->nr_out == 1 && frame_len <= VD_ACCESS_SMALL &&
	    hdr_len >= sizeof(*hdr))
		return vd_tx_copy_small(seg, hdr, hdr_len, frame, frame_len);
	/* One segment each, as in the indirect tables of Linux guests. */
	if (chain->nr_out == 2 && seg->iov_len == hdr_len &&
	    hdr_len >= sizeof(*hdr))
		return vd_access_read(hdr, seg->iov_base, sizeof(*hdr)) ?:
		       vd_access_read(frame, seg[1].iov_base, frame_len);
	return vd_xdp_copy(q, chain, 0, hdr, sizeof(*hdr)) ?:
	       vd_xdp_copy(q, chain, hdr_len, frame, frame_len);
}

/* Fill a fragment. Returns the reason to drop the frame, or VD_NR_DROPS. */
static enum vd_drop vd_tx_fill(const struct vd_queue *q,
			       const struct vd_chain *chain,
			       struct virtio_net_hdr *hdr, void *frame,
			       size_t frame_len)
{
	if (vd_tx_read(q, chain, hdr, frame, frame_len))
		return VD_DROP_FAULT;
	/*
	 * With VHOST_NET_F_VIRTIO_NET_HDR this device strips the guest's
	 * header: the tap gets a zeroed one.
	 */
	if (!q->vnet.sock_len) {
		memset(hdr, 0, sizeof(*hdr));
		vd_compat_xdp_clear_tunnel(hdr);
	}
	return vd_vnet_check_csum(hdr, frame_len) ? VD_NR_DROPS :
						    VD_DROP_HEADER;
}

/* A fragment holds a frame and the skb_shared_info of build_skb(). */
static unsigned int vd_tx_frag_len(unsigned int headroom, size_t frame_len)
{
	return SKB_DATA_ALIGN(headroom + frame_len) +
	       SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
}

/* Build the next XDP buffer from a chain; VD_ALONE if none can hold the frame. */
static enum vd_verdict vd_tx_build(struct vd_queue *q,
				   const struct vd_chain *chain,
				   size_t frame_len)
{
	struct vd_xdp *xdp = &q->tx->xdp;
	unsigned int headroom = xdp->headroom, frag_len;
	struct vd_frag_pool *pool = &xdp->frags;
	enum vd_drop reason;
	void *buf;

	frag_len = vd_tx_frag_len(headroom, frame_len);
	if (frag_len > PAGE_SIZE) {
		if (xdp->has_prog)
			headroom -= XDP_PACKET_HEADROOM;
		headroom = max_t(unsigned int, headroom, VD_XDP_LONG_ROOM);
		if (headroom + frame_len > VD_XDP_MAX_LINEAR)
			return VD_ALONE;
		frag_len = vd_tx_frag_len(headroom, frame_len);
		pool = &xdp->long_frags;
	}
	buf = vd_frag_get(pool, frag_len);
	if (!buf)
		return VD_ALONE;
	reason = vd_tx_fill(q, chain, vd_compat_xdp_hdr(buf), buf + headroom,
			    frame_len);
	if (reason != VD_NR_DROPS) {
		vd_frag_undo(pool, frag_len);
		if (reason == VD_DROP_FAULT && signal_pending(current))
			return VD_INTERRUPTED;
		vd_queue_count_drop(q, reason, frame_len);
		return VD_DONE;
	}
	if (unlikely(xdp->has_prog) &&
	    !vd_xdp_suit_prog(q, xdp, buf, headroom, frame_len, frag_len)) {
		vd_frag_undo(pool, frag_len);
		return VD_ALONE;
	}
	vd_xdp_add(xdp, buf, headroom, frame_len, frag_len);
	return VD_DONE;
}

/* Send a frame by itself: VD_DONE, VD_INTERRUPTED, or VD_WAIT for the socket. */
static enum vd_verdict vd_tx_send(struct vd_queue *q,
				  const struct vd_chain *chain,
				  size_t frame_len)
{
	struct iov_iter iter;
	int ret;

	iov_iter_init(&iter, ITER_SOURCE, &q->batch->seg[chain->first_seg],
		      chain->nr_out, chain->out_len);
	iov_iter_advance(&iter, q->vnet.own_len);
	ret = vd_backend_send(&q->backend, &iter);
	if (ret == -EFAULT && signal_pending(current))
		return VD_INTERRUPTED;
	if (ret == -EAGAIN || ret == -ENOMEM || ret == -ENOBUFS) {
		vd_queue_count_back_pressure(q, ret);
		return VD_WAIT;
	}
	if (ret < 0) {
		vd_queue_count_drop(q, VD_DROP_SOCKET, frame_len);
	} else {
		q->stats.done++;
		q->stats.bytes += frame_len;
	}
	return VD_DONE;
}

/* Send, build or drop a frame. Unless VD_DONE, its chain must be rewound. */
static enum vd_verdict vd_tx_frame(struct vd_queue *q,
				   const struct vd_chain *chain)
{
	size_t hdr_len = q->vnet.len, frame_len;
	enum vd_verdict verdict;

	/* 5.1.6.2: all of a transmitted packet is device-readable. */
	if (chain->nr_in)
		return vd_queue_ring_error(q, -EPROTO);
	if (chain->out_len < hdr_len + ETH_HLEN) {
		vd_queue_count_drop(q, VD_DROP_SHORT, chain->out_len);
		return VD_DONE;
	}
	frame_len = chain->out_len - hdr_len;
	if (frame_len > VD_MAX_FRAME_LEN) {
		vd_queue_count_drop(q, VD_DROP_OVERSIZE, frame_len);
		return VD_DONE;
	}
	if (q->tx->xdp.headroom) {
		verdict = vd_tx_build(q, chain, frame_len);
		if (verdict != VD_ALONE)
			return verdict;
		vd_xdp_send(q, &q->tx->xdp);
	}
	return vd_tx_send(q, chain, frame_len);
}

/*
 * Process the @nr chains of a batch. Returns how many must not be rewound;
 * @verdict is that of the last chain processed.
 */
static unsigned int vd_tx_chains(struct vd_queue *q, unsigned int nr,
				 struct vd_budget *budget,
				 enum vd_verdict *verdict)
{
	unsigned int i;

	for (i = 0; i < nr && budget->bytes < VD_RUN_BYTES; i++) {
		const struct vd_chain *chain = &q->batch->chain[i];
		int err;

		*verdict = vd_tx_frame(q, chain);
		if (*verdict != VD_DONE)
			break;
		err = vd_ring_complete(&q->ring, chain, 0);
		budget->bytes += chain->out_len;
		budget->packets++;
		/*
		 * The frame is sent, or will be with its batch: its chain must
		 * not be rewound, even if it cannot be returned to the guest.
		 */
		if (err) {
			*verdict = vd_queue_ring_error(q, err);
			return i + 1;
		}
		/*
		 * The receiver can process a long frame while the next is
		 * copied. Publish per batch: an interrupt per frame costs more.
		 */
		if (chain->out_len > PAGE_SIZE)
			vd_xdp_send(q, &q->tx->xdp);
	}
	return i;
}

/*
 * Number of chains to fetch: those beyond the budget are rewound, which is costly
 * for long frames. Assume that the next frames are as long as the last one.
 */
static unsigned int vd_tx_want(const struct vd_queue *q,
			       const struct vd_budget *budget)
{
	size_t left = VD_RUN_BYTES - budget->bytes, len = q->tx->last_len;

	return len * VD_BATCH <= left ? VD_BATCH : DIV_ROUND_UP(left, len);
}

/* The ring is empty: poll it for some time, then enable kicks. */
static enum vd_next vd_tx_idle(struct vd_queue *q)
{
	enum vd_next next = q->busyloop ? vd_busy_poll_ring(q) : VD_STOP;

	return next == VD_STOP ? vd_queue_arm(q) : next;
}

/* The socket is full: it wakes the handler when it is writable. */
static enum vd_next vd_tx_wait(struct vd_queue *q)
{
	vd_poll_start(&q->socket_poll);
	return vfs_poll(q->backend.file, NULL) & EPOLLOUT ? VD_YIELD : VD_STOP;
}

static enum vd_next vd_tx_step(struct vd_queue *q, struct vd_budget *budget)
{
	enum vd_verdict verdict = VD_DONE;
	struct vd_tx *tx = q->tx;
	enum vd_next next;
	int nr, done;

	nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, vd_tx_want(q, budget));
	if (nr < 0)
		return vd_queue_fail(q, nr);
	if (!nr) {
		budget->packets++;
		return vd_tx_idle(q);
	}
	vd_xdp_begin(q, &tx->xdp);
	done = vd_tx_chains(q, nr, budget, &verdict);
	tx->last_len = q->batch->chain[nr - 1].out_len;
	vd_xdp_send(q, &tx->xdp);
	next = vd_queue_publish(q);
	vd_ring_rewind(&q->ring, q->batch, nr - done);
	vd_batch_reset(q->batch);
	/* vd_queue_publish() broke the ring: do not wait for the socket. */
	if (q->broken)
		return VD_STOP;
	switch (verdict) {
	case VD_WAIT:
		return vd_tx_wait(q);
	case VD_INTERRUPTED:
		return VD_YIELD;
	case VD_RING_ERROR:
		return vd_queue_break(q, q->ring_err);
	default:
		return next;
	}
}

static void vd_tx_run(struct vd_work *work)
{
	struct vd_queue *q = container_of(work, struct vd_queue, work);
	enum vd_next next;

	if (!vd_queue_enter(q))
		return;
	vd_poll_stop(&q->socket_poll);
	next = vd_queue_loop(q, vd_tx_step);
	vd_reclaim_check(&q->tx->xdp.frags);
	vd_reclaim_check(&q->tx->xdp.long_frags);
	vd_queue_leave(q, next);
}

static int vd_tx_alloc(struct vd_queue *q)
{
	q->tx = kvzalloc(sizeof(*q->tx), GFP_KERNEL_ACCOUNT);
	if (!q->tx)
		return -ENOMEM;
	vd_xdp_init(q, &q->tx->xdp);
	return 0;
}

/* Between runs, no frame is on its way to the backend. */
static void vd_tx_reset(struct vd_queue *q)
{
	vd_tap_tx_reset(&q->tx->xdp.tap);
}

static void vd_tx_free(struct vd_queue *q)
{
	vd_xdp_fini(&q->tx->xdp);
	kvfree(q->tx);
	q->tx = NULL;
}

const struct vd_queue_ops vd_tx_ops = {
	.name		= "tx",
	.ready		= EPOLLOUT,
	.nr_chains	= VD_BATCH,
	.run		= vd_tx_run,
	.alloc		= vd_tx_alloc,
	.reset		= vd_tx_reset,
	.free		= vd_tx_free,
};
