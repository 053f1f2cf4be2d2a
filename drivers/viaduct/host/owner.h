/* SPDX-License-Identifier: GPL-2.0-only */
/* The address space that a device works on and accepts ioctls from. */
#ifndef VD_HOST_OWNER_H
#define VD_HOST_OWNER_H

#include <linux/sched.h>

/**
 * struct vd_owner - the owner of a device
 * @mm: the address space that holds the guest's memory, or NULL [d]
 * @process: process of the thread that took ownership, or NULL; it may be gone, or
 *	     execute another program [d]
 * @id: thread that took ownership, or NULL; for display only, the thread may be
 *	gone [d]
 * @pid: @id in the initial pid namespace [d]
 */
struct vd_owner {
	struct mm_struct *mm;
	struct pid *process;
	struct pid *id;
	pid_t pid;
};

int vd_owner_set(struct vd_owner *owner);
void vd_owner_put(struct vd_owner *owner);
struct task_struct *vd_owner_get_process(const struct vd_owner *owner);
bool vd_owner_may_trace(const struct vd_owner *owner,
			struct task_struct *process);

/* True for threads of the owner, false for a forked child or after exec(). */
static inline bool vd_owner_is_current(const struct vd_owner *owner)
{
	return owner->mm && owner->mm == current->mm;
}

#endif
