// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wire to guest.
 *
 * A run consumes packets from the backend's ring in batches, and fetches as
 * many chains for each as it needs: one, or several with mergeable buffers. The
 * socket then writes header and frame straight into the guest's buffers.
 *
 * If the guest has no buffers, the packet stays in vd_rx.pkt and only a kick
 * wakes the handler: further packets could not be delivered either. If there
 * are no packets, only the socket wakes it. A packet that can never fit, or
 * that the socket fails to deliver, is dropped; its chains stay available.
 */
#include <linux/math.h>
#include <linux/skbuff.h>

#include "net/busy.h"
#include "net/plain.h"
#include "net/queue.h"
#include "net/rx.h"
#include "net/scratch.h"

/**
 * struct vd_rx_budget - work that a run has done so far
 * @packets: number of packets, including drops and failed attempts
 * @bytes: length of these packets
 */
struct vd_rx_budget {
	unsigned int packets;
	size_t bytes;
};

/*
 * The wait for the socket stays on during a run that consumes at most this many
 * packets at a time: stopping it, restarting it and rechecking the socket costs
 * more than an occasional spurious wakeup.
 */
#define VD_RX_FEW	4U

/* The wait has been on since before the last packets were consumed. */
static bool vd_rx_will_be_woken(const struct vd_queue *q)
{
	return q->socket_wait.is_on && q->rx->starts == q->socket_wait.starts;
}

/* Consume packets from the backend's ring; returns how many. */
static unsigned int vd_rx_take(struct vd_queue *q)
{
	struct vd_rx *rx = q->rx;
	bool was_last = rx->nr && vd_rx_will_be_woken(q);

	rx->next = 0;
	rx->nr = 0;
	if (was_last)
		return 0;
	rx->starts = q->socket_wait.starts;
	rx->nr = vd_backend_consume(&q->backend, rx->pkt, VD_BATCH);
	if (rx->nr > VD_RX_FEW)
		vd_wait_stop(&q->socket_wait);
	return rx->nr;
}

/* Returns the length of the next packet, 0 if there is none. */
static size_t vd_rx_peek(struct vd_queue *q)
{
	struct vd_rx *rx = q->rx;
	size_t len;

	if (q->backend.ring)
		return rx->next < rx->nr || vd_rx_take(q) ?
		       vd_backend_pkt_len(rx->pkt[rx->next]) : 0;
	len = vd_backend_peek_len(&q->backend);
	if (len)
		vd_wait_stop(&q->socket_wait);
	return len;
}

/* Take the packet that vd_rx_peek() found; NULL for AF_PACKET. */
static void *vd_rx_next(struct vd_queue *q)
{
	struct vd_rx *rx = q->rx;

	return q->backend.ring ? rx->pkt[rx->next++] : NULL;
}

/* Number of chains to fetch for a packet that lacks @len bytes. */
static unsigned int vd_rx_want(const struct vd_queue *q, size_t len)
{
	const struct vd_batch *batch = q->batch;
	const struct vd_rx *rx = q->rx;
	size_t last;

	/* Assume that each consumed packet fits into one chain. */
	if (batch->nr == rx->taken)
		return max(rx->nr - rx->next, 1U);
	last = batch->chain[batch->nr - 1].in_len;
	return min_t(size_t, DIV_ROUND_UP(len, last), VD_BATCH);
}

/* Empty the batch; rewind the chains that hold no packet. */
static void vd_rx_give_back(struct vd_queue *q)
{
	unsigned int nr = q->batch->nr - q->rx->taken;

	if (nr)
		vd_ring_rewind(&q->ring, q->batch, nr);
	vd_batch_reset(q->batch);
	q->rx->taken = 0;
}

/*
 * Fetch more chains into the batch, for a packet that lacks @len bytes.
 * Returns their number; 0 if the guest has no more; -ENOSPC if the batch cannot
 * hold the chains of one packet; or the error of a broken ring. If @moved is
 * set, chains that were not taken yet have moved in the batch.
 */
