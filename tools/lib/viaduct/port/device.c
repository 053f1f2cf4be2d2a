// SPDX-License-Identifier: GPL-2.0-only
/* The vhost device of a queue: one descriptor for each, with two rings. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "port/port.h"

#define VD_PORT_DEVICE		"/dev/viaduct-net"
#define VD_PORT_DEVICE_IN_TREE	"/dev/vhost-net"
#define VD_PORT_BIT(n)		(1ULL << (n))

static int vd_port_ioctl(const struct viaduct_port *port, int fd,
			 unsigned long request, const void *arg,
			 const char *name)
{
	if (ioctl(fd, request, arg) < 0)
		return vd_port_fail(port, -errno, "%s of %s", name, port->device);
	return 0;
}

#define VD_PORT_IOCTL(port, fd, request, arg)	\
	vd_port_ioctl(port, fd, request, arg, #request)

static void vd_port_device_path(struct viaduct_port *port)
{
	const char *path = port->opts.device;

	if (!path)
		path = access(VD_PORT_DEVICE, F_OK) &&
		       !access(VD_PORT_DEVICE_IN_TREE, F_OK) ?
		       VD_PORT_DEVICE_IN_TREE : VD_PORT_DEVICE;
	snprintf(port->device, sizeof(port->device), "%s", path);
}

/* Feature bits to acknowledge of what is offered. */
static int vd_port_choose(struct viaduct_port *port, u64 offered)
{
	bool packed = port->opts.flags & VIADUCT_PORT_PACKED;
	u64 wanted = VD_PORT_BIT(VIRTIO_F_VERSION_1) |
		     VD_PORT_BIT(VIRTIO_RING_F_EVENT_IDX);
	u64 needed = VD_PORT_BIT(VIRTIO_F_VERSION_1);

	if (!(port->opts.flags & VIADUCT_PORT_SPLIT))
		wanted |= VD_PORT_BIT(VIRTIO_F_RING_PACKED);
	if (packed)
		needed |= VD_PORT_BIT(VIRTIO_F_RING_PACKED);
	/* The device strips and adds headers if the interface has none. */
	if (!port->queue[0].tap.has_hdr)
		needed |= VD_PORT_BIT(VHOST_NET_F_VIRTIO_NET_HDR);
	if (needed & ~offered)
		return vd_port_fail(port, -EOPNOTSUPP,
				    "%s lacks features %#llx", port->device,
				    (unsigned long long)(needed & ~offered));
	port->features = (wanted & offered) | needed;
	return 0;
}

/**
 * vd_port_device_open() - open the device of a queue, and negotiate features
 * @port: the port, whose interface is open
 * @queue: number of the queue
 *
 * Return: 0 or a negative errno, which is reported.
 */
int vd_port_device_open(struct viaduct_port *port, unsigned int queue)
{
	struct vd_port_queue *q = &port->queue[queue];
	u64 offered = 0;
	int ret;

	if (!queue)
		vd_port_device_path(port);
	q->fd = open(port->device, O_RDWR | O_CLOEXEC);
	if (q->fd < 0)
		return vd_port_fail(port, -errno, "%s%s", port->device,
				    errno == ENOENT ?
				    " (is the module loaded?)" : "");
	ret = VD_PORT_IOCTL(port, q->fd, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = VD_PORT_IOCTL(port, q->fd, VHOST_GET_FEATURES, &offered);
	if (!ret)
		ret = vd_port_choose(port, offered);
	if (!ret)
		ret = VD_PORT_IOCTL(port, q->fd, VHOST_SET_FEATURES,
				    &port->features);
	return ret;
}

/* Descriptors hold addresses of this process. */
static int vd_port_device_memory(struct viaduct_port *port, int fd)
{
	struct vhost_memory *table;
	int ret;

	table = calloc(1, sizeof(*table) + sizeof(table->regions[0]));
	if (!table)
		return vd_port_fail(port, -ENOMEM, "no memory for a table");
	table->nregions = 1;
	table->regions[0].guest_phys_addr = (uintptr_t)port->memory;
	table->regions[0].memory_size = port->memory_len;
	table->regions[0].userspace_addr = (uintptr_t)port->memory;
	ret = VD_PORT_IOCTL(port, fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return ret;
}

static int vd_port_device_ring(struct viaduct_port *port,
			       struct vd_port_queue *q, unsigned int index)
{
	struct vd_port_ring *r = &q->ring[index];
	struct vhost_vring_state num = { index, r->num };
	struct vhost_vring_state base = { index, vd_port_ring_base(r) };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
	};
	struct vhost_vring_file kick = { index, r->kick };
	struct vhost_vring_file call = { index, q->call };
	struct vhost_vring_file err = { index, port->err };

	return VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_NUM, &num) ?:
	       VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_BASE, &base) ?:
	       VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_ADDR, &addr) ?:
	       VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_KICK, &kick) ?:
	       VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_CALL, &call) ?:
	       VD_PORT_IOCTL(port, q->fd, VHOST_SET_VRING_ERR, &err);
}

/**
 * vd_port_device_start() - let the device serve the rings of a queue
 * @port: the port
 * @queue: number of the queue
 *
 * Return: 0 or a negative errno, which is reported.
 */
int vd_port_device_start(struct viaduct_port *port, unsigned int queue)
{
	struct vd_port_queue *q = &port->queue[queue];
	unsigned int i;
	int ret;

	ret = vd_port_device_memory(port, q->fd);
	for (i = 0; i < 2 && !ret; i++)
		ret = vd_port_device_ring(port, q, i);
	for (i = 0; i < 2 && !ret; i++) {
		struct vhost_vring_file backend = { i, q->tap.fd };

		ret = VD_PORT_IOCTL(port, q->fd, VHOST_NET_SET_BACKEND,
				    &backend);
	}
	return ret;
}
