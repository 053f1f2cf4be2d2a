// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads of the owner as workers (vhost_task).
 *
 * The thread is in the owner's thread group: it has the owner's affinity,
 * policy, nice value, cgroups, namespaces and credentials, counts in the
 * owner's limits, stops and freezes with the owner, and dies when the owner is
 * killed, exits or executes another program. SIGKILL sent to it kills the
 * owner, so it is never sent from here; a job that is blocked by a page fault
 * continues when the page arrives, or when the owner is killed.
 *
 * Kernels without the kill handler keep a killed thread calling run() until it
 * is stopped. Later ones end it, and hold no reference on it: killed() must
 * ensure that nothing wakes it afterwards.
 */
#include <linux/pid.h>

#include "host/thread.h"

static bool vd_task_run(void *data)
{
	struct vd_thread *thread = data;

	if (unlikely(thread->task != current)) {
		WRITE_ONCE(thread->task, current);
		WRITE_ONCE(thread->id, get_task_pid(current, PIDTYPE_PID));
	}
	return thread->run(thread);
}

#ifdef VD_HAVE_VHOST_TASK_KILL_HANDLER
static void vd_task_killed(void *data)
{
	struct vd_thread *thread = data;

	thread->killed(thread);
}

static struct vhost_task *vd_task_create(struct vd_thread *thread,
					 const char *name)
{
	return vhost_task_create(vd_task_run, vd_task_killed, thread, name);
}
#else
static struct vhost_task *vd_task_create(struct vd_thread *thread,
					 const char *name)
{
	return vhost_task_create(vd_task_run, thread, name);
}
#endif

/**
 * vd_task_start() - create a thread of the calling process
 * @thread: zeroed except for run, killed and mm
 * @name: the thread's name
 *
 * Context: a thread of the process, which may be another worker.
 * Return: 0; -ERESTARTNOINTR if a signal is pending, which makes the creation of
 * a thread fail; -ENOMEM for any other error, as vhost-net does: not every
 * kernel returns the cause.
 */
int vd_task_start(struct vd_thread *thread, const char *name)
{
	struct vhost_task *vtask = vd_task_create(thread, name);

	/* As fork() does: handle the signal, then restart the ioctl. */
	if (IS_ERR_OR_NULL(vtask))
		return signal_pending(current) ? -ERESTARTNOINTR : -ENOMEM;
	thread->vtask = vtask;
	vhost_task_start(vtask);
	return 0;
}

/* End a thread of the owner, which may be dead. Queued work is not run. */
void vd_task_stop(struct vd_thread *thread)
{
	vhost_task_stop(thread->vtask);
}

/* The thread must not have been killed. */
void vd_task_wake(struct vd_thread *thread)
{
	vhost_task_wake(thread->vtask);
}
