// SPDX-License-Identifier: GPL-2.0-only
/* Set-up of a driver with its backend and far side. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

const char *rig_fail(struct rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return r->why;
}

static const char *rig_open_tap(struct rig *r, int hdr_len)
{
	int ret = vg_tap_open(&r->tap, hdr_len, false);

	if (ret)
		return rig_fail(r, "tap: %s", strerror(-ret));
	if (hdr_len)
		ret = vg_tap_set_offload(r->tap.fd, true);
	if (ret)
		return rig_fail(r, "tap offloads: %s", strerror(-ret));
	r->backend = r->tap.fd;
	r->gso = hdr_len > 0;
	snprintf(r->link, sizeof(r->link), "%s", r->tap.name);
	return NULL;
}

static const char *rig_open_packet(struct rig *r, bool vnet_hdr)
{
	int ret = vg_veth_create("vda", "vdb");

	if (ret)
		return rig_fail(r, "veth pair: %s", strerror(-ret));
	r->backend = vg_packet_open(if_nametoindex("vda"), vnet_hdr);
	if (r->backend < 0)
		return rig_fail(r, "packet socket: %s", strerror(-r->backend));
	strcpy(r->link, "vdb");
	return NULL;
}

static const char *rig_open_macvtap(struct rig *r)
{
	int ret = vg_veth_create("vda", "vdb");

	if (ret)
		return rig_fail(r, "veth pair: %s", strerror(-ret));
	if (system("ip link add link vda name vdm type macvtap mode passthru") ||
	    vg_link_set_up("vdm", true))
		return "cannot make a macvtap";
	r->backend = vg_macvtap_open("vdm", r->net.hdr_len);
	if (r->backend < 0)
		return rig_fail(r, "macvtap: %s", strerror(-r->backend));
	strcpy(r->link, "vdb");
	return NULL;
}

static const char *rig_open_far(struct rig *r)
{
	r->far = vg_packet_open(if_nametoindex(r->link), true);
	return r->far < 0 ? rig_fail(r, "far side: %s", strerror(-r->far)) : NULL;
}

const char *rig_open_here(struct rig *r, enum rig_backend kind,
			  const struct vg_net_opts *opts)
{
	bool bare = opts->features & VG_BIT(VG_F_VHOST_HDR);
	const char *why;
	int ret;

	*r = (struct rig){ .tap.fd = -1, .backend = -1, .far = -1,
			   .net.fd = -1 };
	ret = vg_net_open(&r->net, opts);
	if (ret)
		return rig_fail(r, "driver on %s: %s", vg_dev_path(),
				strerror(-ret));
	if (kind == RIG_TAP)
		why = rig_open_tap(r, bare ? 0 : r->net.hdr_len);
	else if (kind == RIG_MACVTAP)
		why = rig_open_macvtap(r);
	else
		why = rig_open_packet(r, !bare);
	if (why)
		return why;
	return rig_open_far(r);
}

const char *rig_open(struct rig *r, enum rig_backend kind,
		     const struct vg_net_opts *opts)
{
	int ret = vg_netns_enter();

	if (ret)
		return rig_fail(r, "network namespace: %s", strerror(-ret));
	return rig_open_here(r, kind, opts);
}

const char *rig_start(struct rig *r)
{
	int ret = vg_net_start(&r->net, r->backend, r->backend);

	return ret ? rig_fail(r, "start: %s", strerror(-ret)) : NULL;
}

const char *rig_restart(struct rig *r, unsigned int q)
{
	uint8_t frame[VG_FRAME_MTU + 64];
	int ret;

	/* The tap is nonblocking; frames that the device held are back in it. */
	while (q == VG_RX && read(r->tap.fd, frame, sizeof(frame)) > 0)
		;
	while (q == VG_TX && rig_far_recv(r, frame, sizeof(frame), NULL, 0) > 0)
		;
	vg_ring_reset(&r->net.ring[q], 0);
	vg_pool_reclaim(&r->net.pool[q]);
	vg_eventfd_take(r->net.err[q]);
	ret = vg_set_vring_base(r->net.fd, q, vg_ring_base(&r->net.ring[q]));
	if (!ret)
		ret = vg_set_backend(r->net.fd, q, r->backend);
	return ret ? rig_fail(r, "restart: %s", strerror(-ret)) : NULL;
}

const char *rig_reopen_far(struct rig *r)
{
	int ret = vg_link_set_up(r->link, true);

	if (ret)
		return rig_fail(r, "link: %s", strerror(-ret));
	close(r->far);
	return rig_open_far(r);
}

const char *rig_move_tap(struct rig *r)
{
	int go[2], status;
	char cmd[80];
	pid_t pid;

	snprintf(cmd, sizeof(cmd), "ip link set %s netns %d", r->tap.name, getpid());
	if (pipe(go))
		return "no pipe";
	pid = fork();
	if (!pid)
		_exit(read(go[0], &status, 1) != 1 || system(cmd));
	if (pid < 0 || vg_netns_enter() || write(go[1], "", 1) != 1 ||
	    waitpid(pid, &status, 0) != pid || status)
		return "cannot move the tap";
	close(go[0]);
	close(go[1]);
	if (vg_link_set_up(r->tap.name, true))
		return "cannot set the tap up";
	r->tap.ifindex = if_nametoindex(r->tap.name);
	return NULL;
}

void rig_close(struct rig *r)
{
	vg_net_close(&r->net);
	if (r->far >= 0)
		close(r->far);
	if (r->backend >= 0)
		close(r->backend);
}

const char *rig_far_send(struct rig *r, const void *frame, size_t len,
			 const struct virtio_net_hdr *hdr)
{
	static const struct virtio_net_hdr none;
	ssize_t n = vg_packet_send(r->far, hdr ? hdr : &none, frame, len);

	if (n < 0)
		return rig_fail(r, "far side cannot send %zu bytes: %s", len,
				strerror(-n));
	return NULL;
}

ssize_t rig_far_recv(struct rig *r, void *frame, size_t room,
		     struct virtio_net_hdr *hdr, uint64_t deadline)
{
	struct virtio_net_hdr ignored;
	ssize_t n;

	for (;;) {
		n = vg_packet_recv(r->far, hdr ? hdr : &ignored, frame, room);
		if (n != -EAGAIN)
			return n;
		if (vg_wait_fd(r->far, POLLIN, deadline) <= 0)
			return 0;
	}
}
