/* SPDX-License-Identifier: GPL-2.0-only */
/* Begin and end of a burst, and the virtio-net header. */
#ifndef VD_BURST_H
#define VD_BURST_H

#include <linux/virtio_net.h>

#include "inflight.h"

/* Bits of &vd_vring.gso: by type, and one for VIRTIO_NET_HDR_GSO_ECN. */
#define VD_GSO_TCPV4	(1U << VIRTIO_NET_HDR_GSO_TCPV4)
#define VD_GSO_UDP	(1U << VIRTIO_NET_HDR_GSO_UDP)
#define VD_GSO_TCPV6	(1U << VIRTIO_NET_HDR_GSO_TCPV6)
#define VD_GSO_ECN	(1U << 6)

/* Fetch chains into the ring's batch; as vd_ring_fetch(). */
static inline int vd_burst_fetch(struct vd_vring *v, unsigned int max)
{
	if (unlikely(v->inflight))
		return vd_inflight_fetch(v, max);
	return vd_ring_fetch(&v->ring, &v->mem, v->batch, max);
}

u8 vd_gso_accepted(u64 features);
void vd_burst_set_log(const struct vd_vring *v);
struct vd_vring *vd_burst_enter(struct viaduct_dev *dev, unsigned int vring);
void vd_burst_leave(struct vd_vring *v, int err);
bool vd_hdr_from_guest(struct viaduct_hdr *to,
		       const struct virtio_net_hdr *from, size_t frame_len);
bool vd_hdr_to_guest(const struct vd_vring *v,
		     struct virtio_net_hdr_mrg_rxbuf *to,
		     struct viaduct_pkt *pkt);

#endif
