// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers.
 *
 * A worker runs queued jobs on the owner's address space, in FIFO order. A job
 * that is queued already is not queued twice; one that is queued while it runs
 * will run again, and sees everything that was written before it was queued.
 * Jobs must be bounded, so that stopping a worker is bounded.
 *
 * Only a page fault can block a job. How such a fault ends depends on the type
 * of thread, see thread_kthread.c and thread_task.c.
 *
 * A worker is dead if its thread was killed with its owner: queueing does nothing,
 * flushing returns at once, and it must still be stopped.
 *
 * Jobs may be queued from any context, wakeup callbacks with interrupts off
 * included; start, stop and flush sleep.
 */
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/rcupdate.h>

#include "host/worker.h"

#define VD_WORK_QUEUED	0

static void vd_worker_run_jobs(struct vd_worker *worker)
{
	struct llist_node *node;
	struct vd_work *work, *next;

	node = llist_del_all(&worker->jobs);
	/* The list is in reverse order; it usually has one entry. */
	if (node->next)
		node = llist_reverse_order(node);
	llist_for_each_entry_safe(work, next, node, node) {
		worker->is_last = !work->node.next;
		/*
		 * Cleared first, so that the job runs again if it is queued
		 * from now on. The full barrier in vd_thread_begin_job() pairs
		 * with that of test_and_set_bit() in vd_worker_add(): if a
		 * caller still sees the bit set, fn() sees the caller's writes.
		 */
		clear_bit(VD_WORK_QUEUED, &work->flags);
		vd_thread_begin_job(&worker->thread, work);
		work->fn(work);
		cond_resched();
	}
}

static bool vd_worker_run(struct vd_thread *thread)
{
	struct vd_worker *worker = container_of(thread, struct vd_worker,
						thread);

	if (llist_empty(&worker->jobs))
		return false;
	__set_current_state(TASK_RUNNING);
	vd_worker_run_jobs(worker);
	return true;
}

/**
 * vd_worker_has_jobs() - whether another job waits for the current worker
 * @work: the running job
 *
 * A job that was moved to another worker while it was queued must yield too:
 * that worker runs it next.
 *
 * Context: the job, with the lock held under which &vd_work.worker changes.
 * Return: true if a job waits; may be outdated at once.
 */
bool vd_worker_has_jobs(const struct vd_work *work)
{
	const struct vd_worker *worker = work->worker;

	return READ_ONCE(worker->thread.task) != current ||
	       !worker->is_last || !llist_empty(&worker->jobs);
}

/**
 * vd_worker_add() - queue a job on a given worker
 * @worker: a started worker
 * @work: the job; nothing happens if it is queued already
 *
 * Context: any, interrupts may be off.
 * Return: false if the worker is dead; otherwise @work will run.
 */
bool vd_worker_add(struct vd_worker *worker, struct vd_work *work)
{
	bool is_dead;

	if (test_and_set_bit(VD_WORK_QUEUED, &work->flags))
		return true;
	rcu_read_lock();
	is_dead = READ_ONCE(worker->is_dead);
	if (is_dead)
		clear_bit(VD_WORK_QUEUED, &work->flags);
	/* If the list has entries, the thread has already been woken. */
	else if (llist_add(&work->node, &worker->jobs))
		vd_thread_wake(&worker->thread);
	rcu_read_unlock();
	return !is_dead;
}

struct vd_worker_flush {
	struct vd_work work;
	struct completion done;
};

static void vd_worker_flush_fn(struct vd_work *work)
{
	struct vd_worker_flush *flush =
		container_of(work, struct vd_worker_flush, work);

	/* Stays done: see vd_kthread_abort(). */
	complete_all(&flush->done);
}

/*
 * Oldest first: a job queued before a flush must not be marked as queued any more
 * when the flush completes, because its caller may queue it again. Jobs that a
 * caller waits for are run: they complete the wait.
 */
static void vd_worker_drop_jobs(struct vd_worker *worker)
{
	struct llist_node *node = llist_del_all(&worker->jobs);
	struct vd_work *work, *next;

	node = llist_reverse_order(node);
	llist_for_each_entry_safe(work, next, node, node) {
		clear_bit(VD_WORK_QUEUED, &work->flags);
		if (!work->worker)
			work->fn(work);
	}
}

/*
 * Called in the thread, which is about to exit. After the grace period nothing
 * adds a job or wakes the thread, and all jobs that were added are in the list.
 */
static void vd_worker_killed(struct vd_thread *thread)
{
	struct vd_worker *worker = container_of(thread, struct vd_worker,
						thread);

	WRITE_ONCE(worker->is_dead, true);
	synchronize_rcu();
	vd_worker_drop_jobs(worker);
	complete_all(&worker->dropped);
}

/**
 * vd_worker_flush() - wait until the jobs queued so far have run
 * @worker: a started worker; if it is dead, the jobs have been dropped on return
 *
 * Context: device mutex held, sleeps; not from a job.
 */
