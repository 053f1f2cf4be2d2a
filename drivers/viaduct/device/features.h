/* SPDX-License-Identifier: GPL-2.0-only */
/* Features that the device offers to the client. */
#ifndef VD_DEVICE_FEATURES_H
#define VD_DEVICE_FEATURES_H

#include <linux/bits.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "compat.h"
#include "types.h"

/* Virtqueue format; must not change while a ring is running. */
#define VD_LAYOUT_FEATURES					\
	(BIT_ULL(VIRTIO_F_RING_PACKED) |			\
	 BIT_ULL(VIRTIO_F_IN_ORDER))

/*
 * The client implements offloads, queues and the rest of the configuration, and
 * must set the tap accordingly. RING_RESET promises that one ring can be
 * detached, given new parameters and attached again while the other runs.
 */
#define VD_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |			\
	 BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |			\
	 BIT_ULL(VHOST_F_LOG_ALL) |				\
	 BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR) |			\
	 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |			\
	 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |			\
	 BIT_ULL(VIRTIO_F_VERSION_1) |				\
	 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |			\
	 VD_LAYOUT_FEATURES |					\
	 BIT_ULL(VIRTIO_F_RING_RESET))

/*
 * Bits 64 and up: GSO of packets in UDP tunnels, if tun supports it. As with
 * the other offloads, the client must set the tap accordingly; here the bits
 * only change the header's length.
 */
#define VD_TUNNEL_FEATURES	VD_COMPAT_TUNNEL_FEATURES

/* Bits that are not offered, by word; a module parameter. */
extern unsigned long long vd_hidden_features[VD_FEATURE_WORDS];

#define VD_BACKEND_FEATURES	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

#endif
