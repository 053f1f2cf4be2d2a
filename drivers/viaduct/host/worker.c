// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers.
 *
 * A worker is a kernel thread that borrows the owner's address space, sits in
 * the owner's cgroups, and runs queued jobs first come, first served. A job
 * that is queued already is not queued twice; one that is queued while it
 * runs will run again, and sees everything that was written before it was
 * queued. Jobs are bounded, so stopping a worker takes as long as a job.
 *
 * Only memory can make a job wait: a page that a program provides
 * (userfaultfd, FUSE) may come late or never, and the program may be the one
 * that is being killed. A pending SIGKILL makes such a wait fail, so that is
 * what a worker gets in the end. It takes it from the kernel alone, and does
 * not die of it.
 *
 * Jobs may be queued from any context, wake-up callbacks with interrupts off
 * included; start, stop and flush sleep.
 */
#include <linux/bits.h>
#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "host/worker.h"

#define VD_WORK_QUEUED	0

static void vd_worker_run_jobs(struct vd_worker *worker)
{
	struct llist_node *node;
	struct vd_work *work, *next;

	node = llist_del_all(&worker->jobs);
	/* The list has the last one first; mostly there is one. */
	if (node->next)
		node = llist_reverse_order(node);
	llist_for_each_entry_safe(work, next, node, node) {
		worker->is_last = !work->node.next;
		/*
		 * Clear first, so that whoever queues the job from now on
		 * has it run again. The barrier pairs with the full one of
		 * test_and_set_bit() in vd_work_queue(): a caller that still
		 * sees the bit set knows that its writes are seen by fn().
		 */
		clear_bit(VD_WORK_QUEUED, &work->flags);
		smp_mb__after_atomic(); /* as said above */
		work->fn(work);
		cond_resched();
	}
}

/**
 * vd_worker_has_jobs() - whether another job waits for the worker that runs this
 *
 * Context: a job; the answer is of now.
 */
bool vd_worker_has_jobs(void)
{
	const struct vd_worker *worker = kthread_data(current);

	return !worker->is_last || !llist_empty(&worker->jobs);
}

/* Drop the signal, unless somebody is in a hurry. */
static void vd_worker_take_signal(const struct vd_worker *worker)
{
	if (atomic_read(&worker->hurry))
		return;
	flush_signals(current);
	/*
	 * Somebody new, who found the old signal pending, sent none. That was
	 * under the lock that flush_signals() takes, and after hurry was raised.
	 */
	if (atomic_read(&worker->hurry))
		send_sig(SIGKILL, current, 1);
}

