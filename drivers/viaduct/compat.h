/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel differences, newest first, and nothing else: no other file of the
 * module depends on one. Kbuild probes the target's headers and defines
 * VD_HAVE_*; macros of UAPI headers are tested directly. Kernel versions are
 * never tested, because vendor kernels carry backports.
 */
#ifndef VD_COMPAT_H
#define VD_COMPAT_H

#include <linux/eventfd.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>

/* 6.17, and stable kernels before: what kind of thread a worker is. */
#ifndef VHOST_SET_FORK_FROM_OWNER
#define VHOST_FORK_OWNER_KTHREAD	0
#define VHOST_SET_FORK_FROM_OWNER	_IOW(VHOST_VIRTIO, 0x84, __u8)
#define VHOST_GET_FORK_FROM_OWNER	_IOR(VHOST_VIRTIO, 0x85, __u8)
#endif

/* 6.8 dropped the count from eventfd_signal(): it was 1 everywhere. */
static inline void vd_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef VD_HAVE_EVENTFD_SIGNAL_COUNT
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

/* 6.4: workers that user space manages. */
#ifndef VHOST_NEW_WORKER
struct vhost_worker_state {
	__u32 worker_id;
};

struct vhost_vring_worker {
	__u32 index;
	__u32 worker_id;
};

#define VHOST_NEW_WORKER		_IOR(VHOST_VIRTIO, 0x08, struct vhost_worker_state)
#define VHOST_FREE_WORKER		_IOW(VHOST_VIRTIO, 0x09, struct vhost_worker_state)
#define VHOST_ATTACH_VRING_WORKER	_IOW(VHOST_VIRTIO, 0x15, struct vhost_vring_worker)
#define VHOST_GET_VRING_WORKER		_IOWR(VHOST_VIRTIO, 0x16, struct vhost_vring_worker)
#endif

/* 6.2. */
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

#endif
