// SPDX-License-Identifier: GPL-2.0-only
/* The tap of a front end, its queues and its bridge. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/kernel.h>
#include <linux/sockios.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port.h"
#include "sys.h"

#define VDD_TUN		"/dev/net/tun"
/* Names of taps on a bridge; the kernel fills in the number. */
#define VDD_TAP_PATTERN	"vdu%d"

/*
 * A process that was killed gives its queue back a moment later, while its front
 * end may connect to the next one at once.
 */
#define VDD_BUSY_TRIES	40
#define VDD_BUSY_WAIT	(50 * 1000)

#define VDD_HAS(features, bit)	((features) >> (bit) & 1)

/* True if the tap exists and was created with IFF_MULTI_QUEUE. */
static bool vdd_tap_is_multi(const char *name)
{
	char path[64 + IFNAMSIZ], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
	fd = vdd_open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, 16) & IFF_MULTI_QUEUE;
}

static int vdd_tap_fail(struct vdd_port *port, const struct vdd_options *o,
			int err)
{
	const char *name = o->tap ?: VDD_TAP_PATTERN;

	if (err == -EBUSY)
		return vdd_port_fail(port, "tap %s is in use", name);
	if (err == -EPERM && o->tap)
		return vdd_port_fail(port, "tap %s is missing or another user's (ip tuntap add)",
				     name);
	if (err == -EPERM)
		return vdd_port_fail(port, "tap %s: creating it needs CAP_NET_ADMIN",
				     name);
	if (err == -EINVAL && o->tap && o->pairs > 1)
		return vdd_port_fail(port, "tap %s has one queue (ip tuntap add ... multi_queue)",
				     name);
	return vdd_port_fail(port, "tap %s: %s", name, strerror(-err));
}

/* Open a queue of the tap with the name in @port; the first one creates the tap. */
static int vdd_tap_open_queue(struct vdd_port *port, struct vdd_pair *pair)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int tries = 0, err;

	if (port->multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, port->tap, sizeof(port->tap));
	pair->tap = vdd_open(VDD_TUN, O_RDWR | O_NONBLOCK);
	if (pair->tap < 0)
		return pair->tap;
	while ((err = vdd_ioctl(pair->tap, TUNSETIFF, &ifr)) == -EBUSY &&
	       ++tries < VDD_BUSY_TRIES)
		usleep(VDD_BUSY_WAIT);
	memcpy(port->tap, ifr.ifr_name, sizeof(port->tap));
	pair->tap_on = !err;
	return err;
}

/* Add the tap to the bridge, and bring it up. */
static int vdd_tap_join(struct vdd_port *port, const char *bridge)
{
	struct ifreq br = { .ifr_ifindex = if_nametoindex(port->tap) };
	int err, sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return vdd_port_fail(port, "socket: %s", strerror(errno));
	snprintf(br.ifr_name, sizeof(br.ifr_name), "%s", bridge);
	err = vdd_ioctl(sock, SIOCBRADDIF, &br);
	close(sock);
	if (!err)
		return 0;
	if (err == -ENODEV)
		return vdd_port_fail(port, "no bridge %s: ip link add %s type bridge",
				     bridge, bridge);
	return vdd_port_fail(port, "%s cannot be added to bridge %s: %s",
			     port->tap, bridge, strerror(-err));
}

/* Bring the tap up, unless it is. */
static int vdd_tap_up(struct vdd_port *port)
{
	int err, sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {};

	if (sock < 0)
		return vdd_port_fail(port, "socket: %s", strerror(errno));
	memcpy(ifr.ifr_name, port->tap, sizeof(port->tap));
	err = vdd_ioctl(sock, SIOCGIFFLAGS, &ifr);
	if (!err && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		err = vdd_ioctl(sock, SIOCSIFFLAGS, &ifr);
	}
	close(sock);
	if (!err)
		return 0;
	return vdd_port_fail(port, "%s is down and cannot be brought up: %s (ip link set %s up)",
			     port->tap, strerror(-err), port->tap);
}

