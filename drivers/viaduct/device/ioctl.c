// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of ioctls, and the ioctls on the device as a whole.
 *
 * The order of the checks is ABI ("Order of the checks" in ioctls.rst): some
 * ioctls need no owner; all others check the owner first, and an unknown number
 * is treated as an ioctl on a ring.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>
#include <linux/viaduct.h>

#include "compat.h"
#include "device/features.h"
#include "device/ioctl.h"
#include "device/iommu.h"
#include "device/workers.h"
#include "guest/regions.h"

unsigned short vd_max_mem_regions = 512;

/* The caller need not be the owner. */
#define VD_IOCTL_ANYONE	BIT(0)
/* All work queued so far must run before the ioctl returns. */
#define VD_IOCTL_FLUSH	BIT(1)

/**
 * struct vd_ioctl_op - an ioctl on the device
 * @cmd: full number, including direction and size
 * @fn: implementation, called with the device's mutex held
 * @flags: VD_IOCTL_*; by default only the owner may call
 */
struct vd_ioctl_op {
	unsigned int cmd;
	long (*fn)(struct vd_device *dev, void __user *arg);
	unsigned int flags;
};

static long vd_ioctl_get_backend_features(struct vd_device *dev,
					  void __user *arg)
{
	return put_user(VD_BACKEND_FEATURES, (u64 __user *)arg);
}

static long vd_ioctl_set_backend_features(struct vd_device *dev,
					  void __user *arg)
{
	u64 features;

	if (get_user(features, (u64 __user *)arg))
		return -EFAULT;
	if (features & ~VD_BACKEND_FEATURES)
		return -EOPNOTSUPP;
	dev->backend_features = features;
	return 0;
}

static long vd_ioctl_set_owner(struct vd_device *dev, void __user *arg)
{
	return vd_device_set_owner(dev);
}

static long vd_ioctl_reset_owner(struct vd_device *dev, void __user *arg)
{
	return vd_device_reset_owner(dev);
}

/* Copy the table in; a running ring must be able to use it. */
static struct vd_regions *vd_ioctl_get_regions(struct vd_device *dev,
					       struct vhost_memory __user *arg,
					       u32 nr)
{
	struct vhost_memory_region *table;
	struct vd_regions *regions;

	table = kvcalloc(max(nr, 1U), sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(table, arg->regions, nr * sizeof(*table)))
		regions = ERR_PTR(-EFAULT);
	else
		regions = vd_regions_create(table, nr);
	kvfree(table);
	if (IS_ERR(regions) || !vd_device_is_running(dev))
		return regions;
	if (regions->is_user && vd_device_is_loggable(dev, dev->features[0],
						      regions, dev->log_base))
		return regions;
	vd_regions_destroy(regions);
	return ERR_PTR(-EFAULT);
}

static long vd_ioctl_set_mem_table(struct vd_device *dev, void __user *arg)
{
	struct vd_regions *regions;
	struct vhost_memory head;

	if (copy_from_user(&head, arg, offsetof(struct vhost_memory, regions)))
		return -EFAULT;
	if (head.padding)
		return -EOPNOTSUPP;
	if (head.nregions > vd_max_mem_regions)
		return -E2BIG;
	regions = vd_ioctl_get_regions(dev, arg, head.nregions);
	if (IS_ERR(regions))
		return PTR_ERR(regions);
	vd_device_set_regions(dev, regions);
	return 0;
}

static long vd_ioctl_set_log_base(struct vd_device *dev, void __user *arg)
{
	u64 base;
	int i;

	if (get_user(base, (u64 __user *)arg))
		return -EFAULT;
	for (i = 0; i < VD_NR_QUEUES; i++)
		if (!vd_vring_is_log_ok(dev, &dev->queue[i], base))
			return -EFAULT;
	vd_device_set_log_base(dev, base);
	return 0;
}

static long vd_ioctl_set_log_fd(struct vd_device *dev, void __user *arg)
{
	struct eventfd_ctx *log;
	int fd;

	if (get_user(fd, (int __user *)arg))
		return -EFAULT;
	log = vd_eventfd_get(fd);
	if (IS_ERR(log))
		return PTR_ERR(log);
	vd_device_set_log(dev, log);
	return 0;
}

