// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of a tap: consumed from its ring in batches, and handed to recvmsg() or
 * to plain.c. The device's counters are updated and the packets freed once per
 * batch.
 */
#include <linux/if_tun.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "net/queue.h"
#include "net/tap_rx.h"

bool vd_rx_direct = true;
bool vd_rx_direct_xdp = true;

/**
 * vd_tap_rx_init() - initialise the state of a handler without a backend
 * @tap: zeroed memory
 */
void vd_tap_rx_init(struct vd_tap_rx *tap)
{
	vd_tapdev_init(&tap->dev);
}

/**
 * vd_tap_rx_reset() - drop all state of the backend
 * @q: an RX queue that still has the backend
 * @tap: its state, between runs
 *
 * Packets that were consumed but not delivered are put back into the ring.
 *
 * Context: process context, queue mutex held.
 */
void vd_tap_rx_reset(struct vd_queue *q, struct vd_tap_rx *tap)
{
	lockdep_assert_held(&q->lock);
	tap->seen_len = 0;
	tap->is_searched = false;
	vd_tapdev_forget(&tap->dev);
	if (tap->next < tap->nr_pkt)
		q->backend.ops->unconsume(&q->backend, &tap->pkt[tap->next],
					  tap->nr_pkt - tap->next);
	tap->next = 0;
	tap->nr_pkt = 0;
}

/**
 * vd_tap_rx_begin() - begin a run
 * @q: an RX queue, entered
 * @tap: its state
 *
 * This run may have consumed the wakeup that the last one relied on, so the
 * ring must be checked once.
 */
void vd_tap_rx_begin(struct vd_queue *q, struct vd_tap_rx *tap)
{
	lockdep_assert_held(&q->lock);
	tap->generation = q->socket_poll.generation - 1;
	tap->direct_skb = READ_ONCE(vd_rx_direct);
	tap->direct_xdp = READ_ONCE(vd_rx_direct_xdp);
	if (tap->is_searched || !q->backend.is_tun)
		return;
	/*
	 * Redirected frames do not name the tap's device. The first skb
	 * corrects a wrong one.
	 */
	tap->is_searched = true;
	vd_tapdev_learn_index(&tap->dev, sock_net(q->backend.sock->sk),
			      q->backend.ifindex);
}

/*
 * The socket is polled throughout a run that consumes at most this many packets
 * at a time: stopping the poll, restarting it and looking at the socket again
 * costs more than an occasional spurious wakeup.
 */
#define VD_TAP_RX_FEW	4U

/* The socket has been polled since before the last packets were consumed. */
static bool vd_tap_rx_will_be_woken(const struct vd_queue *q,
				    const struct vd_tap_rx *tap)
{
	return q->socket_poll.is_on &&
	       tap->generation == q->socket_poll.generation;
}

/**
 * vd_tap_rx_refill() - consume packets from the tap's ring
 * @q: an RX queue, entered
 * @tap: its state, with all packets delivered
 *
 * Context: process context.
 * Return: false if there is no packet.
 */
bool vd_tap_rx_refill(struct vd_queue *q, struct vd_tap_rx *tap)
{
	bool was_last = tap->nr_pkt && vd_tap_rx_will_be_woken(q, tap);

	lockdep_assert_held(&q->lock);
	tap->next = 0;
	tap->nr_pkt = 0;
	if (was_last)
		return false;
	tap->generation = q->socket_poll.generation;
	tap->nr_pkt = q->backend.ops->consume(&q->backend, tap->pkt, VD_BATCH);
	if (tap->nr_pkt > VD_TAP_RX_FEW)
		vd_poll_stop(&q->socket_poll);
	return tap->nr_pkt;
}

/**
 * vd_tap_rx_end() - count and free the delivered packets
 * @q: an RX queue, at the end of a batch or run
 * @tap: its state
 *
 * Context: process context, queue mutex held.
 */
void vd_tap_rx_end(struct vd_queue *q, struct vd_tap_rx *tap)
{
	void **pkt = tap->done, **end = pkt + tap->nr_done;

	lockdep_assert_held(&q->lock);
	if (!tap->nr_done)
		return;
	/* As in a network driver's poll, where packets are freed in bulk. */
	local_bh_disable();
	if (q->backend.is_tun)
		vd_tapdev_count(&tap->dev, tap->nr_done, tap->bytes);
	for (; pkt < end; pkt++) {
		if (tun_is_xdp_frame(*pkt)) {
			xdp_return_frame(tun_ptr_to_xdp(*pkt));
			q->stats.direct_xdp++;
		} else {
			napi_consume_skb(*pkt, VD_BATCH);
		}
	}
	local_bh_enable();
	q->stats.direct += tap->nr_done;
	tap->nr_done = 0;
	tap->bytes = 0;
}

/* Update the header length, and the device by the one that a packet named. */
static void vd_tap_rx_learn(struct vd_queue *q, struct vd_tap_rx *tap,
			    const struct net_device *source)
{
	tap->seen_len = q->vnet.sock_len;
	if (source && q->backend.is_tun)
		vd_tapdev_learn(&tap->dev, source);
}

/**
 * vd_tap_rx_recv() - write the next packet by the socket's recvmsg()
 * @q: an RX queue with a packet; its backend may have no ring
 * @tap: its state
 * @seg: segments of the packet's buffers
 * @nr_seg: number of segments, at least 1
 * @need: length of the packet and its header
 *
 * Context: on the owner's mm, may fault.
 * Return: 0, or an error of vd_backend_recv() or vd_vnet_supply(): the packet is
 * lost.
 */
int vd_tap_rx_recv(struct vd_queue *q, struct vd_tap_rx *tap,
		   const struct iovec *seg, unsigned int nr_seg, size_t need)
{
	void *pkt = vd_tap_rx_next(tap);
	const struct net_device *source = NULL;
	size_t own_len = q->vnet.own_len;
	struct iov_iter iter;
	int err;

	lockdep_assert_held(&q->lock);
	/* recvmsg() frees the packet: only the address may be used after it. */
	if (pkt && !tun_is_xdp_frame(pkt) && q->vnet.sock_len)
		source = ((struct sk_buff *)pkt)->dev;
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
		vd_tap_rx_learn(q, tap, source);
	return err;
}
