/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_NET_H
#define VGUEST_NET_H

#include <linux/virtio_net.h>
#include <sys/types.h>

#include "buf.h"
#include "dev.h"

/*
 * A whole virtio-net driver over one vhost descriptor: one receive and one
 * transmit queue, set up in the order that QEMU uses.
 */

#define VG_NET_F_MRG	VG_BIT(VIRTIO_NET_F_MRG_RXBUF)

struct vg_net_opts {
	uint64_t features;	/* to acknowledge */
	uint64_t features_high;	/* likewise, bits 64 and up */
	unsigned int num[2];	/* ring sizes, default 256 */
	unsigned int seed;	/* descriptor order, 0: ascending */
	unsigned int nr_tx;	/* transmit buffers, default ring size */
	unsigned int nr_rx;	/* receive buffers, default ring size */
	uint32_t tx_size;	/* bytes of each, default 2048 */
	uint32_t rx_size;
	uint16_t base;		/* index at which both rings start */
	bool half_base;		/* packed: set the lower half of the base alone */
	bool huge;		/* memory of huge pages */
};

struct vg_net {
	int fd;
	struct vg_mem mem;
	uint64_t offered;	/* what the device has */
	uint64_t features;	/* what was acknowledged */
	uint64_t features_high;
	unsigned int hdr_len;	/* 10, 12 or 24 */
	uint8_t hdr[24];	/* of the last frame received */
	uint8_t tunnel[12];	/* end of a 24-byte header, for frames to send */
	struct vg_ring ring[2];
	struct vg_pool pool[2];
	int kick[2], call[2], err[2];
	bool running[2];
	bool half_base;
	/* Receive buffers are cut like this, and posted again after use. */
	const struct vg_layout *rx_layout;
	uint8_t *scratch;	/* one receive chain, linear */
};

/*
 * Everything up to the rings, backend not attached. VD_LAYOUT in the environment
 * adds its features: split (none), packed, in-order, packed-in-order.
 */
int vg_net_open(struct vg_net *n, const struct vg_net_opts *opts);
void vg_net_close(struct vg_net *n);
/* -1 for a queue that must stay without a backend. */
int vg_net_start(struct vg_net *n, int rx_fd, int tx_fd);
int vg_net_stop(struct vg_net *n);
/* Sets up a queue's ring: size, base, addresses, eventfds. */
int vg_net_set_ring(struct vg_net *n, unsigned int q);

/*
 * One frame into the transmit ring, not kicked. -ENOSPC: no descriptors or no
 * buffer; reclaim some with vg_net_reap(), or wait.
 */
int vg_net_xmit(struct vg_net *n, const struct virtio_net_hdr *hdr,
		const void *frame, size_t len, const struct vg_layout *layout);
/* Takes finished transmit chains: their number or -EIO. */
int vg_net_reap(struct vg_net *n);
/* Until none is in flight: 0 or -ETIMEDOUT. */
int vg_net_drain(struct vg_net *n, uint64_t deadline);

/* Posts every free receive buffer and kicks; the number posted. */
int vg_net_fill(struct vg_net *n);
/*
 * One received frame: its length, 0 when there is none, -EIO when the device
 * broke the rules. @mrg receives the header; n->hdr has all bytes of it. The
 * buffers are free again but not posted.
 */
ssize_t vg_net_recv(struct vg_net *n, struct virtio_net_hdr_mrg_rxbuf *mrg,
		    void *frame, size_t room);

#endif
