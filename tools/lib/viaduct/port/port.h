/* SPDX-License-Identifier: GPL-2.0-only */
/* A port and its queues. */
#ifndef VD_PORT_PORT_H
#define VD_PORT_PORT_H

#include <net/if.h>
#include <viaduct/port.h>

#include "port/ring.h"

/* VIRTIO_F_VERSION_1: the header has all fields whatever was negotiated. */
#define VD_PORT_HDR_LEN		12
/* Room in front of a frame; a header must fit in front of what is prepended. */
#define VD_PORT_HEADROOM	(2 * VIADUCT_PORT_HEADROOM)

/* Rings of a queue. */
#define VD_PORT_RX		0
#define VD_PORT_TX		1

/* Where a buffer is. */
enum vd_port_owner {
	VD_PORT_POOL,
	VD_PORT_PROGRAM,
	VD_PORT_KERNEL,
};

/**
 * struct vd_port_tap - a descriptor of the interface
 * @fd: a duplicate, or the library's own
 * @is_callers: its settings are restored when the port is closed
 * @has_hdr: frames have a virtio-net header
 * @is_tun: frames have no Ethernet header
 * @hdr_len: length of the header before
 * @sndbuf: send buffer before
 * @le: byte order of the header before
 */
struct vd_port_tap {
	int fd;
	bool is_callers;
	bool has_hdr;
	bool is_tun;
	int hdr_len;
	int sndbuf;
	int le;
};

/**
 * struct vd_port_queue - a queue
 * @tap: its descriptor of the interface
 * @fd: its descriptor of the device
 * @call: eventfd of both rings: buffers are used
 * @kick: eventfds of the rings: buffers are available
 * @ring: VD_PORT_RX and VD_PORT_TX
 * @pool: stack of free buffers
 * @nr_pool: number of them
 * @armed: events for which the device signals
 * @stats: counters
 */
struct vd_port_queue {
	struct vd_port_tap tap;
	int fd;
	int call;
	int kick[2];
	struct vd_port_ring ring[2];
	u32 *pool;
	u32 nr_pool;
	unsigned int armed;
	struct viaduct_queue_stats stats;
};

/**
 * struct viaduct_port - a port
 * @opts: what it was opened with, with defaults filled in
 * @name: of the interface
 * @device: path of the device
 * @features: negotiated with the device
 * @memory: rings, then buffers
 * @memory_len: bytes of it
 * @is_mapped: the library mapped it
 * @buffers: first buffer
 * @slot: bytes from a buffer to the next, a multiple of 64
 * @nr_buffers: number of buffers
 * @min_len: bytes of the shortest frame
 * @owner: enum vd_port_owner of each buffer
 * @epoll: descriptor for programs, readable if one of the queues' eventfds is
 * @err: eventfd of all rings: the device found an error
 * @failed: negative errno, once the port can no longer be used; set by any thread
 * @nr_queues: number of queues
 * @queue: the queues
 */
struct viaduct_port {
	struct viaduct_port_opts opts;
	char name[IFNAMSIZ];
	char device[64];
	u64 features;
	u8 *memory;
	size_t memory_len;
	bool is_mapped;
	u8 *buffers;
	u32 slot;
	u32 nr_buffers;
	u32 min_len;
	u8 *owner;
	int epoll;
	int err;
	int failed;
	unsigned int nr_queues;
	struct vd_port_queue queue[];
};

static inline u8 *vd_port_slot(const struct viaduct_port *port, u32 buf)
{
	return port->buffers + (size_t)buf * port->slot;
}

/* port.c */
int vd_port_fail(const struct viaduct_port *port, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* memory.c */
size_t vd_port_memory_need(const struct viaduct_port_opts *o);
int vd_port_memory_init(struct viaduct_port *port);
void vd_port_memory_fini(struct viaduct_port *port);
int vd_port_pools_init(struct viaduct_port *port);
void *vd_port_ring_memory(const struct viaduct_port *port, unsigned int nth);

/* tap.c */
int vd_port_tap_open(struct viaduct_port *port, unsigned int queue);
void vd_port_tap_close(struct vd_port_tap *tap);

/* device.c */
int vd_port_device_open(struct viaduct_port *port, unsigned int queue);
int vd_port_device_start(struct viaduct_port *port, unsigned int queue);

/* burst.c */
void vd_port_disarm(struct vd_port_queue *q, unsigned int events);
void vd_port_reap(struct viaduct_port *port, struct vd_port_queue *q);
void vd_port_refill(struct viaduct_port *port, struct vd_port_queue *q);

#endif
