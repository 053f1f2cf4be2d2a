/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eventfds of a front end. It shares their flags and counters, and can make one
 * block at any time, so that neither read() nor write() may be used on them.
 */
#ifndef VD_NOTIFY_H
#define VD_NOTIFY_H

#include <linux/aio_abi.h>
#include <linux/types.h>

/**
 * struct vd_notify - how to use such eventfds
 * @aio: context for signals; 0 if there is none
 * @ready: descriptor that is always readable
 * @can_probe: the kernel tells eventfds from other descriptors
 * @can_read: the kernel reads them without waiting
 */
struct vd_notify {
	aio_context_t aio;
	int ready;
	bool can_probe;
	bool can_read;
};

int vd_notify_init(struct vd_notify *n);
void vd_notify_fini(struct vd_notify *n);
bool vd_notify_is_eventfd(const struct vd_notify *n, int fd);
int vd_notify_signal(const struct vd_notify *n, int fd);
void vd_notify_clear(const struct vd_notify *n, int fd);

#endif
