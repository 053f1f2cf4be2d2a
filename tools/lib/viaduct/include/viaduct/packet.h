/* SPDX-License-Identifier: GPL-2.0-only */
/* libviaduct: a packet, as programs exchange it with guests and network devices. */
#ifndef VIADUCT_PACKET_H
#define VIADUCT_PACKET_H

#include <stdint.h>

/**
 * struct viaduct_hdr - offload fields of a packet
 * @flags: VIRTIO_NET_HDR_F_* of <linux/virtio_net.h>
 * @gso_type: VIRTIO_NET_HDR_GSO_*
 * @hdr_len: bytes of the packet's headers
 * @gso_size: payload bytes of each segment
 * @csum_start: offset from which the checksum is computed
 * @csum_offset: offset behind @csum_start where it is stored
 *
 * In the host's byte order.
 */
struct viaduct_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};

/**
 * struct viaduct_pkt - a packet
 * @data: the frame, from its Ethernet header on; on a tun from its IP header on
 * @len: bytes of the frame
 * @room: bytes at @data; a longer frame is not received
 * @hdr: offload fields
 */
struct viaduct_pkt {
	void *data;
	uint32_t len;
	uint32_t room;
	struct viaduct_hdr hdr;
};

#endif
