// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setup, changes and teardown of a queue; run.c has the handler's side.
 *
 * The queue's mutex serialises handler and control. The handler takes it once
 * per run, and a run is bounded, so control waits for at most one run. Between
 * runs only packets that wait for buffers are in flight. Changing a running
 * queue therefore needs no further protocol.
 */
#include <linux/file.h>
#include <linux/virtio_config.h>
#include <linux/vhost.h>

#include "compat.h"
#include "net/queue.h"
#include "net/scratch.h"
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
			vd_worker_abort_faults_begin(worker);
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
 * @other: the other queue of the pair
 * @misses: the device's IOTLB misses
 * @run: the handler
 */
void vd_queue_init(struct vd_queue *q, enum vd_dir dir, struct vd_queue *other,
		   struct vd_misses *misses, void (*run)(struct vd_work *work))
{
	mutex_init(&q->lock);
	/* Both mutexes may be held at once, RX before TX. */
	lockdep_set_subclass(&q->lock, dir);
	q->dir = dir;
	q->other = other;
	q->misses = misses;
	vd_work_init(&q->work, run);
	vd_wait_init(&q->kick_wait, &q->work, EPOLLIN);
	vd_wait_init(&q->socket_wait, &q->work,
		     dir == VD_TX ? EPOLLOUT : EPOLLIN);
	vd_miss_init(&q->miss);
	vd_ring_init(&q->ring, &q->dirty_log);
}

/**
 * vd_queue_reset() - bring a queue back to the state after open
 * @q: a detached queue; its worker may still exist
 *
 * Context: device mutex held. No wake-up reaches the queue afterwards.
 */
