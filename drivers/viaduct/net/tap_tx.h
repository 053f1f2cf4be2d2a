/* SPDX-License-Identifier: GPL-2.0-only */
/* Plain frames that go from a batch into the stack without the tap's sendmsg(). */
#ifndef VD_NET_TAP_TX_H
#define VD_NET_TAP_TX_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/virtio_net.h>

#include "net/tapdev.h"

struct vd_queue;
struct xdp_buff;

/**
 * struct vd_tap_tx - the tap that frames are sent to
 * @dev: the device that the backend's index names, which may be a wrong one
 * @proven: @dev, once it has counted the frames of a batch that the socket took
 * @is_searched: the device has been looked up
 *
 * All [q].
 */
struct vd_tap_tx {
	struct vd_tapdev dev;
	const struct net_device *proven;
	bool is_searched;
};

/* Module parameter: plain frames without sendmsg(). */
extern bool vd_tx_direct;

void vd_tap_tx_init(struct vd_tap_tx *tap);
void vd_tap_tx_reset(struct vd_tap_tx *tap);
void vd_tap_tx_begin(const struct vd_queue *q, struct vd_tap_tx *tap);
int vd_tap_tx_by_socket(struct vd_queue *q, struct vd_tap_tx *tap,
			struct xdp_buff *buff, unsigned int nr);
bool vd_tap_tx_deliver(struct vd_queue *q, const struct vd_tap_tx *tap,
		       struct xdp_buff *buff, unsigned int nr);

/*
 * The transport header of a frame is behind an IPv4 header at least; the upper limit
 * leaves room for tags and IPv6 extension headers.
 */
#define VD_TAP_TX_MIN_L4	(ETH_HLEN + sizeof(struct iphdr))
#define VD_TAP_TX_MAX_L4	256U

/**
 * vd_tap_tx_is_plain() - whether the tap treats a frame like one of a network card
 * @hdr: its header, after vd_vnet_check_csum()
 *
 * Return: false if the tap must examine the header: segmentation, unknown flags, or a
 * checksum field at an unusual place.
 */
static inline bool vd_tap_tx_is_plain(const struct virtio_net_hdr *hdr)
{
	unsigned int start;

	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return false;
	if (!hdr->flags)
		return true;
	start = le16_to_cpu((__force __le16)hdr->csum_start);
	return hdr->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	       start >= VD_TAP_TX_MIN_L4 && start <= VD_TAP_TX_MAX_L4;
}

#endif
