// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel threads as workers, for kernels without vhost_task and on request.
 *
 * The thread borrows the owner's address space, is in the owner's cgroups and
 * counts against the owner's RLIMIT_NPROC. It does not belong to the owner:
 * it can outlive the owner, and has its own priority, affinity and namespaces.
 * Kernel threads cannot be frozen or stopped, and the pids controller exports
 * no function to count them.
 *
 * A page that a program provides (userfaultfd, FUSE) may come late or never,
 * and a job that needs it blocks. SIGKILL from the kernel makes such a fault
 * fail without ending the thread. While a caller waits for a job and must not
 * block, abort_work checks the thread periodically and signals it if that job
 * is still running: other jobs are left alone, and so is one that makes
 * progress. The next job begins without the signal.
 */
#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "compat.h"
#include "host/nproc.h"
#include "host/thread.h"

static int vd_kthread_main(void *data)
{
	struct vd_thread *thread = data;

	allow_kernel_signal(SIGKILL);
	kthread_use_mm(thread->mm);
	for (;;) {
		/*
		 * A pending signal must not end the sleep. The barrier pairs
		 * with the full one of llist_add() in vd_work_queue().
		 */
		set_current_state(TASK_IDLE);
		if (thread->run(thread))
			continue;
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(thread->mm);
	return 0;
}

/*
 * Discard a signal that was sent for an earlier job. No effect on a thread of
 * the owner: its signals belong to the owner.
 */
void vd_kthread_drop_signal(struct vd_thread *thread)
{
	if (vd_thread_is_task(thread))
		return;
	spin_lock(&thread->abort_lock);
	flush_signals(current);
	spin_unlock(&thread->abort_lock);
}

/* Not bound to this processor, which may be isolated or run a real-time thread. */
static void vd_kthread_abort_later(struct vd_thread *thread)
{
	queue_delayed_work(vd_compat_unbound_wq(), &thread->abort_work,
			   thread->abort_period);
}

static void vd_kthread_abort(struct work_struct *work)
{
	struct vd_thread *thread = container_of(to_delayed_work(work),
						struct vd_thread, abort_work);
	const void *job;
	unsigned long nr;

	spin_lock(&thread->abort_lock);
	job = thread->abort_job;
	nr = READ_ONCE(thread->nr_jobs);
	/* A waiter whose wait is over may be slow to run. */
	if (nr == thread->abort_seen &&
	    (!job || job == READ_ONCE(thread->job)) &&
	    !(thread->abort_until && completion_done(thread->abort_until)))
		send_sig(SIGKILL, thread->task, 1);
	thread->abort_seen = nr;
	spin_unlock(&thread->abort_lock);
	vd_kthread_abort_later(thread);
}

/*
 * As vd_worker_abort_faults_begin(). Calls nest only within the last close: a nested
 * call extends the abort to all jobs, and keeps the period of the first call.
 */
void vd_kthread_abort_faults_begin(struct vd_thread *thread, const void *job,
				   struct completion *until, unsigned int ms)
{
	if (thread->aborters++) {
		spin_lock(&thread->abort_lock);
		thread->abort_job = NULL;
		thread->abort_until = NULL;
		spin_unlock(&thread->abort_lock);
		return;
	}
	thread->abort_job = job;
	thread->abort_until = until;
	thread->abort_period = msecs_to_jiffies(ms);
	WRITE_ONCE(thread->is_aborting, true);
	smp_mb(); /* (B), see vd_thread_begin_job() */
	thread->abort_seen = READ_ONCE(thread->nr_jobs);
	vd_kthread_abort_later(thread);
}

void vd_kthread_abort_faults_end(struct vd_thread *thread)
{
	if (--thread->aborters)
		return;
	cancel_delayed_work_sync(&thread->abort_work);
	/* Pairs with the acquire in vd_thread_begin_job(). */
	smp_store_release(&thread->is_aborting, false);
}

#ifdef CONFIG_CGROUPS
/*
 * A css_set represents one cgroup per hierarchy. Moving a thread waits for a
 * grace period, which is unnecessary if the owner is in kthreadd's cgroups.
 */
static bool vd_kthread_has_cgroups(const struct task_struct *task,
				   const struct task_struct *owner)
{
	return rcu_access_pointer(task->cgroups) ==
	       rcu_access_pointer(owner->cgroups);
}
#else
static bool vd_kthread_has_cgroups(const struct task_struct *task,
				   const struct task_struct *owner)
{
	return true;
}
#endif

/* Returns a thread in the owner's cgroups that has not run yet. */
static struct task_struct *vd_kthread_create(struct vd_thread *thread,
					     const char *name,
					     struct task_struct *owner)
{
	struct task_struct *task;
	int err;

	task = kthread_create(vd_kthread_main, thread, "%s", name);
	if (IS_ERR(task) || vd_kthread_has_cgroups(task, owner))
		return task;
	err = cgroup_attach_task_all(owner, task);
	if (!err)
		return task;
	kthread_stop(task);
	return ERR_PTR(err);
}

/**
 * vd_kthread_start() - create a kernel thread for an owner
 * @thread: zeroed except for run, killed and mm
 * @name: the thread's name
 * @owner: a thread of the owner, current or with a reference
 *
 * Context: process context, with the owner's credentials.
 * Return: 0; -EAGAIN if the owner's RLIMIT_NPROC is reached; the errno of
 * thread creation (-ENOMEM, -EINTR) or of joining the cgroups.
 */
int vd_kthread_start(struct vd_thread *thread, const char *name,
		     struct task_struct *owner)
{
	const struct cred *cred;
	struct task_struct *task;

	cred = vd_nproc_charge(task_rlimit(owner, RLIMIT_NPROC));
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	spin_lock_init(&thread->abort_lock);
	INIT_DELAYED_WORK(&thread->abort_work, vd_kthread_abort);
	task = vd_kthread_create(thread, name, owner);
	if (IS_ERR(task)) {
		vd_nproc_uncharge(cred);
		return PTR_ERR(task);
	}
	thread->cred = cred;
	thread->task = task;
	thread->id = get_task_pid(task, PIDTYPE_PID);
	wake_up_process(task);
	return 0;
}

void vd_kthread_stop(struct vd_thread *thread)
{
	cancel_delayed_work_sync(&thread->abort_work);
	kthread_stop(thread->task);
	thread->task = NULL;
	vd_nproc_uncharge(thread->cred);
}
