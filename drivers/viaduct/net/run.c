// SPDX-License-Identifier: GPL-2.0-only
/*
 * Begin and end of a handler's run, for both directions: locking, publishing,
 * notification, errors and counters. Between vd_queue_enter() and
 * vd_queue_leave() a queue is entered, and its mutex is held.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/eventfd.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/printk.h>

#include "compat.h"
#include "net/queue.h"
#include "trace.h"

/* Each message must name the queue as debugfs and the tracepoints do. */
#define VD_QUEUE_FMT	"device %llu (owner %d): %s: "

static void vd_queue_log_seg(struct vd_queue *q, unsigned int seg, u64 len)
{
	/* The log has a bit per page of guest physical, not I/O, addresses. */
	if (q->mem.iotlb)
		vd_dirty_log_hva(&q->dirty_log, (unsigned long)
				 q->batch->seg[seg].iov_base, len);
	else
		vd_dirty_log_gpa(&q->dirty_log, q->batch->gpa[seg], len);
}

/* Log @len bytes, written to the batch's segments from @seg on. */
void vd_queue_log(struct vd_queue *q, unsigned int seg, size_t len)
{
	lockdep_assert_held(&q->lock);
	for (; len; seg++) {
		size_t part = min(len, q->batch->seg[seg].iov_len);

		vd_queue_log_seg(q, seg, part);
		len -= part;
	}
}

/* Signal new marks in the dirty log; count and report writes without a mark. */
void vd_queue_log_notify(struct vd_queue *q)
{
	struct vd_dirty_log *log = &q->dirty_log;

	lockdep_assert_held(&q->lock);
	if (likely(!log->marked))
		return;
	if (log->lost) {
		q->stats.log_lost += log->lost;
		log->lost = 0;
		pr_warn_ratelimited(VD_QUEUE_FMT "dirty log is not writable, migration will lose memory\n",
				    q->device, q->owner, q->ops->name);
	}
	log->marked = false;
	if (q->log)
		vd_compat_eventfd_signal(q->log);
}

/**
 * vd_queue_enter() - begin a run of the handler
 * @q: the queue
 *
 * Return: true with the queue's mutex held and kicks suppressed; false without
 * the mutex if the queue cannot run.
 */
bool vd_queue_enter(struct vd_queue *q)
{
	int err;

	if (!mutex_trylock(&q->lock)) {
		atomic_inc(&q->wanted);
		mutex_lock(&q->lock);
		atomic_dec(&q->wanted);
		/* If a killed caller had the mutex, its wait was over. */
		vd_worker_drop_signal(q->work.worker);
	}
	if (!q->backend.file || q->broken)
		goto out;
	err = q->ring.is_mapped ? 0 : vd_ring_map(&q->ring, &q->mem);
	if (err) {
		/* The client may still fix the cause of other errors. */
		if (err == -EAGAIN || err == -EPROTO)
			vd_queue_fail(q, err);
		goto out;
	}
	q->stats.runs++;
	q->stats.armed_runs += q->is_armed;
	q->batch->nr_empty = 0;
	q->is_armed = false;
	err = vd_ring_disarm(&q->ring);
	if (!err)
		return true;
	vd_queue_break(q, err);
	vd_queue_log_notify(q);
out:
	mutex_unlock(&q->lock);
	return false;
}

