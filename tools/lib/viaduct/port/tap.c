// SPDX-License-Identifier: GPL-2.0-only
/* The interface of a port: tap, tun, or by descriptor macvtap. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "port/port.h"

#define VD_PORT_TUN_PATH	"/dev/net/tun"
/* An IPv4 header without options. */
#define VD_PORT_MIN_IP		20

static int vd_port_tap_iff(int fd, struct ifreq *ifr, const char *name,
			   int flags)
{
	memset(ifr, 0, sizeof(*ifr));
	ifr->ifr_flags = flags;
	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	return ioctl(fd, TUNSETIFF, ifr) < 0 ? -errno : 0;
}

/*
 * An interface with several queues accepts only descriptors that have the flag,
 * even if the program uses one.
 */
static int vd_port_tap_attach(struct viaduct_port *port, int fd,
			      unsigned int queue, struct ifreq *ifr)
{
	bool tun = port->opts.flags & VIADUCT_PORT_TUN;
	int flags = (tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_VNET_HDR;
	const char *name = queue ? port->name : port->opts.name;
	int ret = -EINVAL;

	if (port->nr_queues == 1)
		ret = vd_port_tap_iff(fd, ifr, name, flags);
	if (ret == -EINVAL)
		ret = vd_port_tap_iff(fd, ifr, name, flags | IFF_MULTI_QUEUE);
	if (ret == -EINVAL)
		return vd_port_fail(port, ret, "%s is no %s for %u queue%s", name,
				    tun ? "tun" : "tap", port->nr_queues,
				    port->nr_queues > 1 ? "s" : "");
	return ret ? vd_port_fail(port, ret, "interface %s, queue %u", name,
				  queue) : 0;
}

static int vd_port_tap_by_name(struct viaduct_port *port, unsigned int queue,
			       struct ifreq *ifr)
{
	struct vd_port_tap *tap = &port->queue[queue].tap;

	tap->fd = open(VD_PORT_TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0)
		return vd_port_fail(port, -errno, VD_PORT_TUN_PATH);
	return vd_port_tap_attach(port, tap->fd, queue, ifr);
}

static int vd_port_tap_by_fd(struct viaduct_port *port, unsigned int queue,
			     struct ifreq *ifr)
{
	struct vd_port_tap *tap = &port->queue[queue].tap;
	int fd = port->opts.fds[queue];

	if (ioctl(fd, TUNGETIFF, ifr) < 0)
		return vd_port_fail(port, errno == EBADF ? -EBADF : -EINVAL,
				    "descriptor %d is no tap or tun", fd);
	if (!(ifr->ifr_flags & IFF_NO_PI))
		return vd_port_fail(port, -EINVAL, "%.*s is without IFF_NO_PI",
				    IFNAMSIZ, ifr->ifr_name);
	if (queue && strncmp(port->name, ifr->ifr_name, IFNAMSIZ))
		return vd_port_fail(port, -EINVAL, "descriptors of %s and %.*s",
				    port->name, IFNAMSIZ, ifr->ifr_name);
	tap->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (tap->fd < 0)
		return vd_port_fail(port, -errno, "descriptor %d", fd);
	return 0;
}

/* Settings that a program may have on its descriptor. */
static int vd_port_tap_save(struct vd_port_tap *tap)
{
	if (tap->has_hdr && (ioctl(tap->fd, TUNGETVNETHDRSZ, &tap->hdr_len) < 0 ||
			     ioctl(tap->fd, TUNGETVNETLE, &tap->le) < 0))
		return -errno;
	if (tap->is_tun && ioctl(tap->fd, TUNGETSNDBUF, &tap->sndbuf) < 0)
		return -errno;
	tap->is_callers = true;
	return 0;
}

/*
 * Batches of the in-tree device arrive as XDP buffers, which are Ethernet frames
 * also where the interface is a tun; a finite send buffer prevents them.
 */
static int vd_port_tap_configure(struct viaduct_port *port,
				 struct vd_port_tap *tap)
{
	int hdr_len = VD_PORT_HDR_LEN, le = 1, finite = INT_MAX - 1;

	if (tap->has_hdr &&
	    (ioctl(tap->fd, TUNSETVNETHDRSZ, &hdr_len) < 0 ||
	     ioctl(tap->fd, TUNSETVNETLE, &le) < 0))
		return -errno;
	if (tap->is_tun && (!tap->is_callers || tap->sndbuf == INT_MAX) &&
	    ioctl(tap->fd, TUNSETSNDBUF, &finite) < 0)
		return -errno;
	/* A descriptor may have offloads on that nothing here asks for. */
	if ((!tap->is_callers || port->opts.offload) &&
	    ioctl(tap->fd, TUNSETOFFLOAD, (unsigned long)port->opts.offload) < 0)
		return vd_port_fail(port, -errno, "offloads %#x of %s",
				    port->opts.offload, port->name);
	return 0;
}

/**
 * vd_port_tap_open() - a queue's descriptor of the interface
 * @port: the port
 * @queue: number of the queue
 *
 * Return: 0 or a negative errno, which is reported.
 */
int vd_port_tap_open(struct viaduct_port *port, unsigned int queue)
{
	struct vd_port_tap *tap = &port->queue[queue].tap;
	struct ifreq ifr;
	int ret;

	ret = port->opts.name ? vd_port_tap_by_name(port, queue, &ifr) :
				vd_port_tap_by_fd(port, queue, &ifr);
	if (ret)
		return ret;
	snprintf(port->name, sizeof(port->name), "%.*s", IFNAMSIZ - 1,
		 ifr.ifr_name);
	tap->has_hdr = ifr.ifr_flags & IFF_VNET_HDR;
	tap->is_tun = ifr.ifr_flags & IFF_TUN;
	port->min_len = tap->is_tun ? VD_PORT_MIN_IP : ETH_HLEN;
	if (!tap->has_hdr && port->opts.offload)
		return vd_port_fail(port, -EINVAL,
				    "%s has no IFF_VNET_HDR for offloads",
				    port->name);
	if (!port->opts.name)
		ret = vd_port_tap_save(tap);
	ret = ret ?: vd_port_tap_configure(port, tap);
	return ret ? vd_port_fail(port, ret, "settings of %s", port->name) : 0;
}

/**
 * vd_port_tap_close() - close the descriptor, and restore its settings
 * @tap: the descriptor, which the device no longer uses
 */
void vd_port_tap_close(struct vd_port_tap *tap)
{
	if (tap->fd < 0)
		return;
	if (tap->is_callers && tap->has_hdr) {
		ioctl(tap->fd, TUNSETVNETHDRSZ, &tap->hdr_len);
		ioctl(tap->fd, TUNSETVNETLE, &tap->le);
	}
	if (tap->is_callers && tap->is_tun)
		ioctl(tap->fd, TUNSETSNDBUF, &tap->sndbuf);
	close(tap->fd);
	tap->fd = -1;
}