static int vd_rx_refill(struct vd_queue *q, size_t len, bool *moved)
{
	unsigned int want = vd_rx_want(q, len);
	int nr;

	/* Reuse the front of the batch, which is warm in the cache. */
	if (q->batch->nr == q->rx->taken)
		vd_rx_give_back(q);
	nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, want);
	/* IOTLB miss: report the misses of the following chains as well. */
	if (nr == -EAGAIN && want < VD_BATCH)
		nr = vd_ring_fetch(&q->ring, &q->mem, q->batch, VD_BATCH);
	*moved = false;
	if (nr == -ENOSPC && q->rx->taken) {
		/* Drop the completed chains from the batch. */
		vd_rx_give_back(q);
		*moved = true;
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
 * Find chains with room for @need bytes, behind the taken ones. Returns their
 * number; 0 if the guest must add more; -EMSGSIZE if they can never hold the
 * packet; or the error of a broken ring.
 */
static int vd_rx_reserve(struct vd_queue *q, size_t need)
{
	const struct vd_batch *batch = q->batch;
	unsigned int nr = 0;
	size_t room = 0;
	bool moved;
	int ret;

	for (;;) {
		while (q->rx->taken + nr < batch->nr) {
			const struct vd_chain *chain =
				&batch->chain[q->rx->taken + nr];

			if (!vd_rx_is_valid(chain))
				return -EPROTO;
			nr++;
			room += chain->in_len;
			if (room >= need)
				return nr;
			if (!q->vnet.mergeable)
				return -EMSGSIZE;
		}
		ret = vd_rx_refill(q, need - room, &moved);
		if (moved) {
			nr = 0;
			room = 0;
		}
		if (ret <= 0)
			return ret == -ENOSPC ? -EMSGSIZE : ret;
	}
}

/* Write a packet by the socket's recvmsg(); on error the packet is lost. */
static noinline int vd_rx_recv(struct vd_queue *q, const struct iovec *seg,
			       unsigned int nr_seg, size_t need)
{
	size_t own_len = q->vnet.own_len;
	void *pkt = vd_rx_next(q);
	const struct net_device *source = vd_plain_source(q, pkt);
	struct iov_iter iter;
	int err;

	if (nr_seg == 1)
		iov_iter_ubuf(&iter, ITER_DEST, seg->iov_base, need);
	else
		iov_iter_init(&iter, ITER_DEST, seg, nr_seg, need);
	iov_iter_advance(&iter, own_len);
	q->stats.recvmsg++;
	err = vd_backend_recv(&q->backend, pkt, &iter, need - own_len);
	if (!err && own_len)
		err = vd_vnet_supply(&q->vnet, seg, nr_seg);
	if (!err)
		vd_plain_learn(q, source);
	return err;
}

/* Write a packet into reserved chains; on error the packet is lost. */
static int vd_rx_write(struct vd_queue *q, unsigned int nr, size_t need)
{
	const struct vd_chain *chain = &q->batch->chain[q->rx->taken];
	const struct vd_chain *last = chain + nr - 1;
	const struct iovec *seg = &q->batch->seg[chain->first_seg];
	unsigned int nr_seg = last->first_seg + last->nr_in - chain->first_seg;
	int err;

	if (nr_seg == 1 && vd_plain_deliver(q, seg))
		return 0;
	err = vd_rx_recv(q, seg, nr_seg, need);
	if (!err && vd_vnet_len(&q->vnet) > VD_VNET_BASE_LEN)
		err = vd_vnet_set_num_buffers(seg, nr_seg, nr);
	return err;
}

/* Log the first @len bytes of the segments that hold a packet. */
static void vd_rx_log(struct vd_queue *q, size_t len)
{
	const struct vd_batch *batch = q->batch;
	unsigned int at = batch->chain[q->rx->taken].first_seg;

	for (; len; at++) {
		size_t part = min(len, batch->seg[at].iov_len);

		vd_queue_log(q, at, part);
		len -= part;
	}
}

/* Complete the chains that hold a packet of @len bytes. */
static int vd_rx_complete(struct vd_queue *q, unsigned int nr, size_t len)
{
	const struct vd_chain *chain = &q->batch->chain[q->rx->taken];
	int err = 0;

	q->rx->taken += nr;
	for (; nr && !err; nr--, chain++) {
		u32 part = min_t(size_t, chain->in_len, len);

		err = vd_ring_complete(&q->ring, chain, part);
		len -= part;
	}
	return err;
}

/*
 * Deliver the next packet, which has @len bytes. Returns 0 if it is delivered
 * or dropped; -ENOBUFS if it must wait for the guest; -EAGAIN if it must wait
 * for an IOTLB update; any other error if the ring is broken.
 */
static int vd_rx_packet(struct vd_queue *q, size_t len)
{
	size_t need = vd_vnet_len(&q->vnet) + len;
	int nr = vd_rx_reserve(q, need), err;

	if (nr == -EMSGSIZE) {
		vd_backend_discard(&q->backend, vd_rx_next(q));
		vd_queue_count_drop(q, VD_DROP_OVERSIZE, len);
		return 0;
	}
	if (nr <= 0)
		return nr ?: -ENOBUFS;
	err = vd_rx_write(q, nr, need);
	if (err) {
		vd_queue_count_drop(q, err == -EFAULT ? VD_DROP_FAULT :
							VD_DROP_SOCKET, len);
		return 0;
	}
	if (q->log_all)
		vd_rx_log(q, need);
	q->stats.done++;
	q->stats.bytes += len;
	return vd_rx_complete(q, nr, need);
}

/* The guest has no buffers for the next packet: wait for its kick. */
static enum vd_next vd_rx_starve(struct vd_queue *q)
{
	enum vd_next next;

	vd_wait_stop(&q->socket_wait);
	vd_rx_give_back(q);
	next = vd_queue_publish(q);
	if (next == VD_GO_ON)
		next = vd_queue_arm(q);
	if (next == VD_STOP)
		vd_queue_count_back_pressure(q, -ENOBUFS);
	return next;
}

static bool vd_rx_has_packet(struct vd_queue *q)
{
	return vd_rx_peek(q);
}

/* The backend has no packet: arm the socket wait, then check again. */
static enum vd_next vd_rx_idle(struct vd_queue *q)
{
	enum vd_next next = vd_queue_publish(q);

	if (next != VD_GO_ON)
		return next;
	if (q->socket_wait.is_on)
		return VD_STOP;
	if (q->busyloop) {
		next = vd_busy_poll_socket(q, vd_rx_has_packet);
		if (next != VD_STOP)
			return next;
	}
	return vd_wait_start(&q->socket_wait) ? VD_GO_ON : VD_STOP;
}

static enum vd_next vd_rx_step(struct vd_queue *q, struct vd_rx_budget *budget)
{
	size_t len = vd_rx_peek(q);
	int err;

	if (!len)
		return vd_rx_idle(q);
	err = vd_rx_packet(q, len);
	/* Bound the run even if the guest's index moves back. */
	budget->packets++;
	if (err == -ENOBUFS)
		return vd_rx_starve(q);
	if (err) {
		vd_rx_give_back(q);
		vd_queue_publish(q);
		return vd_queue_fail(q, err);
	}
	budget->bytes += len;
	if (vd_ring_nr_completed(&q->ring) >= VD_BATCH)
		return vd_queue_publish(q);
	return VD_GO_ON;
}

/**
 * vd_rx_run() - handler of the RX queue
 * @work: the queue's job
 *
 * Context: worker, on the owner's mm.
 */
void vd_rx_run(struct vd_work *work)
{
	struct vd_queue *q = container_of(work, struct vd_queue, work);
	struct vd_rx_budget budget = {};
	enum vd_next next = VD_GO_ON;

	if (!vd_queue_enter(q))
		return;
	/* This run may have consumed the last run's wakeup: recheck the tap. */
	q->rx->starts = q->socket_wait.starts - 1;
	if (q->busyloop)
		vd_wait_stop(&q->socket_wait);
	while (next == VD_GO_ON) {
		if (budget.packets >= VD_RUN_PACKETS ||
		    budget.bytes >= VD_RUN_BYTES)
			next = VD_YIELD;
		else
			next = vd_rx_step(q, &budget);
	}
	vd_rx_give_back(q);
	vd_plain_end(q);
	q->stats.held = q->rx->nr - q->rx->next;
	if (next == VD_YIELD && vd_queue_publish(q) == VD_STOP)
		next = VD_STOP;
	vd_queue_leave(q, next);
}
