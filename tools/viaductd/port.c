// SPDX-License-Identifier: GPL-2.0-only
/* Opening what a front end needs of the kernel, before any of its messages. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port.h"
#include "sys.h"

#define VDD_MODULE_REGIONS	"/sys/module/viaduct/parameters/max_mem_regions"
/* What every vhost device accepts. */
#define VDD_MIN_REGIONS		64

/**
 * vdd_port_fail() - keep the message of an error
 * @port: the port
 * @fmt: its format
 *
 * Return: -1.
 */
int vdd_port_fail(struct vdd_port *port, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(port->error, sizeof(port->error), fmt, ap);
	va_end(ap);
	return -1;
}

/* Why a node could not be opened, and what to do. */
static int vdd_node_fail(struct vdd_port *port, const char *path, int err)
{
	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		return vdd_port_fail(port, "no %s: load the module (modprobe viaduct)",
				     path);
	if (err == -EACCES || err == -EPERM)
		return vdd_port_fail(port, "%s: %s: the user must be in the node's group",
				     path, strerror(-err));
	return vdd_port_fail(port, "%s: %s", path, strerror(-err));
}

static unsigned int vdd_max_regions(void)
{
	char text[16] = "";
	int fd = vdd_open(VDD_MODULE_REGIONS, O_RDONLY);
	unsigned int nr;

	if (fd < 0)
		return VDD_MIN_REGIONS;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	nr = strtoul(text, NULL, 10);
	return nr ?: VDD_MIN_REGIONS;
}

/* A separate eventfd for errors, so that a broken ring is logged here, too. */
static int vdd_ring_open(struct vdd_port *port, unsigned int idx)
{
	struct vhost_vring_file file = { .index = idx & 1 };
	struct vdd_ring *ring = &port->ring[idx];
	int err;

	ring->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->err < 0)
		return vdd_port_fail(port, "eventfd: %s", strerror(errno));
	file.fd = ring->err;
	err = vdd_ioctl(port->pair[idx / 2].vhost, VHOST_SET_VRING_ERR, &file);
	return err < 0 ? vdd_port_fail(port, "VHOST_SET_VRING_ERR: %s",
				       strerror(-err)) : 0;
}

static int vdd_pair_open(struct vdd_port *port, unsigned int i,
			 const char *device)
{
	struct vdd_pair *pair = &port->pair[i];
	char path[64];
	int err;

	pair->vhost = vdd_open(device, O_RDWR);
	if (pair->vhost < 0)
		return vdd_node_fail(port, device, pair->vhost);
	/* The process that owns the device is the one that maps the memory. */
	err = vdd_ioctl(pair->vhost, VHOST_SET_OWNER, NULL);
	if (err < 0)
		return vdd_port_fail(port, "%s: VHOST_SET_OWNER: %s", device,
				     strerror(-err));
	err = vdd_ioctl(pair->vhost, VHOST_GET_FEATURES, &port->features);
	if (err < 0)
		return vdd_port_fail(port, "%s: VHOST_GET_FEATURES: %s", device,
				     strerror(-err));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pair->vhost);
	pair->info = vdd_open(path, O_RDONLY);
	if (pair->info < 0)
		pair->info = -1;
	return vdd_ring_open(port, 2 * i) ?: vdd_ring_open(port, 2 * i + 1);
}

/**
 * vdd_port_open() - open device descriptors and taps
 * @port: the port, zeroed
 * @o: options
 *
 * Context: with the rights to do so; the process must be that of the front end.
 * Return: 0, or -1 with &vdd_port.error set.
 */
int vdd_port_open(struct vdd_port *port, const struct vdd_options *o)
{
	unsigned int i;

	port->pairs = o->pairs;
	for (i = 0; i < port->pairs; i++) {
		port->pair[i] = (struct vdd_pair){ -1, -1, -1, false };
		port->ring[2 * i].err = -1;
		port->ring[2 * i + 1].err = -1;
	}
	for (i = 0; i < port->pairs; i++)
		if (vdd_pair_open(port, i, o->device))
			return -1;
	port->max_regions = vdd_max_regions();
	return vdd_tap_open(port, o);
}

/**
 * vdd_port_ring_error() - why the kernel has stopped a ring
 * @port: the port
 * @idx: number of the ring
 *
 * Return: -errno of the check that failed; -EIO if it is not known.
 */
int vdd_port_ring_error(const struct vdd_port *port, unsigned int idx)
{
	const char *key = idx & 1 ? "\nviaduct-tx-error:" : "\nviaduct-rx-error:";
	char text[8192];
	const char *at;
	ssize_t len;
	int err;

	len = pread(port->pair[idx / 2].info, text, sizeof(text) - 1, 0);
	if (len < 0)
		return -EIO;
	text[len] = 0;
	at = strstr(text, key);
	err = at ? atoi(at + strlen(key)) : 0;
	return err > 0 ? -err : -EIO;
}

static void vdd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/**
 * vdd_port_close() - close all descriptors
 * @port: the port, after vdd_port_open()
 */
void vdd_port_close(struct vdd_port *port)
{
	unsigned int i;

	for (i = 0; i < port->pairs; i++) {
		vdd_close(port->pair[i].vhost);
		vdd_close(port->pair[i].info);
		vdd_close(port->pair[i].tap);
		vdd_close(port->ring[2 * i].err);
		vdd_close(port->ring[2 * i + 1].err);
	}
}
