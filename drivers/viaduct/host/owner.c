// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner is an address space, not a process: the device keeps the whole
 * address space alive until the last close or RESET_OWNER, even after the
 * process is gone and another holds the descriptor. The device's mutex protects
 * the ownership.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "host/owner.h"

/**
 * vd_owner_set() - make the caller's address space the owner
 * @owner: must not have an owner yet
 *
 * Context: process context, under the device's mutex.
 * Return: 0, or -EINVAL for a caller without an address space of its own.
 */
int vd_owner_set(struct vd_owner *owner)
{
	struct mm_struct *mm = get_task_mm(current);

	if (!mm)
		return -EINVAL;
	owner->mm = mm;
	owner->process = get_task_pid(current, PIDTYPE_TGID);
	owner->id = get_task_pid(current, PIDTYPE_PID);
	owner->pid = current->pid;
	return 0;
}

/* May tear the address space down: a worker must not use it any more. */
void vd_owner_put(struct vd_owner *owner)
{
	if (owner->mm)
		mmput(owner->mm);
	put_pid(owner->process);
	put_pid(owner->id);
	owner->mm = NULL;
	owner->process = NULL;
	owner->id = NULL;
	owner->pid = 0;
}

/* The first thread of a process may have exited before the others. */
static bool vd_owner_is_alive(const struct vd_owner *owner,
			      struct task_struct *process)
{
	bool is_alive;

	task_lock(process);
	is_alive = (!process->mm || process->mm == owner->mm) &&
		   !(READ_ONCE(process->signal->flags) & SIGNAL_GROUP_EXIT);
	task_unlock(process);
	return is_alive;
}

/**
 * vd_owner_get_process() - find the owner's process
 * @owner: with an owner
 *
 * Context: device mutex held.
 * Return: the first thread of the process, with a reference for the caller; NULL
 * if the process has ended, is about to, or executes another program.
 */
struct task_struct *vd_owner_get_process(const struct vd_owner *owner)
{
	struct task_struct *process = get_pid_task(owner->process,
						   PIDTYPE_TGID);

	if (process && !vd_owner_is_alive(owner, process)) {
		put_task_struct(process);
		process = NULL;
	}
	return process;
}

/* Whether the caller is the user of @cred, with no fewer privileges. */
static bool vd_owner_is_same_user(const struct cred *cred)
{
	const struct cred *mine = current_cred();

	return mine->user_ns == cred->user_ns &&
	       uid_eq(mine->uid, cred->uid) && uid_eq(mine->uid, cred->euid) &&
	       uid_eq(mine->uid, cred->suid) && gid_eq(mine->gid, cred->gid) &&
	       gid_eq(mine->gid, cred->egid) && gid_eq(mine->gid, cred->sgid) &&
	       cap_issubset(cred->cap_permitted, mine->cap_permitted);
}

/**
 * vd_owner_may_trace() - whether the caller may act on the owner's behalf
 * @owner: with an owner
 * @process: owner's process
 *
 * The rule is that of ptrace(): the owner itself; the owner's user, unless the
 * process has lost its dumpability by a change of credentials; CAP_SYS_PTRACE in
 * the user namespaces of both credentials and program. The checks of security
 * modules are not exported; pidfd_getfd() makes them when it copies the
 * descriptor.
 *
 * Context: process context.
 */
bool vd_owner_may_trace(const struct vd_owner *owner,
			struct task_struct *process)
{
	const struct cred *cred;
	bool may;

	if (vd_owner_is_current(owner))
		return true;
	cred = get_task_cred(process);
	may = vd_owner_is_same_user(cred) ||
	      ns_capable(cred->user_ns, CAP_SYS_PTRACE);
	put_cred(cred);
	return may && vd_compat_may_dump(process, owner->mm);
}
