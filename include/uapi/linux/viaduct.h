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
 *  - A memory table may have 512 regions (module parameter max_mem_regions).
 */
#ifndef _UAPI_LINUX_VIADUCT_H
#define _UAPI_LINUX_VIADUCT_H

/* The device node below /dev, unless the module was given node=vhost-net. */
#define VIADUCT_NODE "viaduct-net"

#endif /* _UAPI_LINUX_VIADUCT_H */
