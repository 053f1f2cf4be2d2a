// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set up, start, stop and move a queue. control.c changes its parameters, run.c
 * has the handler's side.
 *
 * The queue's mutex serialises handler and control. The handler takes it once
 * per run, and a run is bounded, so control waits for at most one run. Between
 * runs only packets that wait for buffers are in flight. Changing a running
 * queue therefore needs no further protocol.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "compat.h"
#include "net/queue.h"
#include "trace.h"

/**
 * vd_queue_lock() - take a queue's mutex for a change
 * @q: the queue
 *
 * The handler holds the mutex for a run, which may block in a page fault. A
 * killed caller may be the program that must provide the page: abort the fault.
 *
 * Context: device mutex held, may sleep.
 */
void vd_queue_lock(struct vd_queue *q)
{
	struct vd_worker *worker = q->work.worker;

	atomic_inc(&q->wanted);
	if (mutex_lock_killable(&q->lock)) {
		/* Without a worker, no handler holds the mutex. */
		if (worker)
			vd_worker_abort_faults_begin(worker, &q->work, NULL,
						     VD_ABORT_LATE);
		mutex_lock(&q->lock);
		if (worker)
			vd_worker_abort_faults_end(worker);
	}
	atomic_dec(&q->wanted);
}

/**
 * vd_queue_init() - initialise a queue to its state after open
 * @q: zeroed memory
 * @dir: direction of the queue
 * @ops: the handler of that direction
 * @other: the other queue of the pair
 * @misses: the device's IOTLB misses
 */
void vd_queue_init(struct vd_queue *q, enum vd_dir dir,
		   const struct vd_queue_ops *ops, struct vd_queue *other,
		   struct vd_misses *misses)
{
	mutex_init(&q->lock);
	/* Both mutexes may be held at once, RX before TX. */
	lockdep_set_subclass(&q->lock, dir);
	q->dir = dir;
	q->ops = ops;
	q->other = other;
	q->misses = misses;
	vd_work_init(&q->work, ops->run);
	vd_poll_init(&q->kick_poll, &q->work, EPOLLIN);
	vd_poll_init(&q->socket_poll, &q->work, ops->ready);
	vd_miss_init(&q->miss);
	vd_ring_init(&q->ring, &q->dirty_log);
}

/* @q must be detached. No wakeup reaches the queue afterwards. */
void vd_queue_reset(struct vd_queue *q)
{
	vd_queue_set_kick(q, NULL);
	vd_eventfd_put(vd_queue_set_call(q, NULL));
	vd_eventfd_put(vd_queue_set_err(q, NULL));
	vd_queue_set_iotlb(q, NULL, NULL);

	vd_queue_lock(q);
	memset(&q->dirty_log, 0, sizeof(q->dirty_log));
	vd_ring_init(&q->ring, &q->dirty_log);
	vd_mem_set(&q->mem, NULL);
	memset(&q->vnet, 0, sizeof(q->vnet));
	memset(&q->stats, 0, sizeof(q->stats));
	q->busyloop = 0;
	q->log_all = false;
	q->broken = false;
	q->broken_err = 0;
	q->is_armed = false;
	q->kick_poll.wakeups = 0;
	q->socket_poll.wakeups = 0;
	mutex_unlock(&q->lock);
}

/* @q must have no wakeup source. @owner is the owner's pid, for messages. */
void vd_queue_set_worker(struct vd_queue *q, struct vd_worker *worker,
			 pid_t owner)
{
	q->work.worker = worker;
	q->owner = owner;
}

static void vd_queue_switch(struct vd_queue *q, struct vd_worker *worker)
{
	bool kick = q->kick_poll.is_on, socket = q->socket_poll.is_on;

	lockdep_assert_held(&q->lock);
	/*
	 * With both polls stopped nothing else queues the job: the handler needs
	 * the queue's mutex to do so, control the device's.
	 */
	vd_poll_stop(&q->kick_poll);
	vd_poll_stop(&q->socket_poll);
	q->work.worker = worker;
	if (kick)
		vd_poll_start(&q->kick_poll);
	if (socket)
		vd_poll_start(&q->socket_poll);
}

/**
 * vd_queue_move() - move the handler to another worker
 * @q: the queue, running or not, which must have a worker
 * @worker: a started worker
 *
 * After return, the old worker does not use the queue.
 *
 * Context: device mutex held.
 */
void vd_queue_move(struct vd_queue *q, struct vd_worker *worker)
{
	struct vd_worker *old = q->work.worker;

	if (worker == old)
		return;
	vd_queue_lock(q);
	vd_queue_switch(q, worker);
	mutex_unlock(&q->lock);
	/* The old worker may still hold the job, or drop it if it is dead. */
	vd_worker_flush(old);
	/* Wakeups may have been lost while the polls were stopped. */
	vd_work_queue(&q->work);
}

/*
 * For a caller other than the owner. It must not wait for the owner's progress:
 * if the owner is stopped, the old worker may run the handler once more when
 * the owner continues. Returns -EINTR with nothing changed if the caller is
 * killed.
 */