void vd_worker_flush(struct vd_worker *worker)
{
	struct vd_worker_flush flush;

	vd_work_init(&flush.work, vd_worker_flush_fn);
	init_completion(&flush.done);
	if (!vd_worker_add(worker, &flush.work)) {
		/* Only a grace period delays the thread. */
		wait_for_completion(&worker->dropped);
		return;
	}
	if (!wait_for_completion_killable(&flush.done))
		return;
	/* The caller may itself serve the page fault that blocks the job. */
	vd_worker_abort_faults_begin(worker, NULL, &flush.done, VD_ABORT_LATE);
	wait_for_completion(&flush.done);
	vd_worker_abort_faults_end(worker);
}

/**
 * vd_worker_abort_faults_begin() - make page faults that block a job fail
 * @worker: a started worker
 * @work: the job; NULL for any
 * @until: NULL, or done when the wait is over
 * @ms: time for which it may block: VD_ABORT_SOON or VD_ABORT_LATE
 *
 * For callers that wait for a job and are being killed, and for the last close.
 * Must be followed by vd_worker_abort_faults_end() or vd_worker_stop(). Has no
 * effect on a thread of the owner, which is killed with the owner.
 *
 * Context: device mutex held.
 */
void vd_worker_abort_faults_begin(struct vd_worker *worker,
				  const struct vd_work *work,
				  struct completion *until, unsigned int ms)
{
	if (!vd_thread_is_task(&worker->thread))
		vd_kthread_abort_faults_begin(&worker->thread, work, until, ms);
}

/**
 * vd_worker_abort_faults_end() - let page faults block again
 * @worker: a worker after vd_worker_abort_faults_begin()
 *
 * The worker must stay usable: other processes may hold the descriptor.
 *
 * Context: device mutex held, sleeps.
 */
void vd_worker_abort_faults_end(struct vd_worker *worker)
{
	if (!vd_thread_is_task(&worker->thread))
		vd_kthread_abort_faults_end(&worker->thread);
}

/**
 * vd_worker_drop_signal() - discard a signal that was sent while the job waited
 * @worker: a worker of the device whose job calls this
 *
 * For a job that has waited for the caller that vd_worker_abort_faults_begin() was
 * called for. If there is another reason for the signal, it is sent again.
 *
 * Context: a job.
 */
void vd_worker_drop_signal(struct vd_worker *worker)
{
	if (signal_pending(current))
		vd_kthread_drop_signal(&worker->thread);
}

/**
 * vd_worker_prepare() - initialise a worker without a thread
 * @worker: zeroed
 * @mm: owner's address space; must be referenced until vd_worker_stop() returns
 * @owner: owner's pid, after which the thread is named
 * @id: 0 for an owner's first worker; part of the name of the others
 * @name: TASK_COMM_LEN bytes, to which the thread's name is written
 */
void vd_worker_prepare(struct vd_worker *worker, struct mm_struct *mm,
		       pid_t owner, unsigned int id, char *name)
{
	if (id)
		scnprintf(name, TASK_COMM_LEN, "vhost-%d-%u", owner, id);
	else
		scnprintf(name, TASK_COMM_LEN, "vhost-%d", owner);
	init_llist_head(&worker->jobs);
	init_completion(&worker->dropped);
	vd_work_init(&worker->call_work, vd_worker_call_run);
	worker->thread.run = vd_worker_run;
	worker->thread.killed = vd_worker_killed;
	worker->thread.mm = mm;
}

/**
 * vd_worker_start() - create a worker for the calling thread
 * @worker: zeroed
 * @mm: as for vd_worker_prepare()
 * @fork_from_owner: create a thread of the calling process instead of a kernel
 *		     thread
 * @owner: as for vd_worker_prepare()
 * @id: as for vd_worker_prepare()
 *
 * Context: process context of the owner.
 * Return: 0, or the errno of vd_task_start() or vd_kthread_start().
 */
int vd_worker_start(struct vd_worker *worker, struct mm_struct *mm,
		    bool fork_from_owner, pid_t owner, unsigned int id)
{
	char name[TASK_COMM_LEN];

	vd_worker_prepare(worker, mm, owner, id, name);
	if (fork_from_owner)
		return vd_task_start(&worker->thread, name);
	return vd_kthread_start(&worker->thread, name, current);
}

/**
 * vd_worker_stop() - finish all queued jobs and end the thread
 * @worker: a started worker, dead or not, for which nothing queues jobs any more
 *
 * The flush precedes the stop because a thread that is stopped before it has
 * run once never calls its function.
 *
 * Context: device mutex held, sleeps for the jobs that are queued.
 */
void vd_worker_stop(struct vd_worker *worker)
{
	vd_worker_flush(worker);
	vd_thread_stop(&worker->thread);
	WARN_ON_ONCE(!llist_empty(&worker->jobs));
	vd_worker_drop_jobs(worker);
}

void vd_work_init(struct vd_work *work, void (*fn)(struct vd_work *work))
{
	work->flags = 0;
	work->worker = NULL;
	work->fn = fn;
}

/**
 * vd_work_queue() - queue a job
 * @work: the job; nothing happens if it is queued already, or if its worker is
 *	  dead
 *
 * Context: any, interrupts may be off.
 */
void vd_work_queue(struct vd_work *work)
{
	vd_worker_add(work->worker, work);
}