/* End a run; @next is VD_YIELD to queue the job again. */
void vd_queue_leave(struct vd_queue *q, enum vd_next next)
{
	lockdep_assert_held(&q->lock);
	vd_queue_log_notify(q);
	/* Must be under the lock: vd_queue_move() may change the worker. */
	if (next == VD_YIELD)
		vd_work_queue(&q->work);
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_publish() - publish completed chains and interrupt the guest
 * @q: the queue, entered
 *
 * Return: VD_GO_ON; VD_YIELD if this run read so many empty descriptors that it
 * must yield; VD_STOP if the ring is broken.
 */
enum vd_next vd_queue_publish(struct vd_queue *q)
{
	enum vd_next next = q->batch->nr_empty < VD_RUN_EMPTY ? VD_GO_ON :
								VD_YIELD;
	unsigned int nr = vd_ring_nr_completed(&q->ring), size;
	int ret;

	lockdep_assert_held(&q->lock);
	if (!nr)
		return next;
	size = min_t(unsigned int, ilog2(nr), VD_NR_BATCH_SIZES - 1);
	q->stats.batch[size]++;
	q->busy_end = 0;
	ret = vd_ring_publish(&q->ring, q->call);
	if (ret < 0)
		return vd_queue_break(q, ret);
	if (ret) {
		q->stats.calls++;
		vd_compat_eventfd_signal(q->call);
	}
	trace_vd_batch(q->device, q->owner, q->dir, nr, ret);
	return next;
}

/**
 * vd_queue_arm() - enable kicks, unless there is work already
 * @q: the queue, entered
 *
 * Return: VD_STOP if the guest will kick or the ring is broken; VD_GO_ON if
 * there is work.
 */
enum vd_next vd_queue_arm(struct vd_queue *q)
{
	int ret = vd_ring_arm(&q->ring);

	lockdep_assert_held(&q->lock);
	if (ret > 0)
		ret = vd_ring_disarm(&q->ring) ?: ret;
	if (ret < 0)
		return vd_queue_break(q, ret);
	q->is_armed = !ret;
	return ret ? VD_GO_ON : VD_STOP;
}

/**
 * vd_queue_break() - stop a ring that failed a check
 * @q: the queue, entered; completed chains must be published, if possible
 * @err: the error found
 *
 * The other ring and other devices are not affected. Attaching the ring again
 * clears the error.
 *
 * Return: VD_STOP.
 */
enum vd_next vd_queue_break(struct vd_queue *q, int err)
{
	lockdep_assert_held(&q->lock);
	if (q->broken)
		return VD_STOP;
	WRITE_ONCE(q->broken_err, err);
	q->broken = true;
	vd_poll_stop(&q->socket_poll);
	q->stats.broken++;
	trace_vd_broken(q->device, q->owner, q->dir, err);
	pr_warn_ratelimited(VD_QUEUE_FMT "ring is broken (error %d), stopped until it is attached again\n",
			    q->device, q->owner, q->ops->name, err);
	if (q->err)
		vd_compat_eventfd_signal(q->err);
	return VD_STOP;
}

/**
 * vd_queue_fail() - stop after an error of the ring engine
 * @q: the queue, with its mutex held; completed chains must be published
 * @err: the error. -EAGAIN is an IOTLB miss: it is reported to the client, and
 *	 the IOTLB update queues the handler again.
 *
 * Return: VD_STOP.
 */
enum vd_next vd_queue_fail(struct vd_queue *q, int err)
{
	lockdep_assert_held(&q->lock);
	if (err != -EAGAIN)
		return vd_queue_break(q, err);
	/* The handler cannot progress before the IOTLB update wakes it. */
	vd_poll_stop(&q->socket_poll);
	q->stats.misses++;
	trace_vd_miss(q->device, q->owner, q->dir, err);
	vd_miss_report(q->misses, &q->miss, &q->mem.miss, &q->mem.prefetch);
	return VD_STOP;
}

void vd_queue_count_drop(struct vd_queue *q, enum vd_drop reason, size_t len)
{
	lockdep_assert_held(&q->lock);
	q->stats.drop[reason]++;
	trace_vd_drop(q->device, q->owner, q->dir, reason, len);
}

/* @err is the error of the backend, or -ENOBUFS if the guest has no buffers. */
void vd_queue_count_back_pressure(struct vd_queue *q, int err)
{
	lockdep_assert_held(&q->lock);
	q->stats.back_pressure++;
	trace_vd_back_pressure(q->device, q->owner, q->dir, err);
}
