// SPDX-License-Identifier: GPL-2.0-only
/* Opening and closing a port. */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port/port.h"

#define VD_PORT_MAX_RING	32768
#define VD_PORT_MAX_ROOM	(1U << 20)
#define VD_PORT_ROOM		1792
/* 64 KiB of IP and an Ethernet header. */
#define VD_PORT_ROOM_GSO	65550
/* Newer than the headers of the oldest system this builds on. */
#define VD_PORT_USO		0x60
#define VD_PORT_GSO		(TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_UFO | VD_PORT_USO)

/**
 * vd_port_fail() - report an error
 * @port: the port
 * @err: negative errno
 * @fmt: what failed
 *
 * Return: @err.
 */
int vd_port_fail(const struct viaduct_port *port, int err, const char *fmt, ...)
{
	char message[256];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	len = strlen(message);
	snprintf(message + len, sizeof(message) - len, ": %s", strerror(-err));
	if (port->opts.log)
		port->opts.log(message, port->opts.ctx);
	else
		fprintf(stderr, "viaduct: %s\n", message);
	return err;
}

/* What the caller left at 0, and fields that its version does not have. */
static void vd_port_defaults(struct viaduct_port_opts *o,
			     const struct viaduct_port_opts *from)
{
	memset(o, 0, sizeof(*o));
	memcpy(o, from, min(from->size, sizeof(*o)));
	o->queues = o->queues ?: 1;
	o->ring_size = o->ring_size ?: 256;
	if (!o->buffers && o->ring_size <= VD_PORT_MAX_RING)
		o->buffers = 4 * o->ring_size;
	if (!o->room)
		o->room = o->offload & VD_PORT_GSO ? VD_PORT_ROOM_GSO :
						     VD_PORT_ROOM;
}

static int vd_port_check(const struct viaduct_port *port)
{
	const struct viaduct_port_opts *o = &port->opts;
	unsigned int format = VIADUCT_PORT_SPLIT | VIADUCT_PORT_PACKED;

	if (!o->name == !o->fds)
		return vd_port_fail(port, -EINVAL,
				    "a port needs a name or descriptors");
	if (o->name && strlen(o->name) >= IFNAMSIZ)
		return vd_port_fail(port, -ENAMETOOLONG, "interface %s", o->name);
	if (o->ring_size & (o->ring_size - 1) || o->ring_size > VD_PORT_MAX_RING)
		return vd_port_fail(port, -EINVAL,
				    "ring size %u is not a power of two up to %u",
				    o->ring_size, VD_PORT_MAX_RING);
	if (o->buffers <= o->ring_size || o->buffers > 1U << 20)
		return vd_port_fail(port, -EINVAL,
				    "%u buffers for a ring of %u", o->buffers,
				    o->ring_size);
	if (o->room < 64 || o->room > VD_PORT_MAX_ROOM)
		return vd_port_fail(port, -EINVAL, "room of %u bytes", o->room);
	if (o->flags & ~(VIADUCT_PORT_TUN | format) ||
	    (o->flags & format) == format)
		return vd_port_fail(port, -EINVAL, "flags %#x", o->flags);
	return 0;
}

static struct viaduct_port *vd_port_create(const struct viaduct_port_opts *opts)
{
	struct viaduct_port_opts o;
	struct viaduct_port *port;
	unsigned int i;

	vd_port_defaults(&o, opts);
	if (o.queues > VIADUCT_PORT_MAX_QUEUES) {
		errno = EINVAL;
		return NULL;
	}
	port = calloc(1, sizeof(*port) + o.queues * sizeof(port->queue[0]));
	if (!port)
		return NULL;
	port->opts = o;
	port->epoll = -1;
	port->err = -1;
	port->nr_queues = o.queues;
	for (i = 0; i < o.queues; i++) {
		port->queue[i].tap.fd = -1;
		port->queue[i].fd = -1;
		port->queue[i].call = -1;
		port->queue[i].kick[VD_PORT_RX] = -1;
		port->queue[i].kick[VD_PORT_TX] = -1;
	}
	return port;
}

/* The events that a program waits for: an error, or buffers of a queue. */
static int vd_port_events(struct viaduct_port *port)
{
	struct epoll_event e = { .events = EPOLLIN };
	unsigned int i;

	port->epoll = epoll_create1(EPOLL_CLOEXEC);
	port->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (port->epoll < 0 || port->err < 0 ||
	    epoll_ctl(port->epoll, EPOLL_CTL_ADD, port->err, &e))
		return vd_port_fail(port, -errno, "no descriptor to poll");
	for (i = 0; i < port->nr_queues; i++) {
		struct vd_port_queue *q = &port->queue[i];

		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->kick[VD_PORT_RX] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->kick[VD_PORT_TX] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->call < 0 || q->kick[VD_PORT_RX] < 0 ||
		    q->kick[VD_PORT_TX] < 0 ||
		    epoll_ctl(port->epoll, EPOLL_CTL_ADD, q->call, &e))
			return vd_port_fail(port, -errno,
					    "no eventfds for queue %u", i);
	}
	return 0;
}

