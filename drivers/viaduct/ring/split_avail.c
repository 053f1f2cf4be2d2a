// SPDX-License-Identifier: GPL-2.0-only
/*
 * The available side of the split virtqueue (virtio 1.2, sections 2.7.5 to
 * 2.7.6 and 2.7.10): chains are fetched here, and kicks enabled and disabled.
 * The verbs are described in ring.h, the barriers in split.h.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/split.h"

/*
 * Append the heads of up to @max available chains to a batch, which must have
 * room for them. Returns the number of chains; in order, vd_split_read_chains()
 * fills in all heads but an unknown first one. Returns -EPROTO if the driver's
 * index is more than the ring size ahead.
 */
static int vd_split_read_heads(struct vd_ring *ring, struct vd_batch *batch,
			       unsigned int max)
{
	struct vd_chain *chain = &batch->chain[batch->nr];
	/* In order, the walk finds all heads but an unknown first one. */
	unsigned int want = ring->in_order ? !ring->head_is_known : max;
	__le16 idx, head;
	unsigned int i;
	u16 seen, nr;

	if (!user_read_access_begin(ring->driver.base,
				    vd_area_window(&ring->driver)))
		return -EFAULT;
	unsafe_get_user(idx, vd_split_avail_idx(ring), fault);
	seen = le16_to_cpu(idx);
	nr = seen - ring->next_avail;
	if (nr > ring->num) {
		user_read_access_end();
		return -EPROTO;
	}
	smp_rmb(); /* (A) */
	max = min_t(unsigned int, nr, max);
	want = min(want, max);
	for (i = 0; i < want; i++) {
		u16 slot = (ring->next_avail + i) & (ring->num - 1);

		unsafe_get_user(head, vd_split_avail_slot(ring, slot), fault);
		chain[i].head = le16_to_cpu(head);
	}
	user_read_access_end();
	ring->seen_avail = seen;
	return max;

fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * The slot has been checked; it is masked as well, because a processor that
 * mispredicts the check would speculatively read beyond the table.
 */
static __always_inline const __le64 __user *
vd_split_desc_at(const struct vd_ring *ring, u32 slot)
{
	slot &= ring->num - 1;
	return vd_area_at(&ring->desc, sizeof(struct vring_desc) * slot);
}

/* Read the descriptors of one chain in the ring; inside a window. */
static __always_inline int vd_split_read_chain(const struct vd_ring *ring,
					       struct vd_batch *batch,
					       struct vd_chain *chain)
{
	u32 left = min_t(u32, ring->num, VD_CHAIN_MAX_WALK);
	u32 at = batch->nr_desc, next = chain->head, slot;
	struct vd_desc d;
	int err;

	do {
		slot = next;
		if (slot >= ring->num)
			return -EINVAL;
		if (!left--)
			return -ELOOP;
		if (vd_desc_read(&d, vd_split_desc_at(ring, slot)))
			return -EFAULT;
		next = d.next;
		err = vd_chain_keep(batch, &at, &d);
		if (err)
			return err;
	} while (d.flags & VRING_DESC_F_NEXT);
	chain->first_desc = batch->nr_desc;
	chain->nr_desc = at - batch->nr_desc;
	chain->nr_slots = 1;
	chain->next = (slot + 1) & (ring->num - 1);
	batch->nr_desc = at;
	return 0;
}

/*
 * Read the descriptors of the chains from @first on; their heads must have been
 * read. Chains from the first failure on are removed. Returns 0 if at least one
 * chain was read, else the error of the first: -EFAULT, -EINVAL for an index out
 * of range or a table in the middle of a chain, -ELOOP for a chain longer than
 * the ring or VD_CHAIN_MAX_WALK, -E2BIG for one that does not fit into @batch.
 */
static int vd_split_read_chains(const struct vd_ring *ring,
				struct vd_batch *batch, unsigned int first)
{
	/* 2.7.9: in order, a chain begins after the end of the last one. */
	unsigned int follow = ring->in_order ? first + !ring->head_is_known :
					       batch->nr;
	u16 next = ring->next_head;
	unsigned int i;
	int err = 0;

	if (!user_read_access_begin(ring->desc.base,
				    vd_area_window(&ring->desc)))
		return -EFAULT;
	for (i = first; i < batch->nr; i++) {
		struct vd_chain *chain = batch->chain + i;

		if (i >= follow)
			chain->head = next;
		err = vd_split_read_chain(ring, batch, chain);
		if (err)
			break;
		next = chain->next;
	}
	user_read_access_end();

	batch->nr = i;
	return i > first ? 0 : err;
}

/*
 * @batch must have room for @max chains; @max is 0 if it is full. Fails with
 * -E2BIG also for a chain that does not fit into a batch that is not empty.
 */
int vd_split_fetch(struct vd_ring *ring, struct vd_mem *mem,
		   struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr;
	int nr, err;

	nr = vd_split_read_heads(ring, batch, max);
	if (nr < 0)
		return nr;
	if (!nr)
		return ring->seen_avail == ring->next_avail ? 0 : -ENOSPC;
	batch->nr += nr;
	err = vd_split_read_chains(ring, batch, first) ?:
	      vd_chain_translate(mem, batch, first, false);
	if (err)
		return err;
	nr = batch->nr - first;
	ring->next_avail += nr;
	ring->next_head = batch->chain[batch->nr - 1].next;
	ring->head_is_known = ring->in_order;
	return nr;
}

/* @flags is VRING_USED_F_NO_NOTIFY or 0. */
int vd_split_set_kick_flags(struct vd_ring *ring, u16 flags)
{
	__le16 __user *at = vd_area_at(&ring->device, VD_SPLIT_USED_FLAGS);

	if (put_user(cpu_to_le16(flags), at))
		return -EFAULT;
	ring->kick_flags = flags;
	vd_ring_log(ring, &ring->device, VD_SPLIT_USED_FLAGS, sizeof(__le16));
	return 0;
}

/*
 * 2.7.10: request a kick for the chain with the avail index @idx; an index that
 * has been passed for no kick.
 */
static int vd_split_set_event(struct vd_ring *ring, u16 idx)
{
	size_t off = vd_split_avail_event_off(ring);
	__le16 __user *at = vd_area_at(&ring->device, off);

	if (put_user(cpu_to_le16(idx), at))
		return -EFAULT;
	vd_ring_log(ring, &ring->device, off, sizeof(__le16));
	return 0;
}

int vd_split_arm(struct vd_ring *ring)
{
	int err = 0;

	if (ring->event_idx)
		err = vd_split_set_event(ring, ring->seen_avail);
	else if (ring->kick_flags)
		err = vd_split_set_kick_flags(ring, 0);
	if (err)
		return err;
	smp_mb(); /* (D) */
	return vd_split_peek(ring);
}

int vd_split_disarm(struct vd_ring *ring)
{
	if (ring->event_idx || ring->kick_flags)
		return 0;
	return vd_split_set_kick_flags(ring, VRING_USED_F_NO_NOTIFY);
}

int vd_split_suppress(struct vd_ring *ring)
{
	if (ring->event_idx)
		return vd_split_set_event(ring, ring->seen_avail - 1);
	return vd_split_set_kick_flags(ring, VRING_USED_F_NO_NOTIFY);
}

int vd_split_peek(struct vd_ring *ring)
{
	__le16 idx;

	if (get_user(idx, vd_split_avail_idx(ring)))
		return -EFAULT;
	return le16_to_cpu(idx) != ring->seen_avail;
}