/* Offloads that this kernel's taps support. */
static void vdd_tap_probe_offload(struct vdd_port *port)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
				 TUN_F_TSO_ECN;
	const unsigned int sets[] = { tcp | TUN_F_UFO, tcp, TUN_F_CSUM };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sets) && !port->offload; i++)
		if (!vdd_ioctl(port->pair[0].tap, TUNSETOFFLOAD,
			       (void *)(unsigned long)sets[i]))
			port->offload = sets[i];
}

/**
 * vdd_tap_open() - open a queue of the tap for each pair
 * @port: the port
 * @o: options
 *
 * Return: 0, or -1 with &vdd_port.error set.
 */
int vdd_tap_open(struct vdd_port *port, const struct vdd_options *o)
{
	unsigned int i;
	int err;

	port->multi_queue = port->pairs > 1 ||
			    (o->tap && vdd_tap_is_multi(o->tap));
	snprintf(port->tap, sizeof(port->tap), "%s", o->tap ?: VDD_TAP_PATTERN);
	for (i = 0; i < port->pairs; i++) {
		err = vdd_tap_open_queue(port, &port->pair[i]);
		if (err)
			return port->pair[i].tap < 0 ?
			       vdd_port_fail(port, VDD_TUN ": %s",
					     strerror(-err)) :
			       vdd_tap_fail(port, o, err);
	}
	vdd_tap_probe_offload(port);
	/* The tap must give no packets to a queue that the guest does not use yet. */
	for (i = 0; i < port->pairs; i++)
		if (vdd_tap_set_queue(port, i, false))
			return vdd_port_fail(port, "tap %s: TUNSETQUEUE fails",
					     port->tap);
	if (o->bridge && vdd_tap_join(port, o->bridge))
		return -1;
	return vdd_tap_up(port);
}

static unsigned int vdd_tap_offload(const struct vdd_port *port, __u64 features)
{
	unsigned int f = 0;

	/* Segmentation needs checksums, in virtio and in the tap. */
	if (!VDD_HAS(features, VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	f |= TUN_F_CSUM;
	if (VDD_HAS(features, VIRTIO_NET_F_GUEST_TSO4))
		f |= TUN_F_TSO4;
	if (VDD_HAS(features, VIRTIO_NET_F_GUEST_TSO6))
		f |= TUN_F_TSO6;
	if (VDD_HAS(features, VIRTIO_NET_F_GUEST_ECN) && f != TUN_F_CSUM)
		f |= TUN_F_TSO_ECN;
	if (VDD_HAS(features, VIRTIO_NET_F_GUEST_UFO))
		f |= TUN_F_UFO;
	return f & port->offload;
}

/**
 * vdd_tap_set_features() - set the tap up for acked features
 * @port: the port
 * @features: acked virtio features
 *
 * Return: 0 or -errno.
 */
int vdd_tap_set_features(struct vdd_port *port, __u64 features)
{
	bool modern = VDD_HAS(features, VIRTIO_F_VERSION_1);
	int hdr_len = sizeof(struct virtio_net_hdr), le = modern, err;
	int tap = port->pair[0].tap;

	if (modern || VDD_HAS(features, VIRTIO_NET_F_MRG_RXBUF))
		hdr_len = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	err = vdd_ioctl(tap, TUNSETVNETHDRSZ, &hdr_len);
	if (!err)
		err = vdd_ioctl(tap, TUNSETVNETLE, &le);
	if (!err)
		err = vdd_ioctl(tap, TUNSETOFFLOAD,
				(void *)(unsigned long)vdd_tap_offload(port, features));
	if (!err)
		port->tap_features = features;
	return err;
}

/**
 * vdd_tap_set_queue() - let the tap use a queue, or not
 * @port: the port
 * @pair: the pair of the queue
 * @on: use it
 *
 * The first queue is always used: without one, the tap can be neither set up nor
 * detected as ready by its device, and a VM that is stopped loses packets.
 *
 * Return: 0 or -errno.
 */
int vdd_tap_set_queue(struct vdd_port *port, unsigned int pair, bool on)
{
	struct ifreq ifr = {
		.ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
	};
	int err;

	if (!pair || port->pair[pair].tap_on == on)
		return 0;
	err = vdd_ioctl(port->pair[pair].tap, TUNSETQUEUE, &ifr);
	if (!err)
		port->pair[pair].tap_on = on;
	return err;
}
