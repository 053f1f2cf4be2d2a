/* SPDX-License-Identifier: GPL-2.0-only */
/* One front end, in a process of its own. */
#ifndef VDD_SERVE_H
#define VDD_SERVE_H

#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "options.h"
#include "port.h"

struct viaduct_dev;
struct viaduct_session;

/* Virtio features that the kernel implements; it must offer and receive them. */
#define VDD_KERNEL_FEATURES						\
	(1ULL << VIRTIO_F_NOTIFY_ON_EMPTY |				\
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC |				\
	 1ULL << VIRTIO_RING_F_EVENT_IDX |				\
	 1ULL << VIRTIO_F_VERSION_1 |					\
	 1ULL << VIRTIO_F_RING_PACKED |					\
	 1ULL << VIRTIO_F_IN_ORDER |					\
	 1ULL << VIRTIO_NET_F_MRG_RXBUF |				\
	 1ULL << VD_F_LOG_ALL)

/**
 * struct vdd_server - a front end's process
 * @port: the kernel's side
 * @from: name of the connection, for messages
 * @gone: the connection has ended [atomic]
 */
struct vdd_server {
	struct vdd_port port;
	const char *from;
	int gone;
};

struct viaduct_session *vdd_serve_session(struct vdd_server *sv);
int vdd_serve(const struct vdd_options *o, int fd, const char *from);

/* plane.c */
int vdd_plane_watch(struct viaduct_dev *dev);

#endif
