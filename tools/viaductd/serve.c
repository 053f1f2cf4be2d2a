// SPDX-License-Identifier: GPL-2.0-only
/*
 * One front end, in a process of its own: its memory shares an address space with no
 * other guest's, and its failures affect no other.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/kernel.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "print.h"
#include "rights.h"
#include "serve.h"
#include "session.h"

/* Descriptors besides those of the rings: messages, session, standard ones. */
#define VDD_FDS		32
/* For each pair: device, fdinfo, tap; kick, call and two errors of each ring. */
#define VDD_FDS_PAIR	11

static void vdd_serve_log(const char *message, void *ctx)
{
	const struct vdd_server *sv = ctx;
	const char *skip = "(descriptor): ";

	/* The library has no name for a connection that it did not accept. */
	if (!strncmp(message, skip, strlen(skip)))
		message += strlen(skip);
	vdd_print("%s: %s: %s", sv->from, sv->port.tap, message);
}

/* Virtio features that depend on what taps of this kernel support. */
static __u64 vdd_lacking(const struct vdd_port *port)
{
	const struct {
		unsigned int tun;
		__u64 features;
	} need[] = {
		{ TUN_F_CSUM, 1ULL << VIRTIO_NET_F_GUEST_CSUM |
			      1ULL << VIRTIO_NET_F_CSUM },
		{ TUN_F_TSO4, 1ULL << VIRTIO_NET_F_GUEST_TSO4 |
			      1ULL << VIRTIO_NET_F_HOST_TSO4 },
		{ TUN_F_TSO6, 1ULL << VIRTIO_NET_F_GUEST_TSO6 |
			      1ULL << VIRTIO_NET_F_HOST_TSO6 },
		{ TUN_F_TSO_ECN, 1ULL << VIRTIO_NET_F_GUEST_ECN |
				 1ULL << VIRTIO_NET_F_HOST_ECN },
		{ TUN_F_UFO, 1ULL << VIRTIO_NET_F_GUEST_UFO |
			     1ULL << VIRTIO_NET_F_HOST_UFO },
	};
	__u64 lacking = VDD_KERNEL_FEATURES & ~port->features;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(need); i++)
		if (!(port->offload & need[i].tun))
			lacking |= need[i].features;
	return lacking;
}

static int vdd_serve_new(struct viaduct_dev *dev, void *ctx)
{
	struct vdd_server *sv = ctx;

	viaduct_dev_set_data(dev, &sv->port);
	viaduct_dev_disable(dev, vdd_lacking(&sv->port));
	if (dev->max_slots > sv->port.max_regions)
		dev->max_slots = sv->port.max_regions;
	return vdd_plane_watch(dev);
}

static void vdd_serve_gone(struct viaduct_dev *dev, void *ctx)
{
	struct vdd_server *sv = ctx;

	(void)dev;
	__atomic_store_n(&sv->gone, 1, __ATOMIC_RELEASE);
}

/**
 * vdd_serve_session() - create the session of a front end
 * @sv: the server, with an open port
 *
 * Return: the session, or NULL with errno set.
 */
struct viaduct_session *vdd_serve_session(struct vdd_server *sv)
{
	const struct viaduct_ops ops = {
		.size = sizeof(ops),
		.new_device = vdd_serve_new,
		.destroy_device = vdd_serve_gone,
		.log = vdd_serve_log,
	};
	struct viaduct_session *s = viaduct_session_create(&ops, sv);

	if (s)
		viaduct_session_set_pairs(s, sv->port.pairs);
	return s;
}

static int vdd_serve_rights(const struct vdd_options *o)
{
	int err = vdd_rights_drop(o->user, VDD_FDS + o->pairs * VDD_FDS_PAIR);

	return err ?: vdd_rights_filter();
}

static int vdd_serve_run(struct vdd_server *sv, struct viaduct_session *s)
{
	struct pollfd p = { .fd = viaduct_session_fd(s), .events = POLLIN };
	int ret = 0;

	while (!sv->gone && ret >= 0) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			ret = -errno;
		else
			ret = viaduct_session_dispatch(s);
	}
	return ret;
}

/**
 * vdd_serve() - serve a front end until it disconnects
 * @o: options
 * @fd: the connection; it is closed on return
 * @from: name of the connection, for messages
 *
 * Context: in a process of its own, with the rights to open devices and taps; they
 * are given up.
 * Return: status of the process.
 */
int vdd_serve(const struct vdd_options *o, int fd, const char *from)
{
	static struct vdd_server sv;
	struct viaduct_session *s;
	int err;

	sv.from = from;
	snprintf(sv.port.tap, sizeof(sv.port.tap), "%s", o->tap ?: o->bridge);
	if (vdd_port_open(&sv.port, o)) {
		vdd_serve_log(sv.port.error, &sv);
		return 1;
	}
	s = vdd_serve_session(&sv);
	err = s ? vdd_serve_rights(o) : -errno;
	err = err ?: viaduct_session_add_fd(s, fd);
	err = err ?: vdd_serve_run(&sv, s);
	if (err < 0)
		vdd_print("%s: %s: %s", from, sv.port.tap, strerror(-err));
	return err < 0;
}
