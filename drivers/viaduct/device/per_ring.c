// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker for each ring of a running device, created on behalf of the owner: the
 * caller need not be the owner.
 */
#include <linux/sched/task.h>

#include "device/workers.h"

/* Returns the id of a worker to which no ring is attached, or -ENOENT. */
static int vd_workers_find_idle(const struct vd_device *dev)
{
	int id;

	for (id = 0; id < VD_MAX_WORKERS; id++)
		if (dev->worker[id] &&
		    !vd_queue_runs_on(&dev->queue[VD_RX], dev->worker[id]) &&
		    !vd_queue_runs_on(&dev->queue[VD_TX], dev->worker[id]))
			return id;
	return -ENOENT;
}

static int vd_workers_separate(struct vd_device *dev,
			       struct task_struct *process)
{
	struct vd_queue *tx = &dev->queue[VD_TX];
	struct vd_worker *old = tx->work.worker;
	int err, id;

	if (!vd_owner_may_trace(&dev->owner, process))
		return -EPERM;
	if (!vd_queue_runs_on(&dev->queue[VD_RX], old))
		return 0;
	/* A worker that does not respond would not release the ring. */
	err = vd_worker_ping(old);
	if (err)
		return err;
	id = vd_workers_find_idle(dev);
	if (id < 0)
		id = vd_workers_add(dev, old, process);
	if (id < 0)
		return id;
	err = vd_queue_move_killable(tx, dev->worker[id]);
	/* Its first run makes its thread id known, for sched_setaffinity(). */
	if (!err)
		vd_worker_ping(dev->worker[id]);
	return err;
}

/**
 * vd_workers_per_ring() - the ioctl VIADUCT_WORKER_PER_RING
 * @dev: the device
 * @arg: not used
 *
 * If both rings run on one worker, TX moves to an idle worker, or to a new one
 * if none is idle. The table then has room, because there is only one worker.
 *
 * Context: device mutex held, called by any process.
 * Return: 0; -EPERM without owner or for a caller that may not trace it; -ESRCH if its
 * process has ended; -ETIMEDOUT if the worker does not respond; -EINTR if the caller
 * is killed; or the errno of vd_workers_add().
 */
long vd_workers_per_ring(struct vd_device *dev, void __user *arg)
{
	struct task_struct *process;
	int err;

	lockdep_assert_held(&dev->lock);
	if (!dev->owner.mm)
		return -EPERM;
	process = vd_owner_get_process(&dev->owner);
	if (!process)
		return -ESRCH;
	err = vd_workers_separate(dev, process);
	put_task_struct(process);
	return err;
}
