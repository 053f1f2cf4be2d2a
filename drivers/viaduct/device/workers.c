// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workers of a device. By default SET_OWNER creates one, which runs both
 * rings; the client may create more and assign rings to them. ioctls.rst lists
 * the errnos of these ioctls. All functions need the device's mutex.
 *
 * A worker's id is its index in the table. The first has id 0; its thread has
 * no number in its name.
 */
#include <linux/limits.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device/workers.h"

bool vd_worker_per_ring;
bool vd_fork_from_owner_default = VD_THREAD_CAN_FORK;

static struct vd_worker *vd_workers_find(struct vd_device *dev, u32 id)
{
	lockdep_assert_held(&dev->lock);
	if (id >= VD_MAX_WORKERS)
		return NULL;
	return dev->worker[array_index_nospec(id, VD_MAX_WORKERS)];
}

static u32 vd_workers_id(const struct vd_device *dev,
			 const struct vd_worker *worker)
{
	u32 id = 0;

	while (dev->worker[id] != worker)
		id++;
	return id;
}

/**
 * vd_workers_add() - create a worker
 * @dev: a device with an owner
 * @old: NULL if the owner is the caller; else an existing worker of the owner
 * @process: the owner's process, with @old
 *
 * Context: device mutex held.
 * Return: the worker's id; -ENOSPC if there are VD_MAX_WORKERS; or the errno of
 * vd_worker_start() or vd_worker_start_beside().
 */
int vd_workers_add(struct vd_device *dev, struct vd_worker *old,
		   struct task_struct *process)
{
	struct vd_worker *worker;
	int id = 0, err;

	lockdep_assert_held(&dev->lock);
	while (id < VD_MAX_WORKERS && dev->worker[id])
		id++;
	if (id == VD_MAX_WORKERS)
		return -ENOSPC;
	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return -ENOMEM;
	if (old)
		err = vd_worker_start_beside(worker, old, process,
					     dev->owner.pid, id);
	else
		err = vd_worker_start(worker, dev->owner.mm,
				      dev->fork_from_owner, dev->owner.pid, id);
	if (err) {
		kfree(worker);
		return err;
	}
	spin_lock(&dev->info_lock);
	dev->worker[id] = worker;
	spin_unlock(&dev->info_lock);
	return id;
}

static void vd_workers_remove(struct vd_device *dev, u32 id)
{
	struct vd_worker *worker = dev->worker[id];

	lockdep_assert_held(&dev->lock);
	vd_worker_stop(worker);
	spin_lock(&dev->info_lock);
	dev->worker[id] = NULL;
	spin_unlock(&dev->info_lock);
	put_pid(worker->thread.id);
	kfree(worker);
}

/**
 * vd_workers_start() - create the workers that a device has by default
 * @dev: a device with an owner, but without workers
 *
 * Context: device mutex held, called by the owner.
 * Return: 0, or an errno with no worker left.
 */
int vd_workers_start(struct vd_device *dev)
{
	int i, nr = vd_worker_per_ring ? VD_NR_QUEUES : 1;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < nr; i++) {
		int id = vd_workers_add(dev, NULL, NULL);

		if (id < 0) {
			vd_workers_stop(dev);
			return id;
		}
	}
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_worker(&dev->queue[i], dev->worker[i % nr],
				    dev->owner.pid);
	return 0;
}

/**
 * vd_workers_stop() - finish all queued jobs and end the workers
 * @dev: a device, with or without workers; its queues must not be woken any
 *	 more
 *
 * Context: device mutex held.
 */
void vd_workers_stop(struct vd_device *dev)
{
	u32 id;
	int i;

	lockdep_assert_held(&dev->lock);
	for (id = 0; id < VD_MAX_WORKERS; id++)
		if (dev->worker[id])
			vd_workers_remove(dev, id);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_worker(&dev->queue[i], NULL, 0);
}

