// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls on one ring. Each argument begins with the ring's index, which
 * must be checked first, even for unknown ioctls. The argument is then read
 * again as a whole, and its index must not be used again.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>

#include "compat.h"
#include "device/ioctl.h"
#include "device/iommu.h"
#include "device/workers.h"
#include "guest/regions.h"

/**
 * struct vd_vring_op - an ioctl on a ring
 * @cmd: full number, including direction and size
 * @fn: implementation, called by the owner with the device's mutex held
 */
struct vd_vring_op {
	unsigned int cmd;
	long (*fn)(struct vd_device *dev, struct vd_queue *q, void __user *arg);
};

/* Read the argument of an ioctl for which @q must be stopped. */
static int vd_vring_read_stopped(const struct vd_queue *q, void __user *arg,
				 struct vhost_vring_state *s)
{
	if (vd_queue_is_running(q))
		return -EBUSY;
	return copy_from_user(s, arg, sizeof(*s)) ? -EFAULT : 0;
}

static long vd_vring_set_num(struct vd_device *dev, struct vd_queue *q,
			     void __user *arg)
{
	struct vhost_vring_state s;
	int err = vd_vring_read_stopped(q, arg, &s);

	if (err)
		return err;
	if (!is_power_of_2(s.num) || s.num > 0xffff)
		return -EINVAL;
	vd_queue_set_num(q, s.num);
	return 0;
}

static long vd_vring_set_base(struct vd_device *dev, struct vd_queue *q,
			      void __user *arg)
{
	struct vhost_vring_state s;
	int err = vd_vring_read_stopped(q, arg, &s);

	return err ?: vd_queue_set_base(q, s.num);
}

static long vd_vring_get_base(struct vd_device *dev, struct vd_queue *q,
			      void __user *arg)
{
	struct vhost_vring_state s = {
		.index = q->dir,
		.num = vd_queue_get_base(q),
	};

	return copy_to_user(arg, &s, sizeof(s)) ? -EFAULT : 0;
}

