// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of a tap: consumed from its ring in batches, and delivered without the
 * socket's recvmsg() where possible.
 *
 * A tap's recvmsg() costs a reference to the device, an iterator, two checked
 * copies and counter updates per packet. Most packets are plain: linear, no
 * GSO, no VLAN tag beside the data. The header of a plain packet follows from
 * its skb, so header and frame are written in one user access window. A frame
 * that an XDP program has redirected to the tap has no metadata, so its header is
 * zero. The device's counters are updated and the packets freed once per batch.
 *
 * The header must have the length that the socket uses. That is known only
 * after recvmsg() has delivered a packet, so the first packet must go through
 * recvmsg(). So must each packet that is not plain or that faults in the copy:
 * the socket decides what happens to it.
 */
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "guest/access.h"
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
 * struct vd_plain - a packet that can be written without recvmsg()
 * @data: the frame
 * @len: its length
 * @count: bytes that the tap's recvmsg() adds to the device's counter
 * @mrg: its header
 */
struct vd_plain {
	const void *data;
	unsigned int len;
	unsigned int count;
	struct virtio_net_hdr_mrg_rxbuf mrg;
};

static bool vd_tap_rx_plain_skb(const struct vd_queue *q,
				const struct vd_tap_rx *tap,
				const struct sk_buff *skb, struct vd_plain *plain)
{
	if (!tap->direct_skb || skb_is_nonlinear(skb) || skb_is_gso(skb) ||
	    skb_vlan_tag_present(skb) ||
	    (q->backend.is_tun && !vd_tapdev_is(&tap->dev, skb->dev)))
		return false;
	plain->data = skb->data;
	plain->len = skb->len;
	plain->count = skb->len;
	/* Cannot fail: the packet is not GSO. */
	virtio_net_hdr_from_skb(skb, &plain->mrg.hdr, true, true, 0);
	return true;
}

/* A redirected frame does not name the tap's device: it must be known. */
static bool vd_tap_rx_plain_xdp(const struct vd_queue *q,
				const struct vd_tap_rx *tap,
				struct xdp_frame *frame,
				struct vd_plain *plain)
{
	if (!tap->direct_xdp || xdp_frame_has_frags(frame) ||
	    !vd_tapdev_is_known(&tap->dev))
		return false;
	plain->data = frame->data;
	plain->len = frame->len;
	/* recvmsg() counts the header of redirected frames only. */
	plain->count = frame->len + q->vnet.sock_len;
	memset(&plain->mrg.hdr, 0, sizeof(plain->mrg.hdr));
	return true;
}

static bool vd_tap_rx_is_plain(const struct vd_queue *q,
			       const struct vd_tap_rx *tap, void *pkt,
			       struct vd_plain *plain)
{
	if (tun_is_xdp_frame(pkt))
		return vd_tap_rx_plain_xdp(q, tap, tun_ptr_to_xdp(pkt), plain);
	return vd_tap_rx_plain_skb(q, tap, pkt, plain);
}

/* One user access window covers the header and, if it is small, the frame. */
static int vd_tap_rx_write(const struct vd_queue *q, char __user *to,
			   struct vd_plain *plain)
{
	size_t hdr_len = q->vnet.sock_len;
	const void *hdr = &plain->mrg;

	plain->mrg.num_buffers = (__force __virtio16)cpu_to_le16(1);
	if (!user_write_access_begin(to, hdr_len + plain->len))
		return -EFAULT;
	if (likely(hdr_len >= sizeof(plain->mrg)))
		unsafe_copy_to_user(to, hdr, sizeof(plain->mrg), fault);
	else
		unsafe_copy_to_user(to, hdr, sizeof(plain->mrg.hdr), fault);
	/* A plain packet has no tunnel offsets and no hash. */
	if (vd_vnet_has_tunnel(&q->vnet)) {
		unsafe_put_user(0, (u64 __user *)(to + sizeof(plain->mrg)), fault);
		unsafe_put_user(0, (u32 __user *)(to + sizeof(plain->mrg)) + 2, fault);
	}
	to += hdr_len;
	if (plain->len <= VD_ACCESS_SMALL)
		unsafe_copy_to_user(to, plain->data, plain->len, fault);
	user_write_access_end();
	return plain->len > VD_ACCESS_SMALL &&
	       copy_to_user(to, plain->data, plain->len) ? -EFAULT : 0;

fault:
	user_write_access_end();
	return -EFAULT;
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
	unsigned int i;

	lockdep_assert_held(&q->lock);
	if (!tap->nr_done)
		return;
	/* As in a network driver's poll, where packets are freed in bulk. */
	local_bh_disable();
	if (q->backend.is_tun)
		vd_tapdev_count(&tap->dev, tap->nr_done, tap->bytes);
	for (i = 0; i < tap->nr_done; i++) {
		if (tun_is_xdp_frame(tap->done[i])) {
			xdp_return_frame(tun_ptr_to_xdp(tap->done[i]));
			q->stats.direct_xdp++;
		} else {
			napi_consume_skb(tap->done[i], VD_BATCH);
		}
	}
	local_bh_enable();
	q->stats.direct += tap->nr_done;
	tap->nr_done = 0;
	tap->bytes = 0;
}

/**
 * vd_tap_rx_deliver() - write the next packet and its header, if it is plain
 * @q: an RX queue with a packet
 * @tap: its state
 * @seg: segment that must have room for header and frame
 *
 * Context: on the owner's mm, may fault.
 * Return: true if the packet was delivered; false if it is still the next
 * packet and must go through vd_backend_recv().
 */
bool vd_tap_rx_deliver(struct vd_queue *q, struct vd_tap_rx *tap,
		       const struct iovec *seg)
{
	size_t hdr_len = q->vnet.sock_len;
	struct vd_plain plain;
	void *pkt;

	lockdep_assert_held(&q->lock);
	if (!tap->seen_len || tap->seen_len != hdr_len)
		return false;
	pkt = tap->pkt[tap->next];
	if (!vd_tap_rx_is_plain(q, tap, pkt, &plain) ||
	    vd_tap_rx_write(q, seg->iov_base, &plain))
		return false;
	tap->next++;
	tap->done[tap->nr_done++] = pkt;
	tap->bytes += plain.count;
	if (tap->nr_done == VD_BATCH)
		vd_tap_rx_end(q, tap);
	return true;
}

/**
 * vd_tap_rx_source() - read a packet's device before recvmsg() frees it
 * @q: an RX queue
 * @pkt: a packet from the ring of @q's backend, or NULL
 *
 * Return: the argument for vd_tap_rx_learn(), which must not be dereferenced;
 * NULL if the packet has no device.
 */
const struct net_device *vd_tap_rx_source(const struct vd_queue *q, void *pkt)
{
	return pkt && !tun_is_xdp_frame(pkt) && q->vnet.sock_len ?
	       ((struct sk_buff *)pkt)->dev : NULL;
}

/* Update header length and device after vd_backend_recv(). */
void vd_tap_rx_learn(struct vd_queue *q, struct vd_tap_rx *tap,
		     const struct net_device *source)
{
	/* Without a ring there are no packets to deliver here. */
	if (!q->backend.ring)
		return;
	tap->seen_len = q->vnet.sock_len;
	if (source && q->backend.is_tun)
		vd_tapdev_learn(&tap->dev, source);
}
