// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plain frames that go from a batch into the stack without the tap's sendmsg().
 *
 * sendmsg() allocates each packet separately, dissects its flow to find the
 * transport header, and passes it to the stack. Drivers of network cards allocate
 * packets in bulk, and GRO finds the header without a dissector. Plain frames of a
 * tap can be treated alike: frames without segmentation, to a tap that is up, has one
 * queue, and uses neither NAPI nor an XDP program. A batch with a frame that is not
 * plain goes through the socket.
 *
 * No interface exposes the device behind a tap's file. The index in the backend is
 * a hint (backend_tap.c), and frames must not enter a wrong device. The proof is the
 * device's counter of received frames, one per processor, which only sendmsg() of
 * its own sockets changes. If a batch raises it by exactly the number of frames,
 * while no other task can run on this processor, the socket is that device's. The
 * socket of a tap with one queue stays with its device until the device is
 * unregistered, which clears vd_tapdev.dev. It is not looked up again.
 */
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/xdp.h>

#include "compat.h"
#include "net/queue.h"
#include "net/tap_tx.h"

bool vd_tx_direct = true;

/**
 * vd_tap_tx_init() - initialise the state of a handler without a backend
 * @tap: zeroed memory
 */
void vd_tap_tx_init(struct vd_tap_tx *tap)
{
	vd_tapdev_init(&tap->dev);
}

/**
 * vd_tap_tx_reset() - forget the backend's device
 * @tap: the state, between runs
 */
void vd_tap_tx_reset(struct vd_tap_tx *tap)
{
	vd_tapdev_forget(&tap->dev);
	tap->proven = NULL;
	tap->is_searched = false;
}

/**
 * vd_tap_tx_begin() - look up the backend's device, once
 * @q: the TX queue, entered
 * @tap: its state
 *
 * Context: process context, queue mutex held.
 */
