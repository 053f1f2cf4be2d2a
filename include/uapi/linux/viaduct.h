/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What viaduct adds to the ABI of <linux/vhost.h>.
 *
 * The device speaks that ABI, under a node name of its own so that it can be
 * loaded beside the in-tree module. Additions that need no call:
 *
 *  - VIRTIO_F_RING_RESET (bit 40) is offered on every kernel: a ring can be
 *    detached by VHOST_NET_SET_BACKEND with -1, given another size, base and
 *    addresses, and attached again while the other ring runs.
 *  - A ring that fails a check is stopped until it is attached again, and its
 *    error eventfd (VHOST_SET_VRING_ERR) is signalled once.
 *  - VHOST_NEW_WORKER, VHOST_FREE_WORKER, VHOST_ATTACH_VRING_WORKER and
 *    VHOST_GET_VRING_WORKER serve a network device, on every kernel.
 *  - A memory table may have 512 regions (module parameter max_mem_regions).
 */
#ifndef _UAPI_LINUX_VIADUCT_H
#define _UAPI_LINUX_VIADUCT_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The device node below /dev, unless the module was given node=vhost-net. */
#define VIADUCT_NODE "viaduct-net"

/*
 * Hide feature bits on this descriptor, so that guests can migrate to a host
 * whose kernel lacks them: VHOST_GET_FEATURES does not show them any more, and
 * VHOST_SET_FEATURES refuses them. What is hidden stays so until the last
 * close; the module parameter hide_features does the same for every descriptor.
 * Meant for a program that opens the descriptor and hands it on; needs no owner.
 *
 * EFAULT; EBUSY when a bit of it is acked already, and nothing is hidden.
 */
#define VIADUCT_HIDE_FEATURES	_IOW('V', 0x60, __u64)

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

#define VIADUCT_HIDE_FEATURES_ARRAY	_IOW('V', 0x61, struct viaduct_features_array)

#endif /* _UAPI_LINUX_VIADUCT_H */
