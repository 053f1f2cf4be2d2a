// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: packets from the backend to the guest.
 *
 * A run consumes packets from the backend's ring in batches, and fetches the
 * chains that each packet needs: one, or several with mergeable buffers. Plain
 * packets are written together (plain.c), the others one by one by the socket.
 *
 * If the guest has no buffers, the packet stays in vd_tap_rx.pkt and only a kick
 * wakes the handler: further packets could not be delivered either. If there
 * are no packets, only the socket wakes it. A packet that can never fit, or
 * that the socket fails to deliver, is dropped; its chains stay available.
 */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "net/plain.h"
#include "net/queue.h"
#include "net/tap_rx.h"

/**
 * struct vd_rx - state of the handler
 * @taken: chains of the batch that are completed
 * @tap: packets of a backend that has a ring
 * @plain: packets that were written without the socket, to be completed
 *
 * All [q].
 */
struct vd_rx {
	unsigned int taken;
	struct vd_tap_rx tap;
	struct vd_plain plain[VD_BATCH];
};

/* Length of the next packet, 0 if there is none. */
static __always_inline size_t vd_rx_peek(struct vd_queue *q)
{
	struct vd_tap_rx *tap = &q->rx->tap;
	size_t len;

	if (q->backend.ring)
		return tap->next < tap->nr_pkt || vd_tap_rx_refill(q, tap) ?
		       vd_backend_pkt_len(tap->pkt[tap->next]) : 0;
	len = q->backend.ops->peek_len(&q->backend);
	if (len)
		vd_poll_stop(&q->socket_poll);
	return len;
}

/* Number of chains to fetch for a packet that needs @len bytes more room. */
static unsigned int vd_rx_want(const struct vd_queue *q, size_t len)
{
	const struct vd_batch *batch = q->batch;
	const struct vd_rx *rx = q->rx;
	size_t last;

	/* Assume that each consumed packet fits into one chain. */
	if (batch->nr == rx->taken)
		return max(rx->tap.nr_pkt - rx->tap.next, 1U);
	last = batch->chain[batch->nr - 1].in_len;
	return min_t(size_t, DIV_ROUND_UP(len, last), VD_BATCH);
}

/* Empty the batch; rewind the chains that hold no packet. */
static void vd_rx_rewind(struct vd_queue *q)
{
	unsigned int nr = q->batch->nr - q->rx->taken;

	if (nr)
		vd_ring_rewind(&q->ring, q->batch, nr);
	vd_batch_reset(q->batch);
	q->rx->taken = 0;
}

/*
 * Fetch more chains, for a packet that needs @len bytes more room. Returns as
 * vd_ring_fetch(); -ENOSPC if the batch cannot hold the chains of one packet.
 * @moved is set if the chains not taken were rewound and fetched again.
 */
static int vd_rx_refill(struct vd_queue *q, size_t len, bool *moved)
{
	unsigned int want = vd_rx_want(q, len);
	int nr;

	/* Reuse the front of the batch, which is warm in the cache. */
	if (q->batch->nr == q->rx->taken)
		vd_rx_rewind(q);
	nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, want);
	/* IOTLB miss: report the misses of the following chains as well. */
	if (nr == -EAGAIN && want < VD_BATCH)
		nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, VD_BATCH);
	*moved = nr == -ENOSPC && q->rx->taken;
	if (*moved) {
		/* Drop the completed chains from the batch. */
		vd_rx_rewind(q);
		nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, want);
	}
	return nr;
}

/* 5.1.6.3: a receive buffer must be device-writable, and not empty. */
static bool vd_rx_is_valid(const struct vd_chain *chain)
{
	return !chain->nr_out && chain->nr_in;
}

/*
 * Find @nr chains after the taken ones, with room for @need bytes. Returns VD_DONE;
 * VD_WAIT for more chains; VD_OVERSIZE if no chains can hold them; VD_RING_ERROR.
 */