static long vd_vring_set_addr(struct vd_device *dev, struct vd_queue *q,
			      void __user *arg)
{
	struct vhost_vring_addr a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if (a.avail_user_addr % VRING_AVAIL_ALIGN_SIZE ||
	    a.used_user_addr % VRING_USED_ALIGN_SIZE ||
	    a.log_guest_addr % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	return vd_queue_set_addr(q, &a);
}

static long vd_vring_set_kick(struct vd_device *dev, struct vd_queue *q,
			      void __user *arg)
{
	struct vhost_vring_file f;
	struct file *kick = NULL;
	long ret;

	if (copy_from_user(&f, arg, sizeof(f)))
		return -EFAULT;
	if (f.fd != VHOST_FILE_UNBIND) {
		kick = eventfd_fget(f.fd);
		if (IS_ERR(kick))
			return PTR_ERR(kick);
	}
	ret = vd_queue_set_kick(q, kick);
	if (ret)
		fput(kick);
	return ret;
}

static long vd_vring_set_event(struct vd_queue *q, void __user *arg,
			       struct eventfd_ctx *(*set)(struct vd_queue *q,
							  struct eventfd_ctx *))
{
	struct vhost_vring_file f;
	struct eventfd_ctx *ctx;

	if (copy_from_user(&f, arg, sizeof(f)))
		return -EFAULT;
	ctx = vd_eventfd_get(f.fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	vd_eventfd_put(set(q, ctx));
	return 0;
}

static long vd_vring_set_call(struct vd_device *dev, struct vd_queue *q,
			      void __user *arg)
{
	return vd_vring_set_event(q, arg, vd_queue_set_call);
}

static long vd_vring_set_err(struct vd_device *dev, struct vd_queue *q,
			     void __user *arg)
{
	return vd_vring_set_event(q, arg, vd_queue_set_err);
}

static long vd_vring_set_busyloop(struct vd_device *dev, struct vd_queue *q,
				  void __user *arg)
{
	struct vhost_vring_state s;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	vd_queue_set_busyloop(q, s.num);
	return 0;
}

static long vd_vring_get_busyloop(struct vd_device *dev, struct vd_queue *q,
				  void __user *arg)
{
	struct vhost_vring_state s = { .index = q->dir, .num = q->busyloop };

	return copy_to_user(arg, &s, sizeof(s)) ? -EFAULT : 0;
}

static const struct vd_vring_op vd_vring_ops[] = {
	{ VHOST_SET_VRING_NUM,			vd_vring_set_num },
	{ VHOST_SET_VRING_BASE,			vd_vring_set_base },
	{ VHOST_GET_VRING_BASE,			vd_vring_get_base },
	{ VHOST_SET_VRING_ADDR,			vd_vring_set_addr },
	{ VHOST_SET_VRING_KICK,			vd_vring_set_kick },
	{ VHOST_SET_VRING_CALL,			vd_vring_set_call },
	{ VHOST_SET_VRING_ERR,			vd_vring_set_err },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT,	vd_vring_set_busyloop },
	{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT,	vd_vring_get_busyloop },
	{ VHOST_ATTACH_VRING_WORKER,		vd_workers_attach },
	{ VHOST_GET_VRING_WORKER,		vd_workers_get },
};

/**
 * vd_vring_ioctl() - dispatch an ioctl on a ring
 * @dev: the device
 * @cmd: number of the ioctl
 * @arg: argument of the ioctl
 *
 * Return: 0; -EFAULT; -ENOBUFS for a ring that does not exist; -ENOTTY for an
 * unknown ioctl; or the errors of the ioctl itself.
 */
long vd_vring_ioctl(struct vd_device *dev, unsigned int cmd, void __user *arg)
{
	u32 idx;
	int i;

	lockdep_assert_held(&dev->lock);
	if (get_user(idx, (u32 __user *)arg))
		return -EFAULT;
	if (idx >= VD_NR_QUEUES)
		return -ENOBUFS;
	idx = array_index_nospec(idx, VD_NR_QUEUES);
	for (i = 0; i < ARRAY_SIZE(vd_vring_ops); i++)
		if (vd_vring_ops[i].cmd == cmd)
			return vd_vring_ops[i].fn(dev, &dev->queue[idx], arg);
	return -ENOTTY;
}

/* Whether @q, if it runs, can use the dirty bitmap at @base. */
bool vd_vring_is_log_ok(struct vd_device *dev, struct vd_queue *q, u64 base)
{
	return !vd_queue_is_running(q) ||
	       (vd_device_is_loggable(dev, dev->features[0], dev->regions, base) &&
		vd_queue_can_log(q, base));
}

/* VHOST_NET_SET_BACKEND (ioctls.rst): start, move or stop a ring. */
long vd_vring_set_backend(struct vd_device *dev, void __user *arg)
{
	struct vd_backend backend = {};
	struct vhost_vring_file f;
	struct vd_queue *q;
	int err;

	lockdep_assert_held(&dev->lock);
	if (copy_from_user(&f, arg, sizeof(f)))
		return -EFAULT;
	if (!vd_owner_is_current(&dev->owner))
		return -EPERM;
	if (f.index >= VD_NR_QUEUES)
		return -ENOBUFS;
	q = &dev->queue[array_index_nospec(f.index, VD_NR_QUEUES)];

	/* The client must not read a stale miss after it stops a ring. */
	if (f.fd == VHOST_FILE_UNBIND)
		vd_iommu_drop_misses(dev);
	/* vhost-net checks this for -1 too; clients rely on the errno. */
	if (!dev->regions || !dev->regions->is_user ||
	    !vd_device_is_loggable(dev, dev->features[0], dev->regions,
				   dev->log_base) ||
	    !vd_queue_has_areas(q) || !vd_queue_can_log(q, dev->log_base))
		return -EFAULT;
	if (f.fd == VHOST_FILE_UNBIND) {
		vd_queue_detach(q);
		return 0;
	}
	err = vd_backend_get(&backend, f.fd);
	if (err)
		return err;
	return vd_queue_attach(q, &backend);
}
