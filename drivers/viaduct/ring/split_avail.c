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

/* Read the avail index; inside a window. */
static __always_inline int vd_split_read_idx(const struct vd_ring *ring,
					     u16 *idx)
{
	__le16 raw;

	unsafe_get_user(raw, vd_split_avail_idx(ring), fault);
	*idx = le16_to_cpu(raw);
	return 0;

fault:
	return -EFAULT;
}

/* Read the head of the chain at @pos; inside a window. */
static __always_inline int vd_split_read_head(const struct vd_ring *ring,
					      u16 pos, u32 *slot)
{
	__le16 raw;

	unsafe_get_user(raw, vd_split_avail_slot(ring, pos & (ring->num - 1)),
			fault);
	*slot = le16_to_cpu(raw);
	return 0;

fault:
	return -EFAULT;
}

/*
 * Read the descriptor in @slot; inside a window. The slot is checked and also
 * masked, because a processor that mispredicts the check could speculatively
 * read beyond the table.
 */
static __always_inline int vd_split_read_desc(const struct vd_ring *ring,
					      u32 slot, struct vd_desc *d)
{
	const u32 mask = ring->num - 1;

	if (slot > mask)
		return -EINVAL;
	return vd_desc_read(d, vd_area_at(&ring->desc,
					  sizeof(struct vring_desc) *
					  (slot & mask)));
}

/*
 * Read the rest of the chain that begins in the slot &vd_chain.head, inside a
 * window: @d is its first descriptor.
 */
static __always_inline int vd_split_read_chain(const struct vd_ring *ring,
					       struct vd_batch *batch,
					       struct vd_chain *chain,
					       struct vd_desc *d)
{
	u32 left = min_t(u32, ring->num, VD_CHAIN_MAX_WALK);
	u32 at = batch->nr_desc, slot = chain->head;
	int err;

	for (;;) {
		err = vd_chain_keep(batch, &at, d);
		if (err)
			return err;
		if (!(d->flags & VRING_DESC_F_NEXT))
			break;
		if (!--left)
			return -ELOOP;
		slot = d->next;
		err = vd_split_read_desc(ring, slot, d);
		if (err)
			return err;
	}
	chain->first_desc = batch->nr_desc;
	chain->nr_desc = at - batch->nr_desc;
	chain->nr_slots = 1;
	chain->next = (slot + 1) & (ring->num - 1);
	batch->nr_desc = at;
	return 0;
}

/*
 * Append @max available chains; inside a window. Only the first @nr_heads heads
 * are read: in order, a chain begins after the end of the last one (2.7.9). The
 * chains before chain *@at of the batch are translated.
 */
static __always_inline int
vd_split_read_window(const struct vd_ring *ring, const struct vd_mem *mem,
		     struct vd_batch *batch, unsigned int max,
		     unsigned int nr_heads, unsigned int *at)
{
	struct vd_chain *chain = batch->chain + batch->nr;
	struct vd_chain *end = chain + max, *known = chain + nr_heads;
	struct vd_chain *hits = chain + min(max, vd_chain_hit_room(batch));
	u32 slot = ring->next_head;
	u16 pos = ring->next_avail;
	struct vd_desc d;
	int err = 0;

	for (; chain < end; chain++, pos++) {
		if (chain < known)
			err = vd_split_read_head(ring, pos, &slot);
		err = err ?: vd_split_read_desc(ring, slot, &d);
		if (err)
			break;
		chain->head = slot;
		if (likely(chain < hits)) {
			if (likely(vd_chain_take_hit(mem, batch, chain, &d))) {
				slot = (slot + 1) & (ring->num - 1);
				chain->next = slot;
				continue;
			}
			hits = chain;
		}
		err = vd_split_read_chain(ring, batch, chain, &d);
		if (err)
			break;
		slot = chain->next;
	}
	batch->nr = chain - batch->chain;
	*at = min(chain, hits) - batch->chain;
	return err;
}

/*
 * Append up to @max available chains to a batch, which must have room for them.
 * Those before chain *@at of the batch are translated. Returns 0, or the error of
 * the first chain that cannot be read, with the chains before it appended:
 * -EFAULT, -EINVAL for an index out of range or a table in the middle of a chain,
 * -ELOOP for a chain longer than the ring or VD_CHAIN_MAX_WALK, -E2BIG for one
 * that does not fit into @batch; or -EPROTO if the driver's index is more than the
 * ring size ahead.
 */
static int vd_split_read_chains(struct vd_ring *ring, const struct vd_mem *mem,
				struct vd_batch *batch, unsigned int max,
				unsigned int *at)
{
	unsigned int nr_heads = ring->in_order ? !ring->head_is_known : max;
	u16 seen, nr;
	int err;

	/* The window is opened over one area; the other is checked here. */
	if (!access_ok(ring->desc.base, vd_area_window(&ring->desc)) ||
	    !user_read_access_begin(ring->driver.base,
				    vd_area_window(&ring->driver)))
		return -EFAULT;
	err = vd_split_read_idx(ring, &seen);
	if (err)
		goto out;
	nr = seen - ring->next_avail;
	if (nr > ring->num) {
		err = -EPROTO;
		goto out;
	}
	smp_rmb(); /* (A) */
	ring->seen_avail = seen;
	err = vd_split_read_window(ring, mem, batch,
				   min_t(unsigned int, nr, max), nr_heads, at);
out:
	user_read_access_end();
	return err;
}

/*
 * @batch must have room for @max chains; @max is 0 if it is full. Fails with
 * -E2BIG also for a chain that does not fit into a batch that is not empty.
 */
int vd_split_fetch(struct vd_ring *ring, struct vd_mem *mem,
		   struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr, at;
	int nr, err;

	err = vd_split_read_chains(ring, mem, batch, max, &at);
	if (batch->nr == first) {
		if (err)
			return err;
		return ring->seen_avail == ring->next_avail ? 0 : -ENOSPC;
	}
	err = 0;
	if (at < batch->nr)
		err = vd_chain_translate(mem, batch, first, at, false);
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
 * 2.7.10: request a kick when the avail index passes @idx. An index that has
 * already been passed requests none.
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