static enum vd_verdict vd_rx_reserve(struct vd_queue *q, size_t need,
				     unsigned int *nr)
{
	const struct vd_batch *batch = q->batch;
	size_t room = 0;
	bool moved;
	int ret;

	*nr = 0;
	for (;;) {
		while (q->rx->taken + *nr < batch->nr) {
			const struct vd_chain *chain =
				&batch->chain[q->rx->taken + *nr];

			if (!vd_rx_is_valid(chain))
				return vd_queue_ring_error(q, -EPROTO);
			++*nr;
			room += chain->in_len;
			if (room >= need)
				return VD_DONE;
			if (!q->vnet.mergeable)
				return VD_OVERSIZE;
		}
		ret = vd_rx_refill(q, need - room, &moved);
		if (moved) {
			*nr = 0;
			room = 0;
		}
		if (ret == -ENOSPC)
			return VD_OVERSIZE;
		if (ret <= 0)
			return ret ? vd_queue_ring_error(q, ret) : VD_WAIT;
	}
}

/* Write a packet into reserved chains; on error but -EINTR the packet is lost. */
static int vd_rx_write(struct vd_queue *q, unsigned int nr, size_t need)
{
	const struct vd_chain *chain = &q->batch->chain[q->rx->taken];
	const struct vd_chain *last = chain + nr - 1;
	const struct iovec *seg = &q->batch->seg[chain->first_seg];
	unsigned int nr_seg = last->first_seg + last->nr_in - chain->first_seg;
	int err;

	/* A page fault could fail while the signal is pending. */
	if (signal_pending(current))
		return -EINTR;
	err = vd_tap_rx_recv(q, &q->rx->tap, seg, nr_seg, need);
	if (!err && q->vnet.len > VD_VNET_BASE_LEN)
		err = vd_vnet_set_num_buffers(seg, nr_seg, nr);
	return err;
}

/* Complete the @nr chains that hold a packet of @len bytes, header included. */
static enum vd_verdict vd_rx_complete(struct vd_queue *q, unsigned int nr,
				      size_t len)
{
	const struct vd_chain *chain = &q->batch->chain[q->rx->taken];
	int err = 0;

	if (q->log_all)
		vd_queue_log(q, chain->first_seg, len);
	q->rx->taken += nr;
	for (; nr && !err; nr--, chain++) {
		u32 part = min_t(size_t, chain->in_len, len);

		err = vd_ring_complete(&q->ring, chain, part);
		len -= part;
	}
	return err ? vd_queue_ring_error(q, err) : VD_DONE;
}

/* Deliver the next packet, for which @nr chains are reserved, by the socket. */
static enum vd_verdict vd_rx_socket(struct vd_queue *q, unsigned int nr,
				    size_t len)
{
	size_t need = q->vnet.len + len;
	int err = vd_rx_write(q, nr, need);

	if (err == -EINTR)
		return VD_INTERRUPTED;
	if (err) {
		vd_queue_count_drop(q, err == -EFAULT ? VD_DROP_FAULT :
							VD_DROP_SOCKET, len);
		return VD_DONE;
	}
	q->stats.done++;
	q->stats.bytes += len;
	return vd_rx_complete(q, nr, need);
}

/*
 * Deliver plain packets, each into one chain, as far as chains are fetched; *@nr is
 * their number. At 0 the socket must deliver the next packet.
 */
static enum vd_verdict vd_rx_plain(struct vd_queue *q, unsigned int *nr,
				   struct vd_budget *budget)
{
	struct vd_rx *rx = q->rx;
	const struct vd_chain *chain = &q->batch->chain[rx->taken];
	unsigned int max = min3(q->batch->nr - rx->taken,
				VD_BATCH - vd_ring_nr_completed(&q->ring),
				VD_RUN_PACKETS - budget->packets);

	*nr = vd_plain_deliver(q, &rx->tap, chain, rx->plain, max);
	rx->taken += *nr;
	return vd_plain_complete(q, chain, rx->plain, *nr, budget);
}

/* Deliver the next packet, of @len bytes. It stays the next unless VD_DONE. */
static enum vd_verdict vd_rx_packet(struct vd_queue *q, size_t len,
				    struct vd_budget *budget)
{
	enum vd_verdict verdict;
	unsigned int nr, nr_plain;

