/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_IOCTL_H
#define VD_DEVICE_IOCTL_H

#include "device/device.h"

/* The ABI's limit on regions; a module parameter. */
extern unsigned short vd_max_mem_regions;

long vd_ioctl(struct vd_device *dev, unsigned int cmd, void __user *arg);

/* ioctl_features.c: no owner needed */
long vd_features_get(struct vd_device *dev, void __user *arg);
long vd_features_set(struct vd_device *dev, void __user *arg);
long vd_features_get_array(struct vd_device *dev, void __user *arg);
long vd_features_set_array(struct vd_device *dev, void __user *arg);
long vd_features_hide(struct vd_device *dev, void __user *arg);
long vd_features_hide_array(struct vd_device *dev, void __user *arg);

/* vring.c: ioctls with an argument that begins with a ring's index */
long vd_vring_ioctl(struct vd_device *dev, unsigned int cmd,
		    void __user *arg);
bool vd_vring_is_log_ok(struct vd_device *dev, struct vd_queue *q, u64 base);
long vd_vring_set_backend(struct vd_device *dev, void __user *arg);

#endif
