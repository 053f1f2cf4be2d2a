// SPDX-License-Identifier: GPL-2.0-only
/* Packets to a guest. */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "burst.h"

/* Return the chains that hold no packet, and empty the batch. */
static void vd_enq_rewind(struct vd_vring *v)
{
	vd_ring_rewind(&v->ring, v->batch, v->batch->nr - v->taken);
	vd_batch_reset(v->batch);
	v->taken = 0;
}

/*
 * Fetch up to @want chains. Returns as vd_ring_fetch(), but -ENOSPC only if the
 * chains of one packet fill the batch; sets @moved if the chains not taken were
 * rewound and fetched again.
 */
static int vd_enq_fetch(struct vd_vring *v, unsigned int want, bool *moved)
{
	int nr;

	*moved = false;
	/* Reuse the front of the batch, which is warm in the cache. */
	if (v->taken == v->batch->nr)
		vd_enq_rewind(v);
	nr = vd_burst_fetch(v, want);
	if (nr != -ENOSPC || !v->taken)
		return nr;
	vd_enq_rewind(v);
	*moved = true;
	return vd_burst_fetch(v, want);
}

/*
 * Find chains with room for @need bytes after the taken ones; @left packets
 * follow. Returns their number; 0 if the guest must add some; -EMSGSIZE if no
 * chains can hold the packet; or another error of the ring.
 */
static int vd_enq_reserve(struct vd_vring *v, size_t need, unsigned int left)
{
	size_t room = 0;
	bool moved;
	int ret, nr = 0;

	for (;;) {
		while (v->taken + nr < v->batch->nr) {
			const struct vd_chain *chain =
				&v->batch->chain[v->taken + nr];

			/* 5.1.6.3: device-writable, and not empty. */
			if (chain->nr_out || !chain->in_len)
				return -EPROTO;
			nr++;
			room += chain->in_len;
			if (room >= need)
				return nr;
			if (!v->mergeable)
				return -EMSGSIZE;
		}
		ret = vd_enq_fetch(v, min(left + 1, VD_BATCH), &moved);
		if (moved) {
			nr = 0;
			room = 0;
		}
		if (ret == -ENOSPC)
			return -EMSGSIZE;
		if (ret <= 0 || v->batch->nr_empty >= VD_RUN_EMPTY)
			return ret < 0 ? ret : 0;
	}
}

/* Write @len bytes at offset @off of the pieces from @seg on. */
static void vd_enq_copy(const struct iovec *seg, size_t off, const void *src,
			size_t len)
{
	const u8 *from = src;

	while (off >= seg->iov_len) {
		off -= seg->iov_len;
		seg++;
	}
	while (len) {
		size_t part = min(len, seg->iov_len - off);

		memcpy((u8 *)seg->iov_base + off, from, part);
		from += part;
		len -= part;
		off = 0;
		seg++;
	}
}

/* Log the writes to the pieces from @at on. */
static void vd_enq_log(struct vd_vring *v, unsigned int at, size_t len)
{
	for (; len; at++) {
		size_t part = min(len, v->batch->seg[at].iov_len);

		vd_dirty_log_gpa(&v->log, v->batch->gpa[at], part);
		len -= part;
	}
}

/* Write a packet into the @nr reserved chains, and complete these. */
static int vd_enq_write(struct vd_vring *v, int nr,
			struct virtio_net_hdr_mrg_rxbuf *hdr,
			const struct viaduct_pkt *pkt)
{
	const struct vd_chain *chain = &v->batch->chain[v->taken];
	const struct iovec *seg = &v->batch->seg[chain->first_seg];
	size_t left = v->hdr_len + pkt->len;
	int err = 0;

	hdr->num_buffers = (__force __virtio16)cpu_to_le16(nr);
	if (likely(seg->iov_len >= left)) {
		memcpy(seg->iov_base, hdr, v->hdr_len);
		memcpy((u8 *)seg->iov_base + v->hdr_len, pkt->data, pkt->len);
	} else {
		vd_enq_copy(seg, 0, hdr, v->hdr_len);
		vd_enq_copy(seg, v->hdr_len, pkt->data, pkt->len);
	}
	if (unlikely(v->log_all))
		vd_enq_log(v, chain->first_seg, left);
	v->taken += nr;
	for (; nr && !err; nr--, chain++) {
		u32 part = min(left, chain->in_len);

		err = vd_ring_complete(&v->ring, chain, part);
		left -= part;
	}
	v->stats.packets++;
	v->stats.bytes += pkt->len;
	return err;
}

/* Returns 1 if the packet was sent or dropped, 0 if it must wait, or an error. */
static int vd_enq_packet(struct vd_vring *v, struct viaduct_pkt *pkt,
			 unsigned int left)
{
	struct virtio_net_hdr_mrg_rxbuf hdr;
	int nr;

	if (unlikely(pkt->len < ETH_HLEN)) {
		v->stats.short_drops++;
		return 1;
	}
	if (unlikely(!vd_hdr_to_guest(v, &hdr, pkt))) {
		v->stats.header_drops++;
		return 1;
	}
	nr = vd_enq_reserve(v, v->hdr_len + (size_t)pkt->len, left);
	if (nr == -EMSGSIZE) {
		v->stats.long_drops++;
		return 1;
	}
	if (nr <= 0)
		return nr;
	return vd_enq_write(v, nr, &hdr, pkt) ?: 1;
}

/**
 * viaduct_enqueue_burst() - send packets to a guest
 * @dev: the device
 * @vring: number of the ring; even
 * @pkt: the packets; a checksum is completed in place if the guest requires it
 * @nr: their number
 *
 * Packets are copied. One that the guest can never take is counted and skipped.
 *
 * Context: one thread at a time for each ring.
 * Return: the number of packets sent or skipped, from the first on; the guest
 * has no buffers for the next one. 0 also if the ring is not on.
 */
unsigned int viaduct_enqueue_burst(struct viaduct_dev *dev, unsigned int vring,
				   struct viaduct_pkt *pkt, unsigned int nr)
{
	struct vd_vring *v;
	unsigned int i;
	int ret = 0;

	v = vring & 1 ? NULL : vd_burst_enter(dev, vring);
	if (!v)
		return 0;
	for (i = 0; i < nr; i++) {
		ret = vd_enq_packet(v, &pkt[i], nr - i - 1);
		if (ret <= 0)
			break;
	}
	vd_enq_rewind(v);
	v->stats.bursts += !!i;
	vd_burst_leave(v, ret < 0 ? ret : 0);
	return i;
}
