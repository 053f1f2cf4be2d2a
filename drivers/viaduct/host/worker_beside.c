// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating a worker on behalf of an owner, by another process.
 *
 * A thread of the owner is a copy of the thread that creates it, so it must be
 * created by a worker that exists. It inherits that worker's credentials, cgroups,
 * affinity, policy and namespaces, and the limits on these apply. A kernel thread
 * can be created by the caller, with the credentials, cgroups and RLIMIT_NPROC of
 * the owner's process.
 *
 * A worker may be stopped or frozen with its owner, or blocked in a page fault that
 * the owner resolves. The caller must not depend on that: its waits are bounded, and
 * end when it is killed.
 */
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "host/worker.h"

#define VD_CALL_TIMEOUT	(5 * HZ)

/**
 * struct vd_worker_call - a function to be called by a worker's thread
 * @fn: the function, or NULL to wait for the jobs queued before; it must be
 *	bounded
 * @data: argument of @fn
 * @ret: result of @fn, valid after @done
 * @done: @fn has returned
 */
struct vd_worker_call {
	int (*fn)(void *data);
	void *data;
	int ret;
	struct completion done;
};

/* The job &vd_worker.call_work. */
void vd_worker_call_run(struct vd_work *work)
{
	struct vd_worker *worker = container_of(work, struct vd_worker,
						call_work);
	struct vd_worker_call *call = xchg(&worker->call, NULL);

	if (!call)
		return; /* the caller has given up */
	/* Before 6.10 a thread that was killed keeps running its jobs. */
	if (READ_ONCE(worker->is_dead) ||
	    READ_ONCE(current->signal->flags) & SIGNAL_GROUP_EXIT)
		call->ret = -ESRCH;
	else
		call->ret = call->fn ? call->fn(call->data) : 0;
	complete(&call->done);
}

/*
 * Call @fn(@data) in the thread of @worker, after the jobs queued so far. Returns
 * its result; -ESRCH if the worker is dead; -EINTR if the caller is killed;
 * -ETIMEDOUT. With the last two @fn has not been called, and will not be.
 */
static int vd_worker_call(struct vd_worker *worker, int (*fn)(void *data),
			  void *data)
{
	struct vd_worker_call call = { .fn = fn, .data = data };
	long left;
	int err;

	init_completion(&call.done);
	xchg(&worker->call, &call);
	if (vd_worker_add(worker, &worker->call_work)) {
		left = wait_for_completion_killable_timeout(&call.done,
							    VD_CALL_TIMEOUT);
		if (left > 0)
			return call.ret;
		err = left ? -EINTR : -ETIMEDOUT;
	} else {
		err = -ESRCH;
	}
	/*
	 * The thread may have taken the call, even if the worker is dead: the
	 * job may still have been queued by an earlier call that gave up.
	 */
	if (xchg(&worker->call, NULL))
		return err;
	/* @fn has begun, and is bounded. */
	wait_for_completion(&call.done);
	return call.ret;
}

/**
 * vd_worker_ping() - wait until the jobs queued so far have run
 * @worker: a started worker
 *
 * Unlike in vd_worker_flush(), the wait is bounded and killable even if the
 * owner is stopped.
 *
 * Context: device mutex held, sleeps; not from a job.
 * Return: 0; -ESRCH if the worker is dead; -EINTR if the caller is killed;
 * -ETIMEDOUT after 5 s.
 */
int vd_worker_ping(struct vd_worker *worker)
{
	return vd_worker_call(worker, NULL, NULL);
}

/**
 * vd_worker_let_finish() - wait for a worker from which a queue has been moved
 * @worker: the old worker, which may have the queue's job in its list
 *
 * The wait for a thread of the owner is bounded. If the owner is stopped, so is
 * the new worker; when the owner continues, the old thread runs the job once
 * and yields to the new worker. The wait for a kernel thread is not bounded:
 * vd_queue_lock() aborts page faults of the new worker only.
 *
 * Context: device mutex held, sleeps; not from a job.
 */
void vd_worker_let_finish(struct vd_worker *worker)
{
	if (vd_thread_is_task(&worker->thread))
		vd_worker_ping(worker);
	else
		vd_worker_flush(worker);
}

struct vd_worker_fork {
	struct vd_worker *worker;
	const char *name;
};

static int vd_worker_fork(void *data)
{
	struct vd_worker_fork *fork = data;

	return vd_task_start(&fork->worker->thread, fork->name);
}

static int vd_worker_fork_from(struct vd_worker *old, struct vd_worker *worker,
			       const char *name)
{
	struct vd_worker_fork fork = { .worker = worker, .name = name };
	unsigned long end = jiffies + VD_CALL_TIMEOUT;
	int err;

	/* The worker handles a pending signal (to stop, to freeze) between jobs. */
	do {
		err = vd_worker_call(old, vd_worker_fork, &fork);
	} while (err == -ERESTARTNOINTR && time_before(jiffies, end));
	return err == -ERESTARTNOINTR ? -ETIMEDOUT : err;
}

/**
 * vd_worker_start_beside() - create a worker for the owner of another one
 * @worker: zeroed
 * @old: a started worker of the same owner; the new one is of its kind
 * @process: the owner's process, with a reference
 * @owner: owner's pid, after which the thread is named
 * @id: not 0; part of the name
 *
 * Context: process context of any process, device mutex held.
 * Return: 0; or, with nothing created, an errno of vd_worker_ping() or
 * vd_worker_start().
 */
int vd_worker_start_beside(struct vd_worker *worker, struct vd_worker *old,
			   struct task_struct *process, pid_t owner,
			   unsigned int id)
{
	const struct cred *cred, *saved;
	char name[TASK_COMM_LEN];
	int err;

	vd_worker_prepare(worker, old->thread.mm, owner, id, name);
	if (vd_thread_is_task(&old->thread))
		return vd_worker_fork_from(old, worker, name);
	cred = get_task_cred(process);
	saved = override_creds(cred);
	err = vd_kthread_start(&worker->thread, name, process);
	revert_creds(saved);
	put_cred(cred);
	return err;
}