int vd_queue_move_killable(struct vd_queue *q, struct vd_worker *worker)
{
	struct vd_worker *old = q->work.worker;
	int err;

	atomic_inc(&q->wanted);
	err = mutex_lock_killable(&q->lock);
	atomic_dec(&q->wanted);
	if (err)
		return err;
	vd_queue_switch(q, worker);
	mutex_unlock(&q->lock);
	vd_worker_let_finish(old);
	/* Wakeups may have been lost while the polls were stopped. */
	vd_work_queue(&q->work);
	return 0;
}

static int vd_queue_alloc(struct vd_queue *q)
{
	struct vd_batch *batch;
	int err;

	lockdep_assert_held(&q->lock);
	if (q->batch)
		return 0;
	batch = kvmalloc(struct_size(batch, chain, q->ops->nr_chains),
			 GFP_KERNEL_ACCOUNT);
	if (!batch)
		return -ENOMEM;
	err = q->ops->alloc(q);
	if (err) {
		kvfree(batch);
		return err;
	}
	batch->max = q->ops->nr_chains;
	vd_batch_reset(batch);
	q->batch = batch;
	return 0;
}

static void vd_queue_free(struct vd_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (!q->batch)
		return;
	q->ops->free(q);
	kvfree(q->batch);
	q->batch = NULL;
}

/* Put @backend into a stopped queue and wake the handler if there is work. */
static void vd_queue_plug(struct vd_queue *q, struct vd_backend *backend)
{
	lockdep_assert_held(&q->lock);
	q->backend = *backend;
	if (vd_poll_attach(&q->socket_poll, backend->file) &
	    q->socket_poll.mask)
		vd_work_queue(&q->work);
}

static void vd_queue_unplug(struct vd_queue *q, struct vd_backend *old)
{
	lockdep_assert_held(&q->lock);
	vd_poll_detach(&q->socket_poll);
	if (q->backend.file)
		q->ops->reset(q);
	*old = q->backend;
	memset(&q->backend, 0, sizeof(q->backend));
}

/*
 * The IOTLB has no mapping for the device area, so the ring cannot be attached.
 * A running queue must keep its socket and its pending miss.
 */
static void vd_queue_ask_to_attach(struct vd_queue *q)
{
	lockdep_assert_held(&q->lock);
	q->stats.misses++;
	trace_vd_miss(q->device, q->owner, q->dir, -EAGAIN);
	vd_miss_report_aside(q->misses, &q->miss, &q->mem.miss);
	if (q->err)
		vd_compat_eventfd_signal(q->err);
}

static int vd_queue_attach_locked(struct vd_queue *q,
				  struct vd_backend *backend,
				  struct vd_backend *old)
{
	u16 used_idx;
	int err;

	lockdep_assert_held(&q->lock);
	err = vd_queue_alloc(q);
	if (err)
		return err;
	err = vd_ring_probe(&q->ring, &q->mem, &used_idx);
	if (err == -EAGAIN) {
		vd_queue_ask_to_attach(q);
		err = -EFAULT;
	}
	if (!err && vfs_poll(backend->file, NULL) & EPOLLERR)
		err = -EINVAL;
	if (err) {
		if (!q->backend.file)
			vd_queue_free(q);
		return err;
	}
	vd_queue_unplug(q, old);
	vd_ring_start(&q->ring, used_idx);
	q->broken = false;
	q->broken_err = 0;
	vd_queue_plug(q, backend);
	return 0;
}

/**
 * vd_queue_attach() - start a queue, or move a running one to another socket
 * @q: the queue; ring and memory table have been checked
 * @backend: the socket; its reference passes to the queue or is dropped
 *
 * Work that is pending in the ring or the socket needs no kick to start.
 *
 * Context: on the owner's mm, may fault.
 * Return: 0; -ENOMEM; -EFAULT if the used ring cannot be accessed; -EINVAL if
 * the socket is in error. On error a running queue keeps its old socket.
 */
int vd_queue_attach(struct vd_queue *q, struct vd_backend *backend)
{
	struct vd_backend old = {};
	int err = 0;

	vd_queue_lock(q);
	if (q->backend.file == backend->file && !q->broken)
		old = *backend;
	else
		err = vd_queue_attach_locked(q, backend, &old);
	vd_queue_log_notify(q);
	mutex_unlock(&q->lock);
	if (err)
		vd_backend_put(backend);
	vd_backend_put(&old);
	return err;
}

/**
 * vd_queue_detach() - stop a queue
 * @q: the queue, running or not
 *
 * After return, the handler does not touch ring, buffers or socket: all
 * completed chains are published, and all others are still available.
 *
 * Context: device mutex held.
 */
void vd_queue_detach(struct vd_queue *q)
{
	struct vd_backend old;

	vd_queue_lock(q);
	vd_queue_unplug(q, &old);
	/* The last run may have reported a miss. */
	vd_miss_drop(q->misses, &q->miss);
	vd_queue_free(q);
	mutex_unlock(&q->lock);
	vd_backend_put(&old);
}
