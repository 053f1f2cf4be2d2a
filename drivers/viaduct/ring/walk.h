/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A step along a descriptor table: the split ring's own or an indirect one.
 * Each descriptor must be read once, as two words.
 */
#ifndef VD_RING_WALK_H
#define VD_RING_WALK_H

#include <linux/errno.h>
#include <linux/uaccess.h>

#include "ring/ring.h"

/**
 * struct vd_walk - state of a walk
 * @is_row: descriptors follow each other in memory, without links (2.8.7)
 * @table: indirect table, or NULL if it is not contiguous
 * @gpa: its address as the guest gave it, if @table is NULL
 * @num: number of descriptors in the table
 * @slot: the next descriptor to read
 * @left: descriptors that may still be read: no valid chain visits one twice
 * @more: there is a next descriptor
 *
 * The flags must not be bools: UBSAN checks a bool by a call when it is read,
 * which may be inside a user-access window.
 */
struct vd_walk {
	const struct vring_desc __user *table;
	u64 gpa;
	u32 num;
	u32 slot;
	u32 left;
	u8 more;
	u8 is_row;
};

/* Check that a step is allowed and that its slot is inside the table. */
static __always_inline int vd_walk_check(struct vd_walk *walk)
{
	if (walk->slot >= walk->num)
		return -EINVAL;
	return walk->left-- ? 0 : -ELOOP;
}

/* Advance the walk past @d. */
static __always_inline void vd_walk_on(struct vd_walk *walk, struct vd_desc *d)
{
	if (!walk->is_row) {
		walk->slot = d->next;
		walk->more = !!(d->flags & VRING_DESC_F_NEXT);
		return;
	}
	/*
	 * The packed format has id and flags in the opposite order. Only the
	 * WRITE flag is valid in a table; the others must be ignored.
	 */
	d->flags = d->next & VRING_DESC_F_WRITE;
	walk->more = ++walk->slot < walk->num;
}

/*
 * One step, to the descriptor at @p; runs inside a user-access window, so it
 * must not call a function.
 */
static __always_inline int vd_walk_step(struct vd_walk *walk,
					const __le64 __user *p,
					struct vd_desc *d)
{
	__le64 addr, rest;
	u64 word;

	unsafe_get_user(addr, p, fault);
	unsafe_get_user(rest, p + 1, fault);

	word = le64_to_cpu(rest);
	d->addr = le64_to_cpu(addr);
	d->len = (u32)word;
	d->flags = (u16)(word >> 32);
	d->next = (u16)(word >> 48);
	vd_walk_on(walk, d);
	return 0;

fault:
	return -EFAULT;
}

#endif
