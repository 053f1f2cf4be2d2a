// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner is an address space, not a process: the device keeps the whole
 * address space alive until the last close or RESET_OWNER, even after the
 * process is gone and another holds the descriptor. The device's mutex protects
 * the ownership.
 */
#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>

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
	owner->id = get_task_pid(current, PIDTYPE_PID);
	owner->pid = current->pid;
	return 0;
}

/* May tear the address space down: a worker must not use it any more. */
void vd_owner_put(struct vd_owner *owner)
{
	if (owner->mm)
		mmput(owner->mm);
	put_pid(owner->id);
	owner->mm = NULL;
	owner->id = NULL;
	owner->pid = 0;
}
