// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of received frames without the socket's recvmsg().
 *
 * A tap's recvmsg() costs a reference to the device, an iterator, two checked
 * copies and counter updates per packet. Most packets are plain: linear, no
 * GSO, no VLAN tag beside the data. The header of a plain packet follows from
 * its skb, so header and frame are written in one user access window. The
 * device's counters are updated and the packets freed once per batch.
 *
 * The socket must use the same header length. That is known only after its
 * recvmsg() has delivered a packet, so the first packet must go through
 * recvmsg(). So must each packet that is not plain or that faults in the copy:
 * the socket decides what happens to it.
 */
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>

#include "guest/access.h"
#include "net/plain.h"
#include "net/queue.h"
#include "net/scratch.h"

static bool vd_plain_is(const struct vd_queue *q, void *pkt)
{
	const struct vd_rx *rx = q->rx;
	const struct sk_buff *skb = pkt;

	return !tun_is_xdp_frame(pkt) && !skb_is_nonlinear(skb) &&
	       !skb_is_gso(skb) && !skb_vlan_tag_present(skb) &&
	       (!q->backend.is_tun || vd_tapdev_is(&rx->tapdev, skb->dev));
}

/* One user access window covers the header and, if it is small, the frame. */
static int vd_plain_write(const struct vd_queue *q, char __user *to,
			  const struct sk_buff *skb)
{
	size_t hdr_len = q->vnet.sock_len;
	struct virtio_net_hdr_mrg_rxbuf mrg;
	const void *hdr = &mrg;

	/* Cannot fail: the packet is not GSO. */
	virtio_net_hdr_from_skb(skb, &mrg.hdr, true, true, 0);
	mrg.num_buffers = (__force __virtio16)cpu_to_le16(1);
	if (!user_write_access_begin(to, hdr_len + skb->len))
		return -EFAULT;
	if (likely(hdr_len >= sizeof(mrg)))
		unsafe_copy_to_user(to, hdr, sizeof(mrg), fault);
	else
		unsafe_copy_to_user(to, hdr, sizeof(mrg.hdr), fault);
	/* A plain packet has no tunnel offsets and no hash. */
	if (vd_vnet_has_tunnel(&q->vnet)) {
		unsafe_put_user(0, (u64 __user *)(to + sizeof(mrg)), fault);
		unsafe_put_user(0, (u32 __user *)(to + sizeof(mrg)) + 2, fault);
	}
	to += hdr_len;
	if (skb->len <= VD_ACCESS_SMALL)
		unsafe_copy_to_user(to, skb->data, skb->len, fault);
	user_write_access_end();
	return skb->len > VD_ACCESS_SMALL &&
	       copy_to_user(to, skb->data, skb->len) ? -EFAULT : 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/**
 * vd_plain_end() - count and free the delivered packets
 * @q: an RX queue, at the end of a batch or run
 *
 * Context: process context.
 */
void vd_plain_end(struct vd_queue *q)
{
	struct vd_rx *rx = q->rx;
	unsigned int i;

	if (!rx->nr_plain)
		return;
	/* As in a network driver's poll, where packets are freed in bulk. */
	local_bh_disable();
	if (q->backend.is_tun)
		vd_tapdev_count(&rx->tapdev, rx->nr_plain, rx->plain_bytes);
	for (i = 0; i < rx->nr_plain; i++)
		napi_consume_skb(rx->plain[i], VD_BATCH);
	local_bh_enable();
	q->stats.direct += rx->nr_plain;
	rx->nr_plain = 0;
	rx->plain_bytes = 0;
}

/**
 * vd_plain_deliver() - write the next packet and its header, if it is plain
 * @q: an RX queue with a packet
 * @seg: segment that must have room for header and frame
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: true if the packet was delivered; false if it is still the next
 * packet and must go through vd_backend_recv().
 */
bool vd_plain_deliver(struct vd_queue *q, const struct iovec *seg)
{
	size_t hdr_len = q->vnet.sock_len;
	struct vd_rx *rx = q->rx;
	struct sk_buff *skb;

	if (!rx->seen_len || rx->seen_len != hdr_len)
		return false;
	skb = rx->pkt[rx->next];
	if (!vd_plain_is(q, skb) || vd_plain_write(q, seg->iov_base, skb))
		return false;
	rx->next++;
	rx->plain[rx->nr_plain++] = skb;
	rx->plain_bytes += skb->len;
	if (rx->nr_plain == VD_BATCH)
		vd_plain_end(q);
	return true;
}

/**
 * vd_plain_source() - read a packet's device before recvmsg() frees it
 * @q: an RX queue
 * @pkt: a packet from the ring of @q's backend, or NULL
 *
 * Return: the argument for vd_plain_learn(), which must not be dereferenced;
 * NULL if the packet has no device.
 */
const struct net_device *vd_plain_source(const struct vd_queue *q, void *pkt)
{
	return pkt && !tun_is_xdp_frame(pkt) && q->vnet.sock_len ?
	       ((struct sk_buff *)pkt)->dev : NULL;
}

/**
 * vd_plain_learn() - update @q's header length and device after recvmsg()
 * @q: an RX queue
 * @source: vd_plain_source() of the packet, read before vd_backend_recv()
 *
 * Context: process context.
 */
void vd_plain_learn(struct vd_queue *q, const struct net_device *source)
{
	struct vd_rx *rx = q->rx;

	if (!source)
		return;
	rx->seen_len = q->vnet.sock_len;
	if (q->backend.is_tun)
		vd_tapdev_learn(&rx->tapdev, source);
}
