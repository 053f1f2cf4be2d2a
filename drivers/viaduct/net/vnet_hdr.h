/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtio-net header before each frame (virtio 1.2, section 5.1.6). */
#ifndef VD_NET_VNET_HDR_H
#define VD_NET_VNET_HDR_H

#include <linux/types.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>

#include "compat.h"

/* The part that sockets read and write; num_buffers follows. */
#define VD_VNET_BASE_LEN	sizeof(struct virtio_net_hdr)

/* With UDP tunnel GSO, a hash and the inner headers' offsets follow. */
#define VD_VNET_TUNNEL_LEN	sizeof(struct virtio_net_hdr_v1_hash_tunnel)

/**
 * struct vd_vnet - header length, by the side that handles it
 * @len: bytes of the whole header: the sum of the next two
 * @own_len: bytes that the handlers strip on TX and supply on RX
 * @sock_len: bytes that the socket reads on TX and writes on RX
 * @mergeable: a packet may fill several chains
 *
 * At most one length is not 0; both are 0 before features are acked. All [q].
 */
struct vd_vnet {
	u8 len;
	u8 own_len;
	u8 sock_len;
	bool mergeable;
};

/* Constant false if the kernel has no such header: the branch is dropped. */
static inline bool vd_vnet_has_tunnel(const struct vd_vnet *vnet)
{
	return VD_COMPAT_TUNNEL_FEATURES &&
	       vnet->len == VD_VNET_TUNNEL_LEN;
}

void vd_vnet_set_features(struct vd_vnet *vnet, const u64 *features);
bool vd_vnet_fit_csum(struct virtio_net_hdr *hdr, size_t frame_len);
void vd_vnet_complete_csum(struct virtio_net_hdr *hdr, void *frame,
			   size_t frame_len);
int vd_vnet_supply(const struct vd_vnet *vnet, const struct iovec *seg,
		   unsigned int nr_seg);
int vd_vnet_set_num_buffers(const struct iovec *seg, unsigned int nr_seg,
			    u16 nr);

/**
 * vd_vnet_check_csum() - make a TX header agree with its frame
 * @hdr: private copy of the header; hdr_len is raised to cover the checksum
 *	 field
 * @frame_len: bytes behind the header
 *
 * Return: false when the checksum field would lie outside the frame.
 */
static inline bool vd_vnet_check_csum(struct virtio_net_hdr *hdr,
				      size_t frame_len)
{
	return !(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
	       vd_vnet_fit_csum(hdr, frame_len);
}

#endif
