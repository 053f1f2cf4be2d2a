// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chains of a split ring (virtio 1.2, section 2.7.5), as far as they lie in
 * its descriptor table.
 *
 * A batch of chains is taken in two passes. This one reads the descriptors of
 * all of them in one user-access window, inside which nothing may be called
 * (with the packed layout vd_packed_gather() does that); vd_chain_resolve() then
 * translates addresses and follows indirect tables. Descriptors are read into
 * &vd_batch.desc, and only that copy is looked at: the guest may change the ring
 * at any time.
 *
 * Both passes stop at a chain that they cannot take. If it is the first of
 * the call, that is the caller's error; if not, the chains before it are
 * delivered, and the next fetch meets it as the first.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/chain.h"
#include "ring/walk.h"

/*
 * The slot has been checked; that it is also cut is for a processor that goes on
 * before it knows, and would read what lies behind the table.
 */
static __always_inline const __le64 __user *
vd_walk_ring_desc(const struct vd_ring *ring, u32 slot)
{
	slot &= ring->num - 1;
	return vd_area_at(&ring->desc, sizeof(struct vring_desc) * slot);
}

/* The direct part of one chain; inside the window of vd_chain_gather(). */
static __always_inline int vd_chain_gather_one(const struct vd_ring *ring,
					       struct vd_batch *batch,
					       struct vd_chain *chain)
{
	struct vd_walk walk = {
		.num = ring->num,
		.slot = chain->head,
		.left = min_t(u32, ring->num, VD_CHAIN_MAX_WALK),
	};
	u32 last;

	chain->desc = batch->nr_desc;
	chain->nr_desc = 0;
	chain->nr_slots = 1;
	do {
		u32 at = chain->desc + chain->nr_desc;
		struct vd_desc d;
		int err;

		last = walk.slot;
		err = vd_walk_check(&walk) ?:
		      vd_walk_step(&walk, vd_walk_ring_desc(ring, walk.slot),
				   &d);
		if (err)
			return err;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* 2.7.5.3.1: never set both INDIRECT and NEXT. */
			if (walk.more)
				return -EINVAL;
		} else if (!d.len) {
			/* Nothing there: not even its address matters. */
			batch->nr_empty++;
			continue;
		}
		if (at == VD_MAX_SEGS)
			return -E2BIG;
		/* Not an index: a bounds checker would call out here. */
		*(batch->desc + at) = d;
		chain->nr_desc++;
	} while (walk.more);
	chain->next = (last + 1) & (ring->num - 1);
	batch->nr_desc += chain->nr_desc;
	return 0;
}

/**
 * vd_chain_gather() - read the direct descriptors of the chains in a batch
 * @ring: the ring, with the split layout
 * @batch: chains from @first on have their head filled in; those that could
 *	   not be read are cut off
 * @first: the first chain to read
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 when at least one chain was read, else the error of the first:
 * -EFAULT, -EINVAL for an index out of range or a table in the middle of a chain,
 * -ELOOP for a chain longer than the ring or than our patience, -E2BIG for one
 * that @batch has no room for.
 */
int vd_chain_gather(const struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int first)
{
	/* 2.7.9: in order a chain begins where the last one ended. */
	unsigned int follow = ring->in_order ? first + !ring->head_is_known :
					       batch->nr;
	u16 next = ring->next_head;
	unsigned int i;
	int err = 0;

	if (!user_read_access_begin(ring->desc.base,
				    vd_area_window(&ring->desc,
						   sizeof(struct vring_desc) *
						   ring->num)))
		return -EFAULT;
	for (i = first; i < batch->nr; i++) {
		struct vd_chain *chain = batch->chain + i;

		if (i >= follow)
			chain->head = next;
		err = vd_chain_gather_one(ring, batch, chain);
		if (err)
			break;
		next = chain->next;
	}
	user_read_access_end();

	batch->nr = i;
	return i > first ? 0 : err;
}