void vd_queue_reset(struct vd_queue *q)
{
	vd_queue_set_kick(q, NULL);
	vd_notify_put(vd_queue_swap_event(q, &q->call, NULL));
	vd_notify_put(vd_queue_swap_event(q, &q->err, NULL));
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
	q->kick_wait.wakeups = 0;
	q->socket_wait.wakeups = 0;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_worker() - set the worker that runs the handler
 * @q: a queue that has no wakeup source
 * @worker: a started worker, or NULL
 * @owner: the owner's pid, for messages
 *
 * Context: device mutex held.
 */
void vd_queue_set_worker(struct vd_queue *q, struct vd_worker *worker,
			 pid_t owner)
{
	q->work.worker = worker;
	q->owner = owner;
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
	bool kick, socket;

	if (worker == old)
		return;
	vd_queue_lock(q);
	/*
	 * With both waits off nothing else queues the job: the handler needs
	 * the queue's mutex to do so, control the device's.
	 */
	kick = q->kick_wait.is_on;
	socket = q->socket_wait.is_on;
	vd_wait_stop(&q->kick_wait);
	vd_wait_stop(&q->socket_wait);
	q->work.worker = worker;
	if (kick)
		vd_wait_start(&q->kick_wait);
	if (socket)
		vd_wait_start(&q->socket_wait);
	mutex_unlock(&q->lock);
	/* The old worker may still hold the job, or drop it if it is dead. */
	vd_worker_flush(old);
	/* Wakeups may have been lost while the waits were off. */
	vd_work_queue(&q->work);
}

/**
 * vd_queue_set_features() - set the acked features
 * @q: the queue, running or not: a run sees the old or the new set
 * @features: a checked set of VD_FEATURE_WORDS words
 *
 * Context: device mutex held.
 */
void vd_queue_set_features(struct vd_queue *q, const u64 *features)
{
	vd_queue_lock(q);
	vd_vnet_set_features(&q->vnet, features);
	vd_ring_set_features(&q->ring, features[0]);
	q->log_all = features[0] & BIT_ULL(VHOST_F_LOG_ALL);
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_iotlb() - set whether addresses are translated by an IOTLB
 * @q: the queue, running or not
 * @iotlb: translates I/O addresses; NULL if addresses are not I/O addresses
 * @pages: translated pages of the ring, with @iotlb
 *
 * A change clears the ring's addresses and drops the queue's misses.
 *
 * Context: device mutex held.
 */
void vd_queue_set_iotlb(struct vd_queue *q, const struct vd_iotlb *iotlb,
			struct vd_ring_pages *pages)
{
	vd_queue_lock(q);
	if (q->mem.iotlb != iotlb) {
		vd_ring_set_pages(&q->ring, pages);
		vd_mem_set_iotlb(&q->mem, iotlb);
		vd_miss_drop(q->misses, &q->miss);
	}
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_regions() - replace the memory table
 * @q: the queue, running or not
 * @regions: the new table
 *
 * After return, the queue does not use the old table.
 *
 * Context: device mutex held.
 */
void vd_queue_set_regions(struct vd_queue *q, const struct vd_regions *regions)
{
	vd_queue_lock(q);
	vd_mem_set(&q->mem, regions);
	q->dirty_log.regions = regions;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_log_base() - set the address of the dirty bitmap
 * @q: the queue, running or not
 * @base: user address; the caller must have checked all that will be logged
 *
 * Context: device mutex held.
 */
void vd_queue_set_log_base(struct vd_queue *q, u64 base)
{
	vd_queue_lock(q);
	q->dirty_log.bitmap = base;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_kick() - replace the eventfd by which the guest wakes @q
 * @q: the queue, running or not
 * @kick: file of an eventfd, or NULL; on success its reference passes to the
 *	  queue
 *
 * A kick that the new eventfd already holds wakes the handler.
 *
 * Context: device mutex held; unless @kick is NULL, there must be a worker.
 * Return: 0, or -EINVAL for an eventfd in error; the old one then stays.
 */
int vd_queue_set_kick(struct vd_queue *q, struct file *kick)
{
	struct file *old;

	if (kick && vfs_poll(kick, NULL) & EPOLLERR)
		return -EINVAL;
	vd_queue_lock(q);
	old = q->kick;
	if (kick != old) {
		vd_wait_detach(&q->kick_wait);
		q->kick = kick;
		if (kick && vd_wait_attach(&q->kick_wait, kick) & EPOLLIN)
			vd_work_queue(&q->work);
	}
	mutex_unlock(&q->lock);
	/* If the file did not change, this drops the caller's reference. */
	if (old)
		fput(old);
	return 0;
}

/**
 * vd_queue_swap_event() - replace an eventfd that is signalled
 * @q: the queue, running or not
 * @slot: &vd_queue.call or &vd_queue.err of @q
 * @new: the new eventfd, or NULL
 *
 * Context: device mutex held.
 * Return: the old eventfd, which this queue does not signal any more.
 */
struct eventfd_ctx *vd_queue_swap_event(struct vd_queue *q,
					struct eventfd_ctx **slot,
					struct eventfd_ctx *new)
{
	struct eventfd_ctx *old;

	vd_queue_lock(q);
	old = *slot;
	*slot = new;
	mutex_unlock(&q->lock);
	return old;
}

/* Put @backend into a stopped queue and wake the handler if there is work. */
static void vd_queue_plug(struct vd_queue *q, struct vd_backend *backend)
{
	q->backend = *backend;
	if (vd_wait_attach(&q->socket_wait, backend->file) &
	    q->socket_wait.mask)
		vd_work_queue(&q->work);
}

static void vd_queue_unplug(struct vd_queue *q, struct vd_backend *old)
{
	vd_wait_detach(&q->socket_wait);
	if (q->backend.file)
		vd_scratch_empty(q);
	*old = q->backend;
	memset(&q->backend, 0, sizeof(q->backend));
}

/*
 * The IOTLB has no mapping for the device area, so the ring cannot be attached.
 * A running queue must keep its socket and its pending miss.
 */
static void vd_queue_ask_to_attach(struct vd_queue *q)
{
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

	err = vd_scratch_create(q);
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
			vd_scratch_destroy(q);
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
 * @backend: the socket, which passes to the queue or is dropped
 *
 * Pending work in the ring or the socket starts without a kick.
 *
 * Context: device mutex held, on the owner's mm, may fault.
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
	vd_scratch_destroy(q);
	mutex_unlock(&q->lock);
	vd_backend_put(&old);
}
