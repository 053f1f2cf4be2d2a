// SPDX-License-Identifier: GPL-2.0-only
/*
 * Busy polling: an idle handler polls for work, for the time that the client
 * set, before it waits for a wakeup. That saves the guest a kick and the
 * worker a wakeup.
 *
 * A poll must yield if the CPU, the worker or the queue is needed elsewhere;
 * the next run continues it for the rest of the time. It may sleep in a page
 * fault.
 *
 * While RX waits for packets, a reply is likely to come through the TX ring of
 * the pair: RX polls that ring too, with its kicks suppressed. While TX waits,
 * packets queue the job of RX, to which TX yields.
 *
 * The TX ring is read with page faults disabled: a killed waiter for the TX
 * mutex aborts page faults of TX's worker only, so this one must not sleep
 * there. Missing pages and marks in the dirty log are left to TX's own handler.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "net/queue.h"

/* The ABI's unit: 1024 ns, nominally a microsecond. */
static u64 vd_busy_clock(void)
{
	return ktime_get_ns() >> 10;
}

/*
 * False if the CPU, the thread, the worker or the queue is needed elsewhere. A
 * signal is pending if the thread must stop, freeze or exit with its owner, or
 * if a killed caller waits for this job.
 */
static bool vd_busy_is_free(const struct vd_queue *q)
{
	return !atomic_read(&q->wanted) && !need_resched() &&
	       !signal_pending(current) &&
	       !vd_worker_has_jobs(&q->work);
}

/* The time starts at the first poll after work. */
static bool vd_busy_has_time(struct vd_queue *q)
{
	u64 now = vd_busy_clock();

	if (!q->busy_end)
		q->busy_end = now + q->busyloop;
	return now < q->busy_end;
}

/**
 * vd_busy_poll_ring() - poll the ring for chains
 * @q: the queue, entered, with no chain in its ring
 *
 * Return: VD_GO_ON if there is a chain, or an error that the next fetch
 * reports; VD_YIELD if the poll must yield; VD_STOP if the time is over.
 */
enum vd_next vd_busy_poll_ring(struct vd_queue *q)
{
	lockdep_assert_held(&q->lock);
	while (vd_busy_has_time(q)) {
		if (vd_ring_peek(&q->ring))
			return VD_GO_ON;
		if (!vd_busy_is_free(q))
			return VD_YIELD;
		cpu_relax();
	}
	return VD_STOP;
}

/* Call a function of the ring engine on another handler's ring. */
static __always_inline int vd_busy_try(struct vd_queue *other,
				       int (*verb)(struct vd_ring *ring))
{
	int ret;

	pagefault_disable();
	ret = verb(&other->ring);
	pagefault_enable();
	return ret;
}

/* Lock the other ring for polling, if it is unused and waits for a kick. */
static bool vd_busy_borrow(struct vd_queue *other)
{
	if (!mutex_trylock(&other->lock))
		return false;
	if (vd_queue_is_running(other) && !other->broken &&
	    other->ring.is_mapped && other->is_armed && !other->ring.is_logged) {
		if (!vd_busy_try(other, vd_ring_suppress))
			return true;
		/* A page is missing: the other handler faults it in. */
		vd_work_queue(&other->work);
	}
	mutex_unlock(&other->lock);
	return false;
}

static void vd_busy_return(struct vd_queue *other)
{
	lockdep_assert_held(&other->lock);
	/* New chains or an error: the ring's own handler must run. */
	if (vd_busy_try(other, vd_ring_arm))
		vd_work_queue(&other->work);
	mutex_unlock(&other->lock);
}

/**
 * vd_busy_poll_socket() - poll the backend for packets
 * @q: the RX queue, entered, with no packet in its backend
 * @peek_len: returns the length of the backend's next packet, 0 if there is none
 *
 * Return: VD_GO_ON if there is a packet; VD_YIELD if the poll must yield, to
 * the other handler for instance; VD_STOP if the time is over.
 */
enum vd_next vd_busy_poll_socket(struct vd_queue *q,
				 size_t (*peek_len)(struct vd_queue *q))
{
	struct vd_queue *other = vd_busy_borrow(q->other) ? q->other : NULL;
	enum vd_next next = VD_STOP;

	lockdep_assert_held(&q->lock);
	while (next == VD_STOP && vd_busy_has_time(q)) {
		if (peek_len(q))
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
