/* SPDX-License-Identifier: GPL-2.0-only */
/* The workers of a device, and their ioctls. */
#ifndef VD_DEVICE_WORKERS_H
#define VD_DEVICE_WORKERS_H

#include "device/device.h"

/* Module parameter: one worker for each ring instead of one for both. */
extern bool vd_worker_per_ring;
/* Module parameter: workers are threads of their owner by default. */
extern bool vd_fork_from_owner_default;

int vd_workers_start(struct vd_device *dev);
void vd_workers_stop(struct vd_device *dev);
void vd_workers_flush(struct vd_device *dev);
void vd_workers_abort_faults(struct vd_device *dev);

int vd_workers_add(struct vd_device *dev, struct vd_worker *old,
		   struct task_struct *process);

long vd_workers_get_fork(struct vd_device *dev, void __user *arg);
long vd_workers_set_fork(struct vd_device *dev, void __user *arg);
long vd_workers_new(struct vd_device *dev, void __user *arg);
long vd_workers_free(struct vd_device *dev, void __user *arg);
long vd_workers_attach(struct vd_device *dev, struct vd_queue *q,
		       void __user *arg);
long vd_workers_get(struct vd_device *dev, struct vd_queue *q,
		    void __user *arg);

/* per_ring.c */
long vd_workers_per_ring(struct vd_device *dev, void __user *arg);

#endif
