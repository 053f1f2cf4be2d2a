// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that calls an ioctl, and its descriptors.
 *
 * A client chooses the descriptors. Before one is used, its kind is checked in
 * ways that do not call its driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD	O_EXCL
#endif

/* The node /dev/net/tun. */
#define VDC_TUN_MAJOR	10
#define VDC_TUN_MINOR	200

/**
 * vdc_client_init() - find the process of a thread
 * @c: filled in
 * @tid: the thread, which must wait for this process
 *
 * Return: 0; -EPERM if it is in another PID namespace.
 */
int vdc_client_init(struct vdc_client *c, pid_t tid)
{
	char path[64], text[4096];
	const char *at;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = tid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return -EPERM;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len < 0 ? 0 : len] = 0;
	/* The name before it cannot contain a newline: the kernel quotes it. */
	at = strstr(text, "\nTgid:");
	c->tid = tid;
	c->tgid = at ? atoi(at + 6) : 0;
	return c->tgid > 0 ? 0 : -EPERM;
}

/* Before Linux 6.9, only a process has a pidfd, and not each of its threads. */
static int vdc_client_pidfd(const struct vdc_client *c)
{
	int fd = syscall(SYS_pidfd_open, c->tid, PIDFD_THREAD);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_pidfd_open, c->tgid, 0);
	return fd < 0 ? -errno : fd;
}

/* A duplicate of the client's descriptor @fd, or -errno. */
static int vdc_client_get_fd(const struct vdc_client *c, int fd)
{
	int pidfd = vdc_client_pidfd(c);
	int got;

	if (pidfd < 0)
		return pidfd;
	got = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (got < 0)
		got = -errno;
	close(pidfd);
	return got;
}

static bool vdc_is_eventfd(int fd)
{
	char path[64], name[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, sizeof(name) - 1);
	name[len < 0 ? 0 : len] = 0;
	return !strcmp(name, "anon_inode:[eventfd]");
}

/**
 * vdc_client_get_eventfd() - fetch an eventfd
 * @c: the caller
 * @fd: its descriptor [any value]
 *
 * Return: a descriptor; -EBADF; -EINVAL if it is not an eventfd.
 */
int vdc_client_get_eventfd(const struct vdc_client *c, int fd)
{
	int got = vdc_client_get_fd(c, fd);

	if (got < 0 || vdc_is_eventfd(got))
		return got;
	close(got);
	return -EINVAL;
}

/* The class of a macvtap's or ipvtap's node; their numbers are dynamic. */
static bool vdc_is_tap_class(dev_t dev)
{
	char path[64], to[256];
	const char *name;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem", major(dev),
		 minor(dev));
	len = readlink(path, to, sizeof(to) - 1);
	to[len < 0 ? 0 : len] = 0;
	name = strrchr(to, '/');
	return name && (!strcmp(name, "/macvtap") || !strcmp(name, "/ipvtap"));
}

static bool vdc_is_tap(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       (st.st_rdev == makedev(VDC_TUN_MAJOR, VDC_TUN_MINOR) ||
		vdc_is_tap_class(st.st_rdev));
}

/* Length of the header that the tap has now; -EINVAL if it is no interface yet. */
static int vdc_tap_hdr_len(int fd, unsigned int *hdr_len)
{
	struct ifreq ifr = {};
	int len = 0;

	if (ioctl(fd, TUNGETIFF, &ifr))
		return -EINVAL;
	if (ifr.ifr_flags & IFF_VNET_HDR && ioctl(fd, TUNGETVNETHDRSZ, &len))
		return -EINVAL;
	/* 24 is that of virtio_net_hdr_v1_hash_tunnel, the longest one. */
	if (ifr.ifr_flags & IFF_VNET_HDR && (len < 10 || len > 24))
		return -EINVAL;
	/* Without IFF_NO_PI, four more bytes precede the frame. */
	if (!(ifr.ifr_flags & IFF_NO_PI))
		return -EINVAL;
	*hdr_len = len;
	return 0;
}

/**
 * vdc_client_get_tap() - fetch a tap, tun, macvtap or ipvtap
 * @c: the caller
 * @fd: its descriptor [any value]
 * @tap: filled in
 *
 * Return: 0; -ENOTSOCK if it is none; -EINVAL if it has no interface.
 */
int vdc_client_get_tap(const struct vdc_client *c, int fd, struct vdc_tap *tap)
{
	int got = vdc_client_get_fd(c, fd);
	int err, flags;

	if (got < 0)
		return -ENOTSOCK;
	err = vdc_is_tap(got) ? vdc_tap_hdr_len(got, &tap->hdr_len) : -ENOTSOCK;
	if (err) {
		close(got);
		return err;
	}
	/* For drivers that do not support RWF_NOWAIT. */
	flags = fcntl(got, F_GETFL);
	if (flags >= 0)
		fcntl(got, F_SETFL, flags | O_NONBLOCK);
	tap->no_nowait = false;
	tap->fd = got;
	return 0;
}

/**
 * vdc_owner_set() - make a caller the owner
 * @owner: without an owner
 * @c: the caller
 *
 * Return: 0 or -errno.
 */
int vdc_owner_set(struct vdc_owner *owner, const struct vdc_client *c)
{
	owner->pidfd = syscall(SYS_pidfd_open, c->tgid, 0);
	if (owner->pidfd < 0)
		return -errno;
	owner->tgid = c->tgid;
	return 0;
}

void vdc_owner_clear(struct vdc_owner *owner)
{
	if (owner->tgid)
		close(owner->pidfd);
	owner->tgid = 0;
	owner->pidfd = -1;
}

/* The number of a process that has ended may be another one's. */
bool vdc_owner_is(const struct vdc_owner *owner, const struct vdc_client *c)
{
	struct pollfd p = { .fd = owner->pidfd, .events = POLLIN };

	return owner->tgid && owner->tgid == c->tgid && poll(&p, 1, 0) == 0;
}