static int vd_port_rings(struct viaduct_port *port)
{
	bool packed = port->features >> VIRTIO_F_RING_PACKED & 1;
	bool event_idx = port->features >> VIRTIO_RING_F_EVENT_IDX & 1;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < 2 * port->nr_queues && !ret; i++) {
		struct vd_port_queue *q = &port->queue[i / 2];
		struct vd_port_ring *r = &q->ring[i % 2];

		ret = vd_port_ring_init(r, vd_port_ring_memory(port, i),
					port->opts.ring_size, packed, event_idx);
		r->kick = q->kick[i % 2];
	}
	return ret ? vd_port_fail(port, ret, "no memory for rings") : 0;
}

static int vd_port_set_up(struct viaduct_port *port)
{
	unsigned int i;
	int ret;

	ret = vd_port_check(port) ?: vd_port_events(port);
	for (i = 0; i < port->nr_queues && !ret; i++)
		ret = vd_port_tap_open(port, i) ?: vd_port_device_open(port, i);
	ret = ret ?: vd_port_memory_init(port) ?: vd_port_rings(port) ?:
	      vd_port_pools_init(port);
	for (i = 0; i < port->nr_queues && !ret; i++) {
		ret = vd_port_device_start(port, i);
		if (!ret)
			vd_port_refill(port, &port->queue[i]);
	}
	return ret;
}

/**
 * viaduct_port_open() - open a tap or tun as a network card
 * @opts: how; copied
 *
 * The state of the interface's link and its addresses are left as they are. An
 * interface that is created goes away with the port, unless it is made
 * persistent. Settings of the caller's descriptors that are changed (length and
 * byte order of the virtio-net header; of a tun, the send buffer) are restored
 * when the port is closed; those of offloads cannot be read and stay.
 *
 * Return: the port, or NULL with errno set, in which case the message for
 * &viaduct_port_opts.log reports what failed: EBUSY if another program has the
 * interface, EPERM without the right to open it, EINVAL if the interface is of
 * another kind, ENOENT or EACCES for the device, EOPNOTSUPP if the device lacks
 * what is needed.
 */
struct viaduct_port *viaduct_port_open(const struct viaduct_port_opts *opts)
{
	struct viaduct_port *port = vd_port_create(opts);
	int ret;

	if (!port)
		return NULL;
	ret = vd_port_set_up(port);
	if (!ret)
		return port;
	viaduct_port_close(port);
	errno = -ret;
	return NULL;
}

static void vd_port_close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/**
 * viaduct_port_close() - close a port
 * @port: the port, or NULL; packets that have not been sent are lost
 *
 * Context: no other thread uses the port.
 */
void viaduct_port_close(struct viaduct_port *port)
{
	unsigned int i, ring;

	if (!port)
		return;
	/* The device uses memory and rings until its descriptor is closed. */
	for (i = 0; i < port->nr_queues; i++)
		vd_port_close_fd(port->queue[i].fd);
	for (i = 0; i < port->nr_queues; i++) {
		struct vd_port_queue *q = &port->queue[i];

		vd_port_tap_close(&q->tap);
		vd_port_close_fd(q->call);
		for (ring = 0; ring < 2; ring++) {
			vd_port_close_fd(q->kick[ring]);
			vd_port_ring_fini(&q->ring[ring]);
		}
		free(q->pool);
	}
	vd_port_close_fd(port->epoll);
	vd_port_close_fd(port->err);
	vd_port_memory_fini(port);
	free(port);
}

/**
 * viaduct_port_memory_len() - memory that a port needs
 * @opts: how it will be opened
 *
 * Return: bytes for &viaduct_port_opts.memory.
 */
size_t viaduct_port_memory_len(const struct viaduct_port_opts *opts)
{
	struct viaduct_port port = { };

	vd_port_defaults(&port.opts, opts);
	return vd_port_memory_need(&port.opts);
}

/**
 * viaduct_port_name() - name of the interface
 * @port: the port
 *
 * Return: the name when the port was opened; valid until it is closed.
 */
const char *viaduct_port_name(const struct viaduct_port *port)
{
	return port->name;
}

/**
 * viaduct_port_device() - path of the device
 * @port: the port
 *
 * Return: the path; valid until the port is closed.
 */
const char *viaduct_port_device(const struct viaduct_port *port)
{
	return port->device;
}

/**
 * viaduct_port_queues() - number of queues
 * @port: the port
 *
 * Return: the number that the port was opened with.
 */
unsigned int viaduct_port_queues(const struct viaduct_port *port)
{
	return port->nr_queues;
}

/**
 * viaduct_port_is_packed() - format of the rings
 * @port: the port
 *
 * Return: true if they are packed, false if split.
 */
bool viaduct_port_is_packed(const struct viaduct_port *port)
{
	return port->features >> VIRTIO_F_RING_PACKED & 1;
}
