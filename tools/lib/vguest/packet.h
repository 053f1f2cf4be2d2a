/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_PACKET_H
#define VGUEST_PACKET_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * AF_PACKET raw sockets: the far side of a tap for the tests, and also a
 * backend. They receive only frames that enter the interface, not those that
 * this host sends.
 */

/* A nonblocking descriptor or -errno. @vnet_hdr: each frame has a header. */
int vg_packet_open(unsigned int ifindex, bool vnet_hdr);

/* One frame with its header (NULL without); -EAGAIN when none or no room. */
ssize_t vg_packet_recv(int fd, struct virtio_net_hdr *hdr, void *frame,
		       size_t room);
ssize_t vg_packet_send(int fd, const struct virtio_net_hdr *hdr,
		       const void *frame, size_t len);
/* Frames that the socket dropped for lack of room since the last call. */
unsigned int vg_packet_drops(int fd);

#endif