/**
 * vd_workers_flush() - wait until all jobs queued so far have run
 * @dev: the device
 *
 * Context: device mutex held.
 */
void vd_workers_flush(struct vd_device *dev)
{
	u32 id;

	lockdep_assert_held(&dev->lock);
	for (id = 0; id < VD_MAX_WORKERS; id++)
		if (dev->worker[id])
			vd_worker_flush(dev->worker[id]);
}

/* Make page faults in jobs fail, before the device is destroyed. */
void vd_workers_abort_faults(struct vd_device *dev)
{
	u32 id;

	lockdep_assert_held(&dev->lock);
	for (id = 0; id < VD_MAX_WORKERS; id++)
		if (dev->worker[id])
			vd_worker_abort_faults_begin(dev->worker[id], NULL, NULL,
						     VD_ABORT_SOON);
}

/* VHOST_GET_FORK_FROM_OWNER: 1 if workers are threads of the owner. */
long vd_workers_get_fork(struct vd_device *dev, void __user *arg)
{
	return put_user(dev->fork_from_owner ? VHOST_FORK_OWNER_TASK :
					       VHOST_FORK_OWNER_KTHREAD,
			(u8 __user *)arg);
}

/* VHOST_SET_FORK_FROM_OWNER: in effect until RESET_OWNER. */
long vd_workers_set_fork(struct vd_device *dev, void __user *arg)
{
	u8 mode;

	lockdep_assert_held(&dev->lock);
	if (dev->owner.mm)
		return -EBUSY;
	if (get_user(mode, (u8 __user *)arg))
		return -EFAULT;
	if (mode != VHOST_FORK_OWNER_KTHREAD &&
	    (mode != VHOST_FORK_OWNER_TASK || !VD_THREAD_CAN_FORK))
		return -EINVAL;
	dev->fork_from_owner = mode == VHOST_FORK_OWNER_TASK;
	return 0;
}

/*
 * VHOST_NEW_WORKER: a thread of the same kind as the first, idle until a ring is
 * attached to it.
 */
long vd_workers_new(struct vd_device *dev, void __user *arg)
{
	struct vhost_worker_state __user *state = arg;
	int id = vd_workers_add(dev, NULL, NULL);

	if (id < 0)
		return id;
	if (put_user(id, &state->worker_id)) {
		vd_workers_remove(dev, id);
		return -EFAULT;
	}
	return 0;
}

/* VHOST_FREE_WORKER. */
long vd_workers_free(struct vd_device *dev, void __user *arg)
{
	struct vhost_worker_state __user *state = arg;
	struct vd_worker *worker;
	u32 id;
	int i;

	lockdep_assert_held(&dev->lock);
	if (get_user(id, &state->worker_id))
		return -EFAULT;
	worker = vd_workers_find(dev, id);
	if (!worker)
		return -ENODEV;
	for (i = 0; i < VD_NR_QUEUES; i++)
		if (vd_queue_runs_on(&dev->queue[i], worker))
			return -EBUSY;
	vd_workers_remove(dev, id);
	return 0;
}

/* VHOST_ATTACH_VRING_WORKER; the queue may be running. */
long vd_workers_attach(struct vd_device *dev, struct vd_queue *q,
		       void __user *arg)
{
	struct vhost_vring_worker w;
	struct vd_worker *worker;

	lockdep_assert_held(&dev->lock);
	if (copy_from_user(&w, arg, sizeof(w)))
		return -EFAULT;
	worker = vd_workers_find(dev, w.worker_id);
	if (!worker)
		return -ENODEV;
	vd_queue_move(q, worker);
	return 0;
}

/* VHOST_GET_VRING_WORKER. */
long vd_workers_get(struct vd_device *dev, struct vd_queue *q,
		    void __user *arg)
{
	struct vhost_vring_worker w = {
		.index = q->dir,
		.worker_id = vd_workers_id(dev, q->work.worker),
	};

	return copy_to_user(arg, &w, sizeof(w)) ? -EFAULT : 0;
}
