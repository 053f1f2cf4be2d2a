/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The thread of a worker: a thread of the owner where the kernel can create one
 * (vhost_task, from 6.4 on), or a kernel thread on the owner's mm.
 */
#ifndef VD_HOST_THREAD_H
#define VD_HOST_THREAD_H

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#ifdef VD_HAVE_VHOST_TASK
#include <linux/sched/vhost_task.h>
#endif

struct completion;
struct cred;
struct vhost_task;

#ifdef VD_HAVE_VHOST_TASK
#define VD_THREAD_CAN_FORK	true
#else
#define VD_THREAD_CAN_FORK	false
#endif

/**
 * struct vd_thread - a thread that runs jobs
 * @run: runs the queued jobs. Called repeatedly, in a sleeping state; must set
 *	 TASK_RUNNING if there is work. Returns whether there was [c]
 * @killed: called when a thread of the owner is killed: @run is not called
 *	    again, and vd_thread_wake() must not be called after this returns [c]
 * @mm: owner's address space; must outlive the thread [c]
 * @task: the thread; a thread of the owner sets it on its first run [a]
 * @id: identifies the thread to user space; set with @task. The reference
 *	belongs to the creator of the worker [a]
 * @vtask: NULL for a kernel thread [c]
 * @cred: credentials of the user that a kernel thread is charged to [c]
 * @nr_jobs: number of jobs begun; written by the thread [a]
 * @job: the job begun last; written by the thread before @nr_jobs [a]
 * @aborters: nesting depth of vd_kthread_abort_faults_begin() [d]
 * @is_aborting: @aborters is not 0 [a]
 * @abort_job: the job to be signalled; NULL: any
 * @abort_until: no job is signalled once this is done; may be NULL. Under @abort_lock
 *		 as @abort_job
 * @abort_period: time in jiffies between runs of @abort_work [d]
 * @abort_lock: orders sending the signal against the start of a job; while
 *		@aborters is not 0, @abort_job is under it
 * @abort_seen: @nr_jobs at the last run of @abort_work
 * @abort_work: sends the signal to a job that does not end
 */
struct vd_thread {
	bool (*run)(struct vd_thread *thread);
	void (*killed)(struct vd_thread *thread);
	struct mm_struct *mm;
	struct task_struct *task;
	struct pid *id;
	struct vhost_task *vtask;
	const struct cred *cred;
	unsigned long nr_jobs;
	const void *job;
	unsigned int aborters;
	bool is_aborting;
	const void *abort_job;
	struct completion *abort_until;
	unsigned long abort_period;
	spinlock_t abort_lock; /* signal against next job */
	unsigned long abort_seen;
	struct delayed_work abort_work;
};

int vd_kthread_start(struct vd_thread *thread, const char *name,
		     struct task_struct *owner);
void vd_kthread_stop(struct vd_thread *thread);
void vd_kthread_drop_signal(struct vd_thread *thread);
void vd_kthread_abort_faults_begin(struct vd_thread *thread, const void *job,
				   struct completion *until, unsigned int ms);
void vd_kthread_abort_faults_end(struct vd_thread *thread);

#ifdef VD_HAVE_VHOST_TASK
int vd_task_start(struct vd_thread *thread, const char *name);
void vd_task_stop(struct vd_thread *thread);
void vd_task_wake(struct vd_thread *thread);
#else
static inline int vd_task_start(struct vd_thread *thread, const char *name)
{
	return -EOPNOTSUPP;
}

static inline void vd_task_stop(struct vd_thread *thread)
{
}

static inline void vd_task_wake(struct vd_thread *thread)
{
}
#endif

static inline bool vd_thread_is_task(const struct vd_thread *thread)
{
	return VD_THREAD_CAN_FORK && thread->vtask;
}

static inline void vd_thread_wake(struct vd_thread *thread)
{
	if (vd_thread_is_task(thread))
		vd_task_wake(thread);
	else
		wake_up_process(thread->task);
}

static inline void vd_thread_stop(struct vd_thread *thread)
{
	if (vd_thread_is_task(thread))
		vd_task_stop(thread);
	else
		vd_kthread_stop(thread);
}

/**
 * vd_thread_begin_job() - start a job; must be called before each one
 * @thread: the thread that calls this
 * @job: identifies the job
 *
 * Barriers: (A) full; pairs with (B) in vd_kthread_abort_faults_begin(). Either
 * (A) is followed by a read of is_aborting that is true, or (B) by a read of
 * the new nr_jobs. The acquire pairs with the release in
 * vd_kthread_abort_faults_end(): a signal sent before it is visible here.
 */
static inline void vd_thread_begin_job(struct vd_thread *thread, const void *job)
{
	WRITE_ONCE(thread->job, job);
	WRITE_ONCE(thread->nr_jobs, thread->nr_jobs + 1);
	smp_mb(); /* (A) */
	if (unlikely(smp_load_acquire(&thread->is_aborting) ||
		     signal_pending(current)))
		vd_kthread_drop_signal(thread);
}

#endif
