// SPDX-License-Identifier: GPL-2.0-only
/* Tap devices, link settings, a private namespace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int vg_netns_enter(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	/* A kernel without IPv6 has neither file. */
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return 0;
}

static int tap_set_iff(int fd, const char *name, short flags, int hdr_len,
		       struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	ifr->ifr_flags = (flags & IFF_TUN ? 0 : IFF_TAP) | IFF_NO_PI | flags;
	if (hdr_len)
		ifr->ifr_flags |= IFF_VNET_HDR;
	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, TUNSETIFF, ifr) < 0)
		return -errno;
	return hdr_len ? vg_tap_set_hdr_len(fd, hdr_len) : 0;
}

static int tap_attach(const char *name, short flags, int hdr_len,
		      struct ifreq *ifr)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	ret = tap_set_iff(fd, name, flags, hdr_len, ifr);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* The kernel has filled in the number of an interface that is new. */
static int tap_bring_up(struct vg_tap *tap, const struct ifreq *ifr)
{
	snprintf(tap->name, sizeof(tap->name), "%.*s", IFNAMSIZ - 1,
		 ifr->ifr_name);
	tap->ifindex = if_nametoindex(tap->name);
	return vg_link_set_up(tap->name, true);
}

int vg_tap_open_flags(struct vg_tap *tap, int hdr_len, short flags)
{
	struct ifreq ifr;

	tap->fd = tap_attach("vdt%d", flags, hdr_len, &ifr);
	return tap->fd < 0 ? tap->fd : tap_bring_up(tap, &ifr);
}

int vg_tap_open(struct vg_tap *tap, int hdr_len, bool multi)
{
	return vg_tap_open_flags(tap, hdr_len, multi ? IFF_MULTI_QUEUE : 0);
}

bool vg_tap_can(short flag)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	unsigned int flags = 0;

	if (fd < 0)
		return false;
	ioctl(fd, TUNGETFEATURES, &flags);
	close(fd);
	return flags & flag;
}

int vg_tap_renew(struct vg_tap *tap, int hdr_len)
{
	struct ifreq ifr;
	int ret = tap_set_iff(tap->fd, "vdt%d", 0, hdr_len, &ifr);

	return ret ?: tap_bring_up(tap, &ifr);
}

int vg_tap_queue(const struct vg_tap *tap, int hdr_len)
{
	struct ifreq ifr;

	return tap_attach(tap->name, IFF_MULTI_QUEUE, hdr_len, &ifr);
}

void vg_tap_close(struct vg_tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	tap->fd = -1;
}

int vg_macvtap_open(const char *name, int hdr_len)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/tap%u", if_nametoindex(name));
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
	if (!ret)
		ret = vg_tap_set_hdr_len(fd, hdr_len);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int vg_tap_set_hdr_len(int fd, int hdr_len)
{
	return ioctl(fd, TUNSETVNETHDRSZ, &hdr_len) < 0 ? -errno : 0;
}

int vg_tap_set_sndbuf(int fd, int bytes)
{
	return ioctl(fd, TUNSETSNDBUF, &bytes) < 0 ? -errno : 0;
}

int vg_tap_set_offload(int fd, bool on)
{
	unsigned long bits = on ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;

	return ioctl(fd, TUNSETOFFLOAD, bits) < 0 ? -errno : 0;
}

static int link_ioctl(const char *name, unsigned long request,
		      struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, request, ifr) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int vg_link_set_up(const char *name, bool up)
{
	struct ifreq ifr = { 0 };
	int ret = link_ioctl(name, SIOCGIFFLAGS, &ifr);

	if (ret)
		return ret;
	ifr.ifr_flags &= ~IFF_UP;
	if (up)
		ifr.ifr_flags |= IFF_UP;
	return link_ioctl(name, SIOCSIFFLAGS, &ifr);
}

int vg_link_set_mtu(const char *name, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return link_ioctl(name, SIOCSIFMTU, &ifr);
}

int vg_link_set_txqueuelen(const char *name, int len)
{
	struct ifreq ifr = { .ifr_qlen = len };

	return link_ioctl(name, SIOCSIFTXQLEN, &ifr);
}
