/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_DEV_H
#define VGUEST_DEV_H

#include <linux/vhost.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The vhost ioctls as functions that return 0 or -errno. Each takes the
 * descriptor itself, so that a test may pass a wrong one.
 */

#define VG_RX	0	/* queue numbers: the guest receives ... */
#define VG_TX	1	/* ... and transmits */

#ifndef VHOST_BACKEND_F_IOTLB_MSG_V2
#define VHOST_BACKEND_F_IOTLB_MSG_V2	0x1
#endif

/* Newer than the headers of the oldest system this builds on. */
#define VG_SET_FORK_FROM_OWNER	_IOW(VHOST_VIRTIO, 0x84, __u8)
#define VG_GET_FORK_FROM_OWNER	_IOR(VHOST_VIRTIO, 0x85, __u8)
#define VG_NEW_WORKER		_IOR(VHOST_VIRTIO, 0x8, __u32)
#define VG_FREE_WORKER		_IOW(VHOST_VIRTIO, 0x9, __u32)
#define VG_ATTACH_VRING_WORKER	_IOW(VHOST_VIRTIO, 0x15, __u64)
#define VG_GET_VRING_WORKER	_IOWR(VHOST_VIRTIO, 0x16, __u64)

/* Words of an array, the first of them for bits 0 to 63. */
#define VG_GET_FEATURES_ARRAY	_IOR(VHOST_VIRTIO, 0x83, __u64)
#define VG_SET_FEATURES_ARRAY	_IOW(VHOST_VIRTIO, 0x83, __u64)
#define VG_FEATURE_WORDS	2

/* In the second word. */
#define VG_NET_F_GUEST_TUNNEL	(1ULL << (65 - 64))
#define VG_NET_F_HOST_TUNNEL	(1ULL << (67 - 64))

/* Device path of this run: $VD_DEVICE or /dev/viaduct-net. */
const char *vg_dev_path(void);
/* Is the device under test the kernel's own vhost-net? */
bool vg_dev_is_reference(void);
/* PREEMPT_RT, where every frame goes by the sendmsg() of the tap. */
bool vg_kernel_is_rt(void);
/* A descriptor or -errno; @path NULL for vg_dev_path(). */
int vg_dev_open(const char *path);

int vg_ioctl(int fd, unsigned long request, void *arg);

int vg_get_features(int fd, uint64_t *features);
int vg_set_features(int fd, uint64_t features);
int vg_get_features_array(int fd, uint64_t features[VG_FEATURE_WORDS]);
int vg_set_features_array(int fd, const uint64_t features[VG_FEATURE_WORDS]);
int vg_get_backend_features(int fd, uint64_t *features);
int vg_set_backend_features(int fd, uint64_t features);
/*
 * The kind of workers that vg_set_owner() chooses first: 1 threads of the owner,
 * 0 kernel threads, -1 the device's default.
 */
extern int vg_fork_from_owner;
int vg_set_owner(int fd);
int vg_reset_owner(int fd);
int vg_set_mem_table(int fd, const struct vhost_memory *table);
int vg_set_log_base(int fd, uint64_t base);
int vg_set_log_fd(int fd, int log_fd);

int vg_set_vring_num(int fd, unsigned int index, unsigned int num);
int vg_set_vring_addr(int fd, const struct vhost_vring_addr *addr);
int vg_set_vring_base(int fd, unsigned int index, unsigned int base);
int vg_get_vring_base(int fd, unsigned int index, unsigned int *base);
int vg_set_vring_kick(int fd, unsigned int index, int event_fd);
int vg_set_vring_call(int fd, unsigned int index, int event_fd);
int vg_set_vring_err(int fd, unsigned int index, int event_fd);
int vg_set_backend(int fd, unsigned int index, int socket_fd);

#endif
