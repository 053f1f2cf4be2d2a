// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chains of a split ring (virtio 1.2, section 2.7.5): the part that lies in
 * its descriptor table.
 *
 * A batch of chains is fetched in two passes. This one reads the descriptors of
 * all of them in one user-access window, inside which no function may be called
 * (vd_packed_gather() does that for packed rings); vd_chain_resolve() then
 * translates addresses and follows indirect tables. Descriptors are copied to
 * &vd_batch.desc, and only the copy may be checked and used: the guest may
 * change the ring at any time.
 *
 * Both passes stop at the first chain that fails. If it is the first of the
 * call, its error is returned; otherwise the chains before it are returned, and
 * the next fetch begins with the failed one.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/chain.h"
#include "ring/walk.h"

/*
 * The slot has been checked; it is masked as well, because a processor that
 * mispredicts the check would speculatively read beyond the table.
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
			/* Zero-length: its address must not be checked. */
			batch->nr_empty++;
			continue;
		}
		if (at == VD_MAX_SEGS)
			return -E2BIG;
		/* Not indexed: a bounds sanitizer would call a function. */
		*(batch->desc + at) = d;
		chain->nr_desc++;
	} while (walk.more);
	chain->next = (last + 1) & (ring->num - 1);
	batch->nr_desc += chain->nr_desc;
	return 0;
}

/**
 * vd_chain_gather() - read the direct descriptors of the chains in a batch
 * @ring: a split ring
 * @batch: chains from @first on have their head filled in; chains from the
 *	   first failure on are removed
 * @first: the first chain to read
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 if at least one chain was read, else the error of the first:
 * -EFAULT, -EINVAL for an index out of range or a table in the middle of a chain,
 * -ELOOP for a chain longer than the ring or VD_CHAIN_MAX_WALK, -E2BIG for one
 * that does not fit into @batch.
 */
int vd_chain_gather(const struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int first)
{
	/* 2.7.9: in order, a chain begins after the end of the last one. */
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