static const struct vd_ioctl_op vd_ioctl_ops[] = {
	{ VHOST_GET_FEATURES, vd_features_get, VD_IOCTL_ANYONE },
	{ VHOST_SET_FEATURES, vd_features_set, VD_IOCTL_ANYONE },
	{ VHOST_GET_FEATURES_ARRAY, vd_features_get_array, VD_IOCTL_ANYONE },
	{ VHOST_SET_FEATURES_ARRAY, vd_features_set_array, VD_IOCTL_ANYONE },
	{ VIADUCT_HIDE_FEATURES, vd_features_hide, VD_IOCTL_ANYONE },
	{ VIADUCT_HIDE_FEATURES_ARRAY, vd_features_hide_array,
	  VD_IOCTL_ANYONE },
	{ VHOST_GET_BACKEND_FEATURES, vd_ioctl_get_backend_features,
	  VD_IOCTL_ANYONE },
	{ VHOST_SET_BACKEND_FEATURES, vd_ioctl_set_backend_features,
	  VD_IOCTL_ANYONE },
	{ VHOST_SET_OWNER, vd_ioctl_set_owner, VD_IOCTL_ANYONE },
	{ VHOST_SET_FORK_FROM_OWNER, vd_workers_set_fork, VD_IOCTL_ANYONE },
	{ VHOST_GET_FORK_FROM_OWNER, vd_workers_get_fork, VD_IOCTL_ANYONE },
	/* Checks whether the caller may trace the owner. */
	{ VIADUCT_WORKER_PER_RING, vd_workers_per_ring, VD_IOCTL_ANYONE },
	/* Must read its argument before it checks the owner itself. */
	{ VHOST_NET_SET_BACKEND, vd_vring_set_backend, VD_IOCTL_ANYONE },
	{ VHOST_RESET_OWNER, vd_ioctl_reset_owner, VD_IOCTL_FLUSH },
	{ VHOST_SET_MEM_TABLE, vd_ioctl_set_mem_table, VD_IOCTL_FLUSH },
	{ VHOST_SET_LOG_BASE, vd_ioctl_set_log_base, VD_IOCTL_FLUSH },
	{ VHOST_SET_LOG_FD, vd_ioctl_set_log_fd, VD_IOCTL_FLUSH },
	{ VHOST_NEW_WORKER, vd_workers_new, VD_IOCTL_FLUSH },
	{ VHOST_FREE_WORKER, vd_workers_free, VD_IOCTL_FLUSH },
};

static const struct vd_ioctl_op *vd_ioctl_find(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vd_ioctl_ops); i++)
		if (vd_ioctl_ops[i].cmd == cmd)
			return &vd_ioctl_ops[i];
	return NULL;
}

static long vd_ioctl_locked(struct vd_device *dev, unsigned int cmd,
			    void __user *arg)
{
	const struct vd_ioctl_op *op = vd_ioctl_find(cmd);
	long ret;

	lockdep_assert_held(&dev->lock);
	if (!(op && op->flags & VD_IOCTL_ANYONE) &&
	    !vd_owner_is_current(&dev->owner))
		return -EPERM;
	if (!op)
		return vd_vring_ioctl(dev, cmd, arg);
	ret = op->fn(dev, arg);
	if (op->flags & VD_IOCTL_FLUSH)
		vd_workers_flush(dev);
	return ret;
}

/**
 * vd_ioctl() - dispatch an ioctl
 * @dev: the device
 * @cmd: number of the ioctl
 * @arg: argument of the ioctl
 *
 * Return: 0; -EINTR if the caller is killed while it waits; or the errnos that
 * ioctls.rst lists for @cmd.
 */
long vd_ioctl(struct vd_device *dev, unsigned int cmd, void __user *arg)
{
	long ret;

	/* The lock holder may be waiting for a run of a handler. */
	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	ret = vd_ioctl_locked(dev, cmd, arg);
	mutex_unlock(&dev->lock);
	return ret;
}
