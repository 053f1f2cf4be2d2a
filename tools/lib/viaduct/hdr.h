/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtio-net header of a packet, little-endian, and a program's copy of it. */
#ifndef VD_HDR_H
#define VD_HDR_H

#include <linux/kernel.h>
#include <linux/virtio_net.h>
#include <viaduct/packet.h>

static inline void vd_hdr_load(struct viaduct_hdr *to,
			       const struct virtio_net_hdr *from)
{
	*to = (struct viaduct_hdr){
		.flags = from->flags,
		.gso_type = from->gso_type,
		.hdr_len = le16_to_cpu((__force __le16)from->hdr_len),
		.gso_size = le16_to_cpu((__force __le16)from->gso_size),
		.csum_start = le16_to_cpu((__force __le16)from->csum_start),
		.csum_offset = le16_to_cpu((__force __le16)from->csum_offset),
	};
}

static inline void vd_hdr_store(struct virtio_net_hdr *to,
				const struct viaduct_hdr *from)
{
	*to = (struct virtio_net_hdr){
		.flags = from->flags,
		.gso_type = from->gso_type,
		.hdr_len = (__force __virtio16)cpu_to_le16(from->hdr_len),
		.gso_size = (__force __virtio16)cpu_to_le16(from->gso_size),
		.csum_start = (__force __virtio16)cpu_to_le16(from->csum_start),
		.csum_offset = (__force __virtio16)cpu_to_le16(from->csum_offset),
	};
}

#endif