	verdict = vd_rx_reserve(q, q->vnet.len + len, &nr);
	if (verdict == VD_DONE && nr == 1) {
		verdict = vd_rx_plain(q, &nr_plain, budget);
		if (nr_plain)
			return verdict;
	}
	budget->packets++;
	budget->bytes += len;
	if (verdict == VD_DONE)
		return vd_rx_socket(q, nr, len);
	if (verdict != VD_OVERSIZE)
		return verdict;
	vd_backend_discard(&q->backend, vd_tap_rx_next(&q->rx->tap));
	vd_queue_count_drop(q, VD_DROP_OVERSIZE, len);
	return VD_DONE;
}

/* The guest has no buffers for the next packet: wait for its kick. */
static enum vd_next vd_rx_starve(struct vd_queue *q)
{
	enum vd_next next;

	vd_poll_stop(&q->socket_poll);
	vd_rx_rewind(q);
	next = vd_queue_publish(q);
	/* A run that must yield arms too: the next one would find no more. */
	if (next != VD_STOP && vd_queue_arm(q) == VD_STOP)
		next = VD_STOP;
	if (next == VD_STOP)
		vd_queue_count_back_pressure(q, -ENOBUFS);
	return next;
}

/* The backend has no packet: poll the socket, then check again. */
static enum vd_next vd_rx_idle(struct vd_queue *q)
{
	enum vd_next next = vd_queue_publish(q);

	if (next != VD_GO_ON)
		return next;
	if (q->socket_poll.is_on)
		return VD_STOP;
	if (q->busyloop) {
		next = vd_busy_poll_socket(q, vd_rx_peek);
		if (next != VD_STOP)
			return next;
	}
	return vd_poll_start(&q->socket_poll) ? VD_GO_ON : VD_STOP;
}

static enum vd_next vd_rx_step(struct vd_queue *q, struct vd_budget *budget)
{
	size_t len = vd_rx_peek(q);
	enum vd_verdict verdict;

	if (!len)
		return vd_rx_idle(q);
	verdict = vd_rx_packet(q, len, budget);
	if (verdict == VD_INTERRUPTED)
		return VD_YIELD;
	if (verdict == VD_WAIT)
		return vd_rx_starve(q);
	if (verdict != VD_DONE) {
		vd_rx_rewind(q);
		vd_queue_publish(q);
		return vd_queue_fail(q, q->ring_err);
	}
	if (vd_ring_nr_completed(&q->ring) >= VD_BATCH ||
	    q->batch->nr_empty >= VD_RUN_EMPTY)
		return vd_queue_publish(q);
	return VD_GO_ON;
}

static void vd_rx_run(struct vd_work *work)
{
	struct vd_queue *q = container_of(work, struct vd_queue, work);
	enum vd_next next;

	if (!vd_queue_enter(q))
		return;
	vd_tap_rx_begin(q, &q->rx->tap);
	if (q->busyloop)
		vd_poll_stop(&q->socket_poll);
	next = vd_queue_loop(q, vd_rx_step);
	vd_rx_rewind(q);
	vd_tap_rx_end(q, &q->rx->tap);
	q->stats.held = q->rx->tap.nr_pkt - q->rx->tap.next;
	if (next == VD_YIELD && vd_queue_publish(q) == VD_STOP)
		next = VD_STOP;
	vd_queue_leave(q, next);
}

static int vd_rx_alloc(struct vd_queue *q)
{
	q->rx = kvzalloc(sizeof(*q->rx), GFP_KERNEL_ACCOUNT);
	if (!q->rx)
		return -ENOMEM;
	vd_tap_rx_init(&q->rx->tap);
	return 0;
}

static void vd_rx_reset(struct vd_queue *q)
{
	vd_tap_rx_reset(q, &q->rx->tap);
	q->stats.held = 0;
}

static void vd_rx_free(struct vd_queue *q)
{
	kvfree(q->rx);
	q->rx = NULL;
}

const struct vd_queue_ops vd_rx_ops = {
	.name		= "rx",
	.ready		= EPOLLIN,
	.nr_chains	= VD_MAX_SEGS,	/* limit of one packet */
	.run		= vd_rx_run,
	.alloc		= vd_rx_alloc,
	.reset		= vd_rx_reset,
	.free		= vd_rx_free,
};
