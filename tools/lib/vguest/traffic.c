// SPDX-License-Identifier: GPL-2.0-only
/* The driver's packet paths. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "net.h"
#include "wait.h"

int vg_net_xmit(struct vg_net *n, const struct virtio_net_hdr *hdr,
		const void *frame, size_t len, const struct vg_layout *layout)
{
	struct {
		struct virtio_net_hdr_mrg_rxbuf mrg;
		uint8_t tunnel[sizeof(n->tunnel)];
	} full = { .mrg.hdr = *hdr };
	struct vg_pool *pool = &n->pool[VG_TX];
	struct vg_buf *b = vg_buf_get(pool);
	int ret;

	if (!b)
		return -ENOSPC;
	ret = vg_buf_cut(pool, b, n->hdr_len + len, false, layout);
	if (ret)
		goto err;
	memcpy(full.tunnel, n->tunnel, sizeof(full.tunnel));
	vg_seg_write(&n->mem, b->seg, b->nr_seg, 0, &full, n->hdr_len);
	vg_seg_write(&n->mem, b->seg, b->nr_seg, n->hdr_len, frame, len);
	ret = vg_buf_add(&n->ring[VG_TX], b, layout);
	if (ret)
		goto err;
	vg_ring_publish(&n->ring[VG_TX]);
	return 0;

err:
	vg_buf_put(pool, b);
	return ret;
}

int vg_net_reap(struct vg_net *n)
{
	struct vg_used u;
	int ret, nr = 0;

	while ((ret = vg_ring_get(&n->ring[VG_TX], &u)) > 0) {
		/* The device writes nothing into what it transmits. */
		if (u.len)
			return -EIO;
		vg_buf_put(&n->pool[VG_TX], u.token);
		nr++;
	}
	return ret ? ret : nr;
}

int vg_net_drain(struct vg_net *n, uint64_t deadline)
{
	int ret = vg_net_reap(n);

	while (ret >= 0 && n->ring[VG_TX].nr_flight) {
		if (!vg_ring_wait(&n->ring[VG_TX], deadline))
			return -ETIMEDOUT;
		ret = vg_net_reap(n);
	}
	return ret < 0 ? ret : 0;
}

int vg_net_fill(struct vg_net *n)
{
	struct vg_pool *pool = &n->pool[VG_RX];
	struct vg_buf *b;
	int nr = 0;

	while ((b = vg_buf_get(pool))) {
		if (vg_buf_cut(pool, b, pool->size, true, n->rx_layout) ||
		    vg_buf_add(&n->ring[VG_RX], b, n->rx_layout)) {
			vg_buf_put(pool, b);
			break;
		}
		nr++;
	}
	if (nr) {
		vg_ring_publish(&n->ring[VG_RX]);
		vg_ring_kick(&n->ring[VG_RX]);
	}
	return nr;
}

/* One used chain, copied to n->scratch: its used length, 0 or -EIO. */
static ssize_t recv_chain(struct vg_net *n)
{
	struct vg_used u;
	struct vg_buf *b;
	int ret = vg_ring_get(&n->ring[VG_RX], &u);

	if (ret <= 0)
		return ret;
	b = u.token;
	if (u.len > n->pool[VG_RX].size)
		return -EIO;
	vg_seg_read(&n->mem, b->seg, b->nr_seg, 0, n->scratch, u.len);
	vg_buf_put(&n->pool[VG_RX], b);
	/* The device must not return an empty buffer. */
	return u.len ? (ssize_t)u.len : -EIO;
}

ssize_t vg_net_recv(struct vg_net *n, struct virtio_net_hdr_mrg_rxbuf *mrg,
		    void *frame, size_t room)
{
	unsigned int left = 1, at;
	ssize_t got = recv_chain(n);
	size_t len = 0;

	if (got <= 0)
		return got;
	if (got < (ssize_t)n->hdr_len)
		return -EIO;
	memset(mrg, 0, sizeof(*mrg));
	memcpy(n->hdr, n->scratch, n->hdr_len);
	memcpy(mrg, n->hdr, n->hdr_len < sizeof(*mrg) ? n->hdr_len : sizeof(*mrg));
	if (n->features & VG_NET_F_MRG)
		left = le16toh(mrg->num_buffers);
	at = n->hdr_len;
	for (;;) {
		if (len + got - at > room || !left)
			return -EIO;
		memcpy((uint8_t *)frame + len, n->scratch + at, got - at);
		len += got - at;
		at = 0;
		if (!--left)
			return len;
		/* virtio 1.2, 5.1.6.4: all but the last are filled. */
		if (got != n->pool[VG_RX].size)
			return -EIO;
		/* All chains of a packet become visible together. */
		got = recv_chain(n);
		if (got <= 0)
			return -EIO;
	}
}
