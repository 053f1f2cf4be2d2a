// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of a tap that are delivered without the socket's recvmsg().
 *
 * A tap's recvmsg() costs a reference to the device, an iterator, two checked
 * copies and counter updates per packet. Most packets are plain: linear, no
 * GSO, no VLAN tag beside the data. The header of a plain packet follows from
 * its skb, so headers and frames of a batch are written in one user-access window:
 * opening one makes the processor wait for all loads before it. A frame that an XDP
 * program has redirected to the tap has no metadata, so its header is zero.
 *
 * The header must have the length that the socket uses. That is known only
 * after recvmsg() has delivered a packet, so the first packet must go through
 * recvmsg(). A packet that is not plain, or that faults when copied, must also go
 * through recvmsg(): the socket decides what happens to it.
 */
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/xdp.h>

#include "guest/access.h"
#include "net/plain.h"
#include "net/queue.h"
#include "net/tap_rx.h"

/* A series of frames ends with the one that makes it this long. */
#define VD_PLAIN_BYTES	SZ_64K

static bool vd_plain_from_skb(const struct vd_queue *q,
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
static bool vd_plain_from_xdp(const struct vd_queue *q,
			      const struct vd_tap_rx *tap,
			      struct xdp_frame *frame, struct vd_plain *plain)
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

static bool vd_plain_from(const struct vd_queue *q, const struct vd_tap_rx *tap,
			  void *pkt, struct vd_plain *plain)
{
	if (tun_is_xdp_frame(pkt))
		return vd_plain_from_xdp(q, tap, tun_ptr_to_xdp(pkt), plain);
	return vd_plain_from_skb(q, tap, pkt, plain);
}

/* Whether a packet can be written into @chain. Checks its buffer for the window. */
static bool vd_plain_prepare(const struct vd_queue *q,
			     const struct vd_tap_rx *tap, void *pkt,
			     const struct vd_chain *chain,
			     struct vd_plain *plain)
{
	size_t need;

	if (chain->nr_out || chain->nr_in != 1 ||
	    !vd_plain_from(q, tap, pkt, plain))
		return false;
	need = q->vnet.sock_len + plain->len;
	plain->to = q->batch->seg[chain->first_seg].iov_base;
	plain->mrg.num_buffers = (__force __virtio16)cpu_to_le16(1);
	return need <= chain->in_len && access_ok(plain->to, need);
}

/*
 * Write the headers of @nr packets, and the frames that are small, in one
 * user-access window. Returns how many were written before a fault.
 */
static unsigned int vd_plain_write_window(const struct vd_queue *q,
					  const struct vd_plain *plain,
					  unsigned int nr)
{
	const struct vd_plain *p = plain, *end = plain + nr;
	size_t hdr_len = q->vnet.sock_len;

	if (!user_write_access_begin(p->to, hdr_len + p->len))
		return 0;
	for (; p < end; p++) {
		const void *hdr = &p->mrg;
		char __user *to = p->to;

		if (likely(hdr_len >= sizeof(p->mrg)))
			unsafe_copy_to_user(to, hdr, sizeof(p->mrg), out);
		else
			unsafe_copy_to_user(to, hdr, sizeof(p->mrg.hdr), out);
		/* A plain packet has no tunnel offsets and no hash. */
		if (vd_vnet_has_tunnel(&q->vnet)) {
			unsafe_put_user(0, (u64 __user *)(to + sizeof(p->mrg)), out);
			unsafe_put_user(0, (u32 __user *)(to + sizeof(p->mrg)) + 2, out);
		}
		if (p->len <= VD_ACCESS_SMALL)
			unsafe_copy_to_user(to + hdr_len, p->data, p->len, out);
	}
out:
	user_write_access_end();
	return p - plain;
}

/* Write the @nr packets in @plain; returns how many were written before a fault. */
static unsigned int vd_plain_write(const struct vd_queue *q,
				   const struct vd_plain *plain,
				   unsigned int nr)
{
	unsigned int i;

	nr = vd_plain_write_window(q, plain, nr);
	for (i = 0; i < nr; i++, plain++) {
		if (plain->len > VD_ACCESS_SMALL &&
		    copy_to_user(plain->to + q->vnet.sock_len, plain->data,
				 plain->len))
			break;
	}
	return i;
}

/**
 * vd_plain_deliver() - write the next packets and their headers, if they are plain
 * @q: an RX queue with a packet
 * @tap: the packets
 * @chain: the first of consecutive chains, one for each packet
 * @plain: receives the packets that were written
 * @max: entries in @chain and @plain, at least 1
 *
 * A chain that is not valid, not one segment or too small ends the series.
 *
 * Context: on the owner's mm, may fault.
 * Return: number of packets delivered. At 0 the next packet must go through
 * vd_tap_rx_recv().
 */
unsigned int vd_plain_deliver(struct vd_queue *q, struct vd_tap_rx *tap,
			      const struct vd_chain *chain,
			      struct vd_plain *plain, unsigned int max)
{
	void **pkt = &tap->pkt[tap->next];
	unsigned int nr, i;
	size_t bytes = 0;

	lockdep_assert_held(&q->lock);
	if (!tap->seen_len || tap->seen_len != q->vnet.sock_len)
		return 0;
	max = min3(max, tap->nr_pkt - tap->next, VD_BATCH - tap->nr_done);
	for (nr = 0; nr < max && bytes < VD_PLAIN_BYTES; nr++) {
		if (!vd_plain_prepare(q, tap, pkt[nr], chain + nr, plain + nr))
			break;
		bytes += plain[nr].len;
	}
	if (nr)
		nr = vd_plain_write(q, plain, nr);
	for (i = 0; i < nr; i++) {
		tap->done[tap->nr_done++] = pkt[i];
		tap->bytes += plain[i].count;
	}
	tap->next += nr;
	if (tap->nr_done == VD_BATCH)
		vd_tap_rx_end(q, tap);
	return nr;
}

/**
 * vd_plain_complete() - complete the chains of delivered packets
 * @q: the queue
 * @chain: as for vd_plain_deliver()
 * @plain: as it was filled there
 * @nr: number of packets delivered
 * @budget: their cost is added to it
 *
 * Return: VD_DONE or VD_RING_ERROR.
 */
enum vd_verdict vd_plain_complete(struct vd_queue *q,
				  const struct vd_chain *chain,
				  const struct vd_plain *plain, unsigned int nr,
				  struct vd_budget *budget)
{
	const struct vd_plain *end = plain + nr;
	size_t hdr_len = q->vnet.len, bytes = 0;
	int err = 0;

	lockdep_assert_held(&q->lock);
	for (; plain < end && !err; plain++, chain++) {
		if (q->log_all)
			vd_queue_log(q, chain->first_seg, hdr_len + plain->len);
		bytes += plain->len;
		err = vd_ring_complete(&q->ring, chain, hdr_len + plain->len);
	}
	q->stats.done += nr;
	q->stats.bytes += bytes;
	budget->packets += nr;
	budget->bytes += bytes;
	return err ? vd_queue_ring_error(q, err) : VD_DONE;
}
