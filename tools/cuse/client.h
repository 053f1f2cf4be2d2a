/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that calls an ioctl, and its descriptors. */
#ifndef VDC_CLIENT_H
#define VDC_CLIENT_H

#include <linux/types.h>
#include <sys/types.h>

/**
 * struct vdc_client - the caller of an ioctl
 * @tid: its thread, which waits in the ioctl: the number cannot be reused
 * @tgid: its process
 */
struct vdc_client {
	pid_t tid;
	pid_t tgid;
};

/**
 * struct vdc_owner - the process that has called SET_OWNER
 * @tgid: its number, or 0 if there is no owner
 * @pidfd: descriptor of the process, or -1
 */
struct vdc_owner {
	pid_t tgid;
	int pidfd;
};

/**
 * struct vdc_tap - a tap of a client
 * @fd: the descriptor, or -1
 * @hdr_len: bytes of the virtio-net header before each frame, or 0
 * @no_nowait: its driver does not support RWF_NOWAIT
 */
struct vdc_tap {
	int fd;
	unsigned int hdr_len;
	bool no_nowait;
};

int vdc_client_init(struct vdc_client *c, pid_t tid);
int vdc_client_get_eventfd(const struct vdc_client *c, int fd);
int vdc_client_get_tap(const struct vdc_client *c, int fd, struct vdc_tap *tap);
int vdc_owner_set(struct vdc_owner *owner, const struct vdc_client *c);
void vdc_owner_clear(struct vdc_owner *owner);
bool vdc_owner_is(const struct vdc_owner *owner, const struct vdc_client *c);

#endif
