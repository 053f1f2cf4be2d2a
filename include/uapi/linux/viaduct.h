/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_VIADUCT_H
#define _UAPI_LINUX_VIADUCT_H

/**
 * DOC: Additions to the vhost ABI
 *
 * The device speaks the ABI of <linux/vhost.h>, under a node name of its own so
 * that it can be loaded beside the in-tree module. Additions that need no ioctl
 * of their own:
 *
 * - VIRTIO_F_RING_PACKED (bit 34) and VIRTIO_F_IN_ORDER (bit 35) are offered on
 *   every kernel.
 * - VIRTIO_F_RING_RESET (bit 40) is offered on every kernel: a ring can be
 *   detached by VHOST_NET_SET_BACKEND with -1, given another size, base and
 *   addresses, and attached again while the other ring runs.
 * - A ring that fails a check is stopped until it is attached again, and its
 *   error eventfd (VHOST_SET_VRING_ERR) is signalled once.
 * - VHOST_NEW_WORKER, VHOST_FREE_WORKER, VHOST_ATTACH_VRING_WORKER and
 *   VHOST_GET_VRING_WORKER serve a network device, on every kernel.
 * - A memory table may have 512 regions (module parameter max_mem_regions).
 */

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * VIADUCT_NODE - name of the device node below /dev
 *
 * The module parameter node=vhost-net replaces it by the in-tree module's.
 */
#define VIADUCT_NODE "viaduct-net"

/**
 * VIADUCT_IOC - type byte of the ioctls that only this device has
 *
 * Linux's ioctl-number.rst lists no user of it. Numbers 0x00 to 0x1f belong to
 * this device.
 */
#define VIADUCT_IOC 0xd6

/**
 * VIADUCT_HIDE_FEATURES - withdraw feature bits from this descriptor
 *
 * Argument: pointer to a __u64 with the bits to hide. VHOST_GET_FEATURES does
 * not report them any more and VHOST_SET_FEATURES refuses them, so that the
 * guest can migrate to a host whose kernel lacks them. Bits that are not offered
 * are ignored. A bit stays hidden until the last close, also across
 * VHOST_RESET_OWNER. The module parameter hide_features does the same for every
 * descriptor.
 *
 * Needs no owner: a management program may issue it before it passes the
 * descriptor on.
 *
 * Return: 0; -EFAULT; -EBUSY if one of the bits has been acked already, and no
 * bit is hidden then.
 */
#define VIADUCT_HIDE_FEATURES	_IOW(VIADUCT_IOC, 0x00, __u64)

/*
 * The same for bits 64 and up, too, laid out as VHOST_SET_FEATURES_ARRAY:
 * @count words, the first for bits 0 to 63. Words that are not given hide
 * nothing; words that the module does not know are not read, because it never
 * offers their bits. In hide_features the words are separated by commas.
 */
struct viaduct_features_array {
	__u64 count;
	__u64 features[];
};

#define VIADUCT_HIDE_FEATURES_ARRAY	_IOW(VIADUCT_IOC, 0x01, struct viaduct_features_array)

/**
 * VIADUCT_WORKER_PER_RING - give each ring a worker of its own
 *
 * No argument. If one worker runs both rings, TX moves to another one, which is
 * created if there is no idle one; else nothing changes. No packet is lost or
 * reordered. The thread is created on behalf of the owner and counts in the owner's
 * limits. Its id is in the descriptor's fdinfo, and its processors can be set by
 * sched_setaffinity().
 *
 * For the owner, and for processes that may trace it (PTRACE_MODE_ATTACH), which can
 * get the descriptor by pidfd_getfd(). The checks of security modules are made there,
 * not by this ioctl.
 *
 * Return: 0; -EPERM if the caller lacks permission; -ESRCH if the owner's
 * process has ended; -ETIMEDOUT if the worker is stopped, frozen or blocked for
 * 5 s; -EINTR if the caller is killed; -EAGAIN or -ENOMEM if a limit of the
 * owner is reached.
 */
#define VIADUCT_WORKER_PER_RING	_IO(VIADUCT_IOC, 0x02)

#endif /* _UAPI_LINUX_VIADUCT_H */