static int vd_worker_main(void *data)
{
	struct vd_worker *worker = data;

	allow_kernel_signal(SIGKILL);
	kthread_use_mm(worker->mm);
	for (;;) {
		/* Whoever was in a hurry may have got what it waited for. */
		if (signal_pending(current))
			vd_worker_take_signal(worker);
		/*
		 * The barrier pairs with that of wake_up_process(), and with
		 * the full one of llist_add() in vd_work_queue().
		 */
		set_current_state(TASK_INTERRUPTIBLE);
		if (!llist_empty(&worker->jobs)) {
			__set_current_state(TASK_RUNNING);
			vd_worker_run_jobs(worker);
		} else if (!kthread_should_stop()) {
			schedule();
		} else {
			/*
			 * All jobs were queued before the stop: look again.
			 * The barrier pairs with the full one of llist_add()
			 * in vd_work_queue(), behind which the stop is set.
			 */
			smp_rmb();
			if (llist_empty(&worker->jobs))
				break;
		}
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(worker->mm);
	return 0;
}

struct vd_worker_flush {
	struct vd_work work;
	struct completion done;
};

static void vd_worker_flush_fn(struct vd_work *work)
{
	struct vd_worker_flush *flush =
		container_of(work, struct vd_worker_flush, work);

	complete(&flush->done);
}

/**
 * vd_worker_flush() - wait until the jobs queued so far have run
 * @worker: a started worker
 *
 * Context: process context, sleeps; not from a job.
 */
void vd_worker_flush(struct vd_worker *worker)
{
	struct vd_worker_flush flush;

	vd_work_init(&flush.work, vd_worker_flush_fn);
	flush.work.worker = worker;
	init_completion(&flush.done);
	vd_work_queue(&flush.work);
	if (!wait_for_completion_killable(&flush.done))
		return;
	/* Who is being killed may be who would have to answer. */
	vd_worker_hurry(worker);
	wait_for_completion(&flush.done);
	vd_worker_calm(worker);
}

/**
 * vd_worker_hurry() - have jobs fail that wait for memory
 * @worker: a started worker
 *
 * For callers who are being killed, and for the last close. The worker does not
 * sleep meanwhile; whoever waits for something it does calls vd_worker_calm()
 * afterwards, unless that is its end.
 *
 * Context: process context.
 */
void vd_worker_hurry(struct vd_worker *worker)
{
	atomic_inc(&worker->hurry);
	send_sig(SIGKILL, worker->task, 1);
}

/**
 * vd_worker_calm() - let jobs wait for memory again
 * @worker: a worker after vd_worker_hurry()
 *
 * The descriptor may have other holders, for whom the worker goes on.
 */
void vd_worker_calm(struct vd_worker *worker)
{
	atomic_dec(&worker->hurry);
}

#ifdef CONFIG_CGROUPS
/*
 * A set stands for a cgroup in each hierarchy. Who is where threads of the
 * kernel are born need not wait for the grace period that a move takes.
 */
static bool vd_worker_has_cgroups(const struct task_struct *task)
{
	return rcu_access_pointer(task->cgroups) ==
	       rcu_access_pointer(current->cgroups);
}
#else
static bool vd_worker_has_cgroups(const struct task_struct *task)
{
	return true;
}
#endif

/**
 * vd_worker_start() - create a worker for the calling thread
 * @worker: zeroed
 * @mm: the owner's address space; the caller of this function keeps a
 *	reference until vd_worker_stop() has returned
 * @owner: the owner's pid, after which the thread is named
 * @id: 0 for an owner's first worker; part of the name of the others
 *
 * The thread joins all cgroups of the caller.
 *
 * Context: process context of the owner.
 * Return: 0, the errno of kthread creation (-ENOMEM, -EINTR) or of joining
 * the cgroups; nothing is left behind then.
 */
int vd_worker_start(struct vd_worker *worker, struct mm_struct *mm,
		    pid_t owner, unsigned int id)
{
	struct task_struct *task;
	int err;

	init_llist_head(&worker->jobs);
	worker->mm = mm;
	atomic_set(&worker->hurry, 0);
	if (id)
		task = kthread_create(vd_worker_main, worker, "vhost-%d-%u",
				      owner, id);
	else
		task = kthread_create(vd_worker_main, worker, "vhost-%d",
				      owner);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = vd_worker_has_cgroups(task) ? 0 :
					    cgroup_attach_task_all(current, task);
	if (err) {
		kthread_stop(task);
		return err;
	}
	worker->task = task;
	wake_up_process(task);
	/*
	 * A thread that is stopped before it has run once never runs at all,
	 * and would leave queued jobs behind: see it run.
	 */
	vd_worker_flush(worker);
	return 0;
}

/**
 * vd_worker_stop() - finish all queued jobs and end the thread
 * @worker: a started worker, whose jobs nobody queues any more
 *
 * Context: process context, sleeps for the jobs that are queued.
 */
void vd_worker_stop(struct vd_worker *worker)
{
	kthread_stop(worker->task);
	WARN_ON_ONCE(!llist_empty(&worker->jobs));
	worker->task = NULL;
}

/**
 * vd_work_init() - prepare a job
 * @work: the job; it belongs to no worker yet
 * @fn: what it does
 */
void vd_work_init(struct vd_work *work, void (*fn)(struct vd_work *work))
{
	work->flags = 0;
	work->worker = NULL;
	work->fn = fn;
}

/**
 * vd_work_queue() - have a job run soon
 * @work: the job; nothing happens when it is queued already
 *
 * Context: any, interrupts may be off.
 */
void vd_work_queue(struct vd_work *work)
{
	struct vd_worker *worker = work->worker;

	if (test_and_set_bit(VD_WORK_QUEUED, &work->flags))
		return;
	/* If others are waiting already, somebody has woken the thread. */
	if (llist_add(&work->node, &worker->jobs))
		wake_up_process(worker->task);
}