void vd_tap_tx_begin(const struct vd_queue *q, struct vd_tap_tx *tap)
{
	lockdep_assert_held(&q->lock);
	if (tap->is_searched || !q->backend.is_tun)
		return;
	tap->is_searched = true;
	/* Other tasks can count on a processor where bottom halves are disabled. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return;
	vd_tapdev_learn_index(&tap->dev, sock_net(q->backend.sock->sk),
			      q->backend.ifindex);
}

/* Frames that the device has counted on this processor. */
static u64 vd_tap_tx_counted(const struct net_device *dev)
{
	return u64_stats_read(&this_cpu_ptr(dev->tstats)->rx_packets);
}

/*
 * With several queues the tap records the queue of each flow; with NAPI it queues
 * the frames. Neither setting changes while the socket belongs to the device.
 */
static bool vd_tap_tx_suits(const struct net_device *dev)
{
	return dev->num_tx_queues == 1 && list_empty(&dev->napi_list);
}

/**
 * vd_tap_tx_by_socket() - send a batch by the socket's sendmsg()
 * @q: the TX queue, entered
 * @tap: its state; its device is proven here
 * @buff: the frames
 * @nr: their number, at least 1
 *
 * Context: process context.
 * Return: as vd_backend_send_xdp().
 */
int vd_tap_tx_by_socket(struct vd_queue *q, struct vd_tap_tx *tap,
			struct xdp_buff *buff, unsigned int nr)
{
	struct net_device *dev;
	u64 counted;
	int err;

	lockdep_assert_held(&q->lock);
	if (tap->proven || !vd_tapdev_is_known(&tap->dev))
		return vd_backend_send_xdp(&q->backend, buff, nr);
	/* No other task may run here: it could send frames to the device. */
	local_bh_disable();
	dev = rcu_dereference_bh(tap->dev.dev);
	counted = dev ? vd_tap_tx_counted(dev) : 0;
	err = vd_backend_send_xdp(&q->backend, buff, nr);
	if (dev && vd_tap_tx_suits(dev) && vd_tap_tx_counted(dev) - counted == nr)
		tap->proven = dev;
	local_bh_enable();
	return err;
}

static bool vd_tap_tx_is_l4(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Offset of the TCP or UDP header; 0 if there is none, or it takes a dissector. */
static unsigned int vd_tap_tx_l4_of_ip(const struct sk_buff *skb)
{
	const struct iphdr *ip = (const struct iphdr *)skb->data;

	return skb_headlen(skb) >= sizeof(*ip) && ip->version == 4 &&
	       ip->ihl >= 5 && skb_headlen(skb) >= ip->ihl * 4 &&
	       vd_tap_tx_is_l4(ip->protocol) ? ip->ihl * 4 : 0;
}

static unsigned int vd_tap_tx_l4_of_ipv6(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip = (const struct ipv6hdr *)skb->data;

	return skb_headlen(skb) >= sizeof(*ip) && ip->version == 6 &&
	       vd_tap_tx_is_l4(ip->nexthdr) ? sizeof(*ip) : 0;
}

/*
 * tc's filters read the transport header before an IP stack finds it. The tap sets it
 * for each frame, GRO for the packets of a network card. The dissector is costly, and
 * of no use for frames of other protocols than these.
 */
static void vd_tap_tx_set_l4(struct sk_buff *skb)
{
	unsigned int offset = 0;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		offset = vd_tap_tx_l4_of_ip(skb);
		break;
	case htons(ETH_P_IPV6):
		offset = vd_tap_tx_l4_of_ipv6(skb);
		break;
	case htons(ETH_P_8021Q):
	case htons(ETH_P_8021AD):
	case htons(ETH_P_PPP_SES):
		break;
	default:
		return;
	}
	/* It is where a checksum is requested from. */
	if (skb_transport_header_was_set(skb))
		return;
	if (offset)
		skb_set_transport_header(skb, offset);
	else
		skb_probe_transport_header(skb);
}

/* Make a packet of a frame, as the tap does; on error, free it and return NULL. */
static struct sk_buff *vd_tap_tx_skb(struct net_device *dev,
				     const struct xdp_buff *buff)
{
	const struct virtio_net_hdr *hdr = vd_compat_xdp_hdr(buff->data_hard_start);
	struct sk_buff *skb;

	skb = napi_build_skb(buff->data_hard_start, buff->frame_sz);
	if (unlikely(!skb)) {
		put_page(virt_to_head_page(buff->data_hard_start));
		return NULL;
	}
	skb_reserve(skb, buff->data - buff->data_hard_start);
	__skb_put(skb, buff->data_end - buff->data);
	if (hdr->flags && unlikely(virtio_net_hdr_to_skb(skb, hdr, true))) {
		kfree_skb(skb);
		return NULL;
	}
	skb->protocol = eth_type_trans(skb, dev);
	skb_reset_network_header(skb);
	vd_tap_tx_set_l4(skb);
	skb_record_rx_queue(skb, 0);
	return skb;
}

/* Bottom halves are disabled. */
static void vd_tap_tx_receive(struct vd_queue *q, struct net_device *dev,
			      const struct xdp_buff *buff, unsigned int nr)
{
	const struct xdp_buff *end = buff + nr;
	unsigned int packets = 0, bytes = 0;

	for (; buff < end; buff++) {
		unsigned int len = buff->data_end - buff->data;
		struct sk_buff *skb = vd_tap_tx_skb(dev, buff);

		if (unlikely(!skb)) {
			vd_queue_count_drop(q, VD_DROP_SOCKET, len);
			continue;
		}
		netif_receive_skb(skb);
		packets++;
		bytes += len;
	}
	vd_tapdev_count_rx(dev, packets, bytes);
	q->stats.done += packets;
	q->stats.bytes += bytes;
	q->stats.direct += packets;
}

/**
 * vd_tap_tx_deliver() - pass a batch of plain frames to the stack
 * @q: the TX queue, entered
 * @tap: its state
 * @buff: the frames, for which vd_tap_tx_is_plain() is true
 * @nr: their number, at least 1
 *
 * Counts them in the queue's statistics, too.
 *
 * Context: process context.
 * Return: false if nothing was done: the batch must go by the socket.
 */
bool vd_tap_tx_deliver(struct vd_queue *q, const struct vd_tap_tx *tap,
		       struct xdp_buff *buff, unsigned int nr)
{
	struct net_device *dev;
	bool ready;

	lockdep_assert_held(&q->lock);
	if (!tap->proven || !READ_ONCE(vd_tx_direct))
		return false;
	/*
	 * A read section of RCU: the device stays until its end, and no frame
	 * enters the stack after the device has been closed.
	 */
	local_bh_disable();
	dev = rcu_dereference_bh(tap->dev.dev);
	ready = dev && dev == tap->proven && netif_running(dev) &&
		!vd_backend_has_xdp_prog(&q->backend);
	if (ready)
		vd_tap_tx_receive(q, dev, buff, nr);
	local_bh_enable();
	return ready;
}
