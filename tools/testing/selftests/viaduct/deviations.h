/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVIATIONS_H
#define VD_DEVIATIONS_H

/*
 * Intended deviations from the in-tree vhost-net, with reasons. A test case
 * names the row; on viaduct it passes with the reference's result or with the
 * one here. Only deviations without effect on real clients belong in this
 * table.
 */

struct vd_deviation {
	const char *id;
	long viaduct;		/* its result: a value or -errno */
	const char *reason;
};

static const struct vd_deviation vd_deviations[] = {
	{ "mem_table.whole_space", -EFAULT,
	  "size 0 at address 0 names no memory: refused like any other size 0" },
	{ "rx.num_buffers_without_mrg", 1,
	  "virtio 1.2, 5.1.6.4.1: num_buffers is 1 without VIRTIO_NET_F_MRG_RXBUF, as in 6.17" },
	{ "rx.header_length_changed", 3,
	  "frames arrive with the negotiated header, whatever the tap has now" },
	{ "tx.redirected_checksum", 1,
	  "a frame that an XDP program may redirect has a complete checksum" },
	{ "ring.table_and_next", 1,
	  "virtio 1.2, 2.7.5.3.1: a driver must not set both flags" },
	{ "ring.wrong_kind_passed", 0,
	  "the base of a stopped ring is that of the chain that stopped it" },
	{ "features.ring_reset", 1,
	  "a queue can be detached and set up alone on every kernel" },
	{ "worker.works", 0,
	  "network devices may have workers of their own, as other vhost devices may" },
	{ "worker.in_use", -EBUSY,
	  "network devices may have workers of their own, as other vhost devices may" },
	{ "worker.unknown", -ENODEV,
	  "network devices may have workers of their own, as other vhost devices may" },
	{ "fork_from_owner.is_known", 0,
	  "the ioctl exists on every kernel" },
	{ "fork_from_owner.is_busy", -EBUSY,
	  "the ioctl exists on every kernel" },
	{ "fork_from_owner.task", -EINVAL,
	  "6.1 cannot create threads of a process, so there are kernel threads only" },
	{ "iotlb.invalidate_all", 72,
	  "an invalidation of size 0 removes all mappings, as on 6.1 and 6.12" },
	{ "iotlb.ends", -EFAULT,
	  "without ACCESS_PLATFORM the IOTLB is gone, on 6.1 as on 6.12" },
};

#endif
