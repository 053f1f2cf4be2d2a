// SPDX-License-Identifier: GPL-2.0-only
/* Packets from a guest. */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "burst.h"

/* Copy @len bytes from offset @off of the chain's readable part. */
static void vd_deq_copy(const struct vd_vring *v, const struct vd_chain *chain,
			size_t off, void *dst, size_t len)
{
	const struct iovec *seg = &v->batch->seg[chain->first_seg];
	u8 *to = dst;

	while (off >= seg->iov_len) {
		off -= seg->iov_len;
		seg++;
	}
	while (len) {
		size_t part = min(len, seg->iov_len - off);

		memcpy(to, (const u8 *)seg->iov_base + off, part);
		to += part;
		len -= part;
		off = 0;
		seg++;
	}
}

/* Copy the packet of a chain; false if it is dropped. */
static bool vd_deq_packet(struct vd_vring *v, const struct vd_chain *chain,
			  struct viaduct_pkt *pkt)
{
	const struct iovec *seg = &v->batch->seg[chain->first_seg];
	struct virtio_net_hdr hdr;
	size_t len;

	if (unlikely(chain->out_len < (size_t)v->hdr_len + ETH_HLEN)) {
		v->stats.short_drops++;
		return false;
	}
	len = chain->out_len - v->hdr_len;
	if (unlikely(len > pkt->room)) {
		v->stats.long_drops++;
		return false;
	}
	if (likely(chain->nr_out == 1)) {
		memcpy(&hdr, seg->iov_base, sizeof(hdr));
		memcpy(pkt->data, (const u8 *)seg->iov_base + v->hdr_len, len);
	} else {
		vd_deq_copy(v, chain, 0, &hdr, sizeof(hdr));
		vd_deq_copy(v, chain, v->hdr_len, pkt->data, len);
	}
	if (unlikely(!vd_hdr_from_guest(&pkt->hdr, &hdr, len))) {
		v->stats.header_drops++;
		return false;
	}
	pkt->len = len;
	v->stats.packets++;
	v->stats.bytes += len;
	return true;
}

/*
 * Copy the packets of the @nr chains in the batch. Returns the number of
 * packets; @err is the error of the first chain that failed.
 */
static unsigned int vd_deq_chains(struct vd_vring *v, int nr,
				  struct viaduct_pkt *pkt, int *err)
{
	unsigned int done = 0;
	int i;

	for (i = 0; i < nr; i++) {
		const struct vd_chain *chain = &v->batch->chain[i];

		/* 5.1.6.2: a transmitted packet has no writable part. */
		*err = chain->nr_in ? -EPROTO : 0;
		if (*err)
			break;
		done += vd_deq_packet(v, chain, &pkt[done]);
		/* Copied: it must not be fetched again. */
		*err = vd_ring_complete(&v->ring, chain, 0);
		if (*err)
			return done;
	}
	vd_ring_rewind(&v->ring, v->batch, nr - i);
	return done;
}

/**
 * viaduct_dequeue_burst() - receive packets from a guest
 * @dev: the device
 * @vring: number of the ring; odd
 * @pkt: @nr packets with data and room set; length and offload fields are filled
 *	 in
 * @nr: limit on the number of packets
 *
 * Packets are copied, and their buffers returned to the guest.
 *
 * Context: one thread at a time for each ring.
 * Return: the number of packets; 0 also if the ring is not on.
 */
unsigned int viaduct_dequeue_burst(struct viaduct_dev *dev, unsigned int vring,
				   struct viaduct_pkt *pkt, unsigned int nr)
{
	/* Dropped packets count as well: the call must end. */
	unsigned int done = 0, budget = nr + VD_BATCH;
	struct vd_vring *v;
	int ret = 0, err = 0;

	v = vring & 1 ? vd_burst_enter(dev, vring) : NULL;
	if (!v)
		return 0;
	while (!err && done < nr && budget && v->batch->nr_empty < VD_RUN_EMPTY) {
		ret = vd_burst_fetch(v, min(min(nr - done, VD_BATCH), budget));
		if (ret <= 0)
			break;
		budget -= ret;
		done += vd_deq_chains(v, ret, &pkt[done], &err);
		vd_batch_reset(v->batch);
	}
	v->stats.bursts += !!done;
	vd_burst_leave(v, ret < 0 ? ret : err);
	/* Data copied from replaced memory is not the guest's. */
	return likely(!vd_dev_has_faulted(dev)) ? done : 0;
}
