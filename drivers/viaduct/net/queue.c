// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting a queue up, changing it, stopping it; run.c has what happens in
 * between.
 *
 * The queue's mutex decides between handler and control. The handler takes
 * it once a run, and a run is bounded, so control waits for one run at the
 * most; between two runs nothing is in flight but packets that wait for
 * buffers. Changing a running queue therefore needs no further protocol.
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
 * The handler releases it after a run, which may be blocked by a page fault. A
 * caller that is being killed may be the program that has to provide the page.
 *
 * Context: device mutex held, may sleep.
 */
void vd_queue_lock(struct vd_queue *q)
{
	struct vd_worker *worker = q->work.worker;

	atomic_inc(&q->wanted);
	if (mutex_lock_killable(&q->lock)) {
		/* Without a worker no run holds the mutex. */
		if (worker)
			vd_worker_abort_faults_begin(worker);
		mutex_lock(&q->lock);
		if (worker)
			vd_worker_abort_faults_end(worker);
	}
	atomic_dec(&q->wanted);
}

/**
 * vd_queue_init() - a queue as it is after open
 * @q: zeroed memory
 * @dir: its direction
 * @other: the other queue of the pair
 * @misses: the device's questions
 * @run: the handler
 */
void vd_queue_init(struct vd_queue *q, enum vd_dir dir, struct vd_queue *other,
		   struct vd_misses *misses, void (*run)(struct vd_work *work))
{
	mutex_init(&q->lock);
	/* Both are taken at times, in this order. */
	lockdep_set_subclass(&q->lock, dir);
	q->dir = dir;
	q->other = other;
	q->misses = misses;
	vd_work_init(&q->work, run);
	vd_wait_init(&q->kick_wait, &q->work, EPOLLIN);
	vd_wait_init(&q->socket_wait, &q->work,
		     dir == VD_TX ? EPOLLOUT : EPOLLIN);
	vd_miss_init(&q->miss);
	vd_ring_init(&q->ring);
}

/**
 * vd_queue_reset() - bring a queue back to the state after open
 * @q: a detached queue, whose worker may still exist
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
	vd_ring_init(&q->ring);
	vd_mem_set(&q->mem, NULL);
	memset(&q->vnet, 0, sizeof(q->vnet));
	memset(&q->stats, 0, sizeof(q->stats));
	q->busyloop = 0;
	q->log_all = false;
	q->broken = false;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_worker() - set the worker that runs the handler
 * @q: a queue that nothing can wake
 * @worker: a started worker, or NULL
 * @owner: the owner's pid, a name for messages
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
 * vd_queue_move() - have another worker run the handler
 * @q: the queue, running or not, that has a worker
 * @worker: a started worker
 *
 * When this has returned, the old worker has nothing more to do with the queue.
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
	 * Nobody else queues the job now: the handler does so under the lock,
	 * control under the device's.
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
	/* Wake-ups may have come while nothing was waiting for them. */
	vd_work_queue(&q->work);
}

/**
 * vd_queue_set_features() - change what the client acked
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
 * vd_queue_set_iotlb() - change what addresses mean
 * @q: the queue, running or not; without ring addresses afterwards, and without
 *     a question, when that is a change
 * @iotlb: they are I/O addresses that this knows; NULL: they are not
 * @pages: with @iotlb, what the ring needs to translate its own
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
 * @regions: the new one
 *
 * Context: device mutex held. The old one is not used any more afterwards.
 */
void vd_queue_set_regions(struct vd_queue *q, const struct vd_regions *regions)
{
	vd_queue_lock(q);
	vd_mem_set(&q->mem, regions);
	q->ring.log.regions = regions;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_log_base() - say where the dirty bitmap is
 * @q: the queue, running or not
 * @base: user address, checked against what will be logged
 *
 * Context: device mutex held.
 */
void vd_queue_set_log_base(struct vd_queue *q, u64 base)
{
	vd_queue_lock(q);
	q->ring.log.base = base;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_kick() - replace the eventfd by which the guest wakes us
 * @q: the queue, running or not
 * @kick: an eventfd's file, whose reference passes to the queue on success;
 *	  NULL for none
 *
 * Kicks that the new eventfd holds already wake the handler.
 *
 * Context: device mutex held; the queue has a worker unless @kick is NULL.
 * Return: 0, or -EINVAL for an eventfd that cannot be waited for; the old
 * one is then still in place.
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
	/* For the same file this is the reference that came with the call. */
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
 * Return: the old one, which is not signalled any more for this queue.
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
 * The IOTLB does not know the device area, so that the ring cannot be attached.
 * A queue that runs goes on, with the socket and the answer that it waits for.
 */
static void vd_queue_ask_to_attach(struct vd_queue *q)
{
	q->stats.misses++;
	trace_vd_miss(q->device, q->owner, q->dir, -EAGAIN);
	vd_miss_ask_beside(q->misses, &q->miss, &q->mem);
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
	vd_queue_plug(q, backend);
	return 0;
}

/**
 * vd_queue_attach() - start a queue, or move a running one to another socket
 * @q: the queue; ring and memory table have been checked
 * @backend: the socket, which passes to the queue or is dropped
 *
 * Work that waits in the ring or in the socket is begun without a kick.
 *
 * Context: device mutex held, on the owner's mm, may fault.
 * Return: 0; -ENOMEM; -EFAULT when the used ring cannot be accessed; -EINVAL
 * for a socket that is in error. What ran before goes on then.
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
 * When this has returned the handler touches neither ring nor buffers nor
 * socket: all completed chains are published, and those that were not begun
 * are still available.
 *
 * Context: device mutex held.
 */
void vd_queue_detach(struct vd_queue *q)
{
	struct vd_backend old;

	vd_queue_lock(q);
	vd_queue_unplug(q, &old);
	/* Its last run may have asked for something. */
	vd_miss_drop(q->misses, &q->miss);
	vd_scratch_destroy(q);
	mutex_unlock(&q->lock);
	vd_backend_put(&old);
}
