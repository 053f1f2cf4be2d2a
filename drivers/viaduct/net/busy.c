// SPDX-License-Identifier: GPL-2.0-only
/*
 * Busy polling: a handler that has nothing to do looks for more itself, for
 * the time that the client set, before it lets others wake it. That spares a
 * guest its kick and us a wake-up.
 *
 * It gives way whenever the processor, the worker or the queue is wanted by
 * somebody else, and comes back for what is left of the time. It may sleep, for
 * a page that is not there.
 *
 * While RX waits for packets, a reply is likely to come through the TX ring of
 * the pair: that is watched too, and its kicks are off meanwhile. While TX
 * waits, packets queue the job of RX, to which it gives way.
 *
 * The TX ring is read with page faults disabled: a killed waiter for the TX
 * mutex aborts page faults of TX's worker only, so this one must not sleep
 * there. A page that is missing is left to TX's own handler, and so are marks in
 * the dirty log.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "net/busy.h"

/* As the clients' unit has always been: microseconds, nearly. */
static u64 vd_busy_clock(void)
{
	return ktime_get_ns() >> 10;
}

/*
 * Neither the processor, the thread, the worker nor the queue is needed. A signal
 * is pending if the thread must stop, freeze or exit with its owner, or if a
 * caller that is being killed waits for this job.
 */
static bool vd_busy_is_free(const struct vd_queue *q)
{
	return !atomic_read(&q->wanted) && !need_resched() &&
	       !signal_pending(current) &&
	       !vd_worker_has_jobs(&q->work);
}

/* Whether there is time left, of that which began when work ran out. */
static bool vd_busy_has_time(struct vd_queue *q)
{
	u64 now = vd_busy_clock();

	if (!q->busy_end)
		q->busy_end = now + q->busyloop;
	return now < q->busy_end;
}

/**
 * vd_busy_poll_ring() - wait for the guest
 * @q: the queue, entered, whose ring has no chain
 *
 * Return: VD_GO_ON when there is one, or an error to be found; VD_YIELD when
 * somebody else is to go first; VD_STOP when the time is over.
 */
enum vd_next vd_busy_poll_ring(struct vd_queue *q)
{
	while (vd_busy_has_time(q)) {
		if (vd_ring_peek(&q->ring))
			return VD_GO_ON;
		if (!vd_busy_is_free(q))
			return VD_YIELD;
		cpu_relax();
	}
	return VD_STOP;
}

/* A verb of the ring engine for a ring that is another handler's. */
static __always_inline int vd_busy_try(struct vd_queue *other,
				       int (*verb)(struct vd_ring *ring))
{
	int ret;

	pagefault_disable();
	ret = verb(&other->ring);
	pagefault_enable();
	return ret;
}

/* Watch the other ring, if nobody uses it and it waits for a kick. */
static bool vd_busy_borrow(struct vd_queue *other)
{
	if (!mutex_trylock(&other->lock))
		return false;
	if (vd_queue_is_running(other) && !other->broken &&
	    other->ring.is_mapped && other->is_armed && !other->ring.log.on) {
		if (!vd_busy_try(other, vd_ring_mute))
			return true;
		/* A page is not there: its own handler waits for it. */
		vd_work_queue(&other->work);
	}
	mutex_unlock(&other->lock);
	return false;
}

static void vd_busy_return(struct vd_queue *other)
{
	/* Chains have come, or an error: for its own handler. */
	if (vd_busy_try(other, vd_ring_arm))
		vd_work_queue(&other->work);
	mutex_unlock(&other->lock);
}

/**
 * vd_busy_poll_socket() - wait for the backend
 * @q: the RX queue, entered, whose backend has no packet
 * @has_packet: whether it has one
 *
 * Return: VD_GO_ON when there is one; VD_YIELD when somebody else, the other
 * handler perhaps, is to go first; VD_STOP when the time is over.
 */
enum vd_next vd_busy_poll_socket(struct vd_queue *q,
				 bool (*has_packet)(struct vd_queue *q))
{
	struct vd_queue *other = vd_busy_borrow(q->other) ? q->other : NULL;
	enum vd_next next = VD_STOP;

	while (next == VD_STOP && vd_busy_has_time(q)) {
		if (has_packet(q))
			next = VD_GO_ON;
		else if (!vd_busy_is_free(q) ||
			 (other && (vd_busy_try(other, vd_ring_peek) ||
				    atomic_read(&other->wanted))))
			next = VD_YIELD;
		else
			cpu_relax();
	}
	if (other)
		vd_busy_return(other);
	return next;
}
