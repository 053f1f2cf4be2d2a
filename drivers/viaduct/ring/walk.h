/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A step along a descriptor table, be it the split ring's own or an indirect
 * one. Each descriptor is read once, as two words.
 */
#ifndef VD_RING_WALK_H
#define VD_RING_WALK_H

#include <linux/errno.h>
#include <linux/uaccess.h>

#include "ring/ring.h"

/**
 * struct vd_walk - where a walk stands
 * @is_row: no descriptor names the next: that is its neighbour (2.8.7)
 * @table: indirect table, or NULL when it is not one piece
 * @gpa: its address as the guest gave it, when @table is NULL
 * @num: its size
 * @slot: the next descriptor to read
 * @left: descriptors that may still be read: no valid chain visits one twice
 * @more: there is a next one
 *
 * The flags are no bools: UBSAN checks those by a call when they are read, which
 * may be inside a user-access window.
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

/* Whether there may be a step; the slot is inside the table then. */
static __always_inline int vd_walk_check(struct vd_walk *walk)
{
	if (walk->slot >= walk->num)
		return -EINVAL;
	return walk->left-- ? 0 : -ELOOP;
}

/* Where the walk goes from @d. */
static __always_inline void vd_walk_on(struct vd_walk *walk, struct vd_desc *d)
{
	if (!walk->is_row) {
		walk->slot = d->next;
		walk->more = !!(d->flags & VRING_DESC_F_NEXT);
		return;
	}
	/*
	 * The packed format has an id and the flags the other way round. Of the
	 * flags only WRITE is valid in a table; the others must be ignored.
	 */
	d->flags = d->next & VRING_DESC_F_WRITE;
	walk->more = ++walk->slot < walk->num;
}

/*
 * One step, to the descriptor at @p; runs inside a user-access window, so it
 * may call nothing.
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
