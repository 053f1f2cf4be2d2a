// SPDX-License-Identifier: GPL-2.0-only
/*
 * The available side of the packed virtqueue (virtio 1.2, sections 2.8.5 to
 * 2.8.7 and 2.8.10): chains are fetched here, and kicks enabled and disabled.
 * The verbs are described in ring.h, the barriers in packed.h.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/packed.h"

/* Whether flags read at @pos are those of an available descriptor. */
static __always_inline bool vd_packed_is_avail(const struct vd_ring *ring,
					       u16 pos, u16 flags)
{
	return (flags & (VD_PACKED_AVAIL | VD_PACKED_USED)) ==
	       (vd_packed_is_odd(ring, pos) ? VD_PACKED_USED : VD_PACKED_AVAIL);
}

/*
 * Read all of the descriptor at @p but its address, inside a window. This must
 * be a single load: no field may be older than the flags, which the driver
 * writes last.
 */
static __always_inline int vd_packed_read_rest(const __le64 __user *p,
					       struct vd_desc *d)
{
	__le64 rest;
	u64 word;

	unsafe_get_user(rest, p + 1, fault);
	word = le64_to_cpu(rest);
	d->len = (u32)word;
	d->next = (u16)(word >> 32);	/* the buffer's id */
	d->flags = (u16)(word >> 48);
	return 0;

fault:
	return -EFAULT;
}

static __always_inline int vd_packed_read_addr(const __le64 __user *p,
					       struct vd_desc *d)
{
	__le64 addr;

	unsafe_get_user(addr, p, fault);
	d->addr = le64_to_cpu(addr);
	return 0;

fault:
	return -EFAULT;
}

static __always_inline const __le64 __user *
vd_packed_desc_at(const struct vd_ring *ring, u16 pos)
{
	return vd_area_at(&ring->desc, vd_packed_off(ring, pos));
}

/*
 * Read the rest of the available chain at @pos, inside a window: @d is its first
 * descriptor. The last descriptor has the id (2.8.6).
 */
static __always_inline int vd_packed_read_chain(const struct vd_ring *ring,
						struct vd_batch *batch,
						struct vd_chain *chain,
						u16 pos, struct vd_desc *d)
{
	u32 at = batch->nr_desc, slots = 1;
	int err;

	for (;;) {
		const __le64 __user *p;

		err = vd_chain_keep(batch, &at, d);
		if (err)
			return err;
		if (!(d->flags & VRING_DESC_F_NEXT))
			break;
		if (slots == min_t(u32, ring->num, VD_CHAIN_MAX_WALK))
			return -ELOOP;
		slots++;
		p = vd_packed_desc_at(ring, ++pos);
		if (vd_packed_read_rest(p, d) || vd_packed_read_addr(p, d))
			return -EFAULT;
	}
	chain->head = d->next;
	chain->first_desc = batch->nr_desc;
	chain->nr_desc = at - batch->nr_desc;
	chain->nr_slots = slots;
	batch->nr_desc = at;
	return 0;
}

/*
 * Append all available chains from position *@next on, up to @max; inside a
 * window. Those before chain *@at of the batch are translated.
 */
static __always_inline int vd_packed_read_window(const struct vd_ring *ring,
						 const struct vd_mem *mem,
						 struct vd_batch *batch,
						 unsigned int max,
						 unsigned int *at, u16 *next)
{
	struct vd_chain *chain = batch->chain + batch->nr;
	struct vd_chain *end = chain + max;
	struct vd_chain *hits = chain + min(max, vd_chain_hit_room(batch));
	struct vd_desc d;
	u16 pos = *next;
	int err = 0;

	for (; chain < end; chain++) {
		const __le64 __user *p = vd_packed_desc_at(ring, pos);

		err = vd_packed_read_rest(p, &d);
		if (err || !vd_packed_is_avail(ring, pos, d.flags))
			break;
		smp_rmb(); /* (A) */
		err = vd_packed_read_addr(p, &d);
		if (err)
			break;
		if (likely(chain < hits)) {
			if (likely(vd_chain_take_hit(mem, batch, chain, &d))) {
				chain->head = d.next;
				pos++;
				continue;
			}
			hits = chain;
		}
		err = vd_packed_read_chain(ring, batch, chain, pos, &d);
		if (err)
			break;
		pos += chain->nr_slots;
	}
	batch->nr = chain - batch->chain;
	*at = min(chain, hits) - batch->chain;
	*next = pos;
	return err;
}

/*
 * Append up to @max available chains to a batch, which must have room for them.
 * Those before chain *@at of the batch are translated. Returns the number of
 * chains; 0 if none is available; if the first one fails: -EFAULT, -EINVAL for a
 * table that is not the only descriptor, -ELOOP for a chain longer than the ring,
 * -E2BIG for one that does not fit into @batch.
 */
static int vd_packed_read_chains(struct vd_ring *ring, const struct vd_mem *mem,
				 struct vd_batch *batch, unsigned int max,
				 unsigned int *at)
{
	unsigned int first = batch->nr;
	u16 pos = ring->next_avail;
	int err;

	if (!user_read_access_begin(ring->desc.base,
				    vd_area_window(&ring->desc)))
		return -EFAULT;
	err = vd_packed_read_window(ring, mem, batch, max, at, &pos);
	user_read_access_end();
	ring->seen_avail = pos;
	return batch->nr > first ? batch->nr - first : err;
}

/* As vd_split_fetch(). */
int vd_packed_fetch(struct vd_ring *ring, struct vd_mem *mem,
		    struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr, at, i;
	int nr, err = 0;

	nr = vd_packed_read_chains(ring, mem, batch, max, &at);
	if (unlikely(!max) && !nr) {
		nr = vd_packed_peek(ring);
		return nr > 0 ? -ENOSPC : nr;
	}
	if (nr <= 0)
		return nr;
	if (at < batch->nr)
		err = vd_chain_translate(mem, batch, first, at, true);
	if (err)
		return err;
	if (batch->nr == first + nr) {
		ring->next_avail = ring->seen_avail;
		return nr;
	}
	for (i = first; i < batch->nr; i++)
		ring->next_avail += batch->chain[i].nr_slots;
	return batch->nr - first;
}

/* @flags is VRING_PACKED_EVENT_FLAG_ENABLE, _DISABLE or _DESC. */
int vd_packed_set_kick_flags(struct vd_ring *ring, u16 flags)
{
	const size_t off = offsetof(struct vring_packed_desc_event, flags);
	__le16 __user *at = vd_area_at(&ring->device, off);

	if (put_user(cpu_to_le16(flags), at))
		return -EFAULT;
	ring->kick_flags = flags;
	vd_ring_log(ring, &ring->device, off, sizeof(__le16));
	return 0;
}

/* Request a kick for the chain at @pos (2.8.10). */
static int vd_packed_set_event(struct vd_ring *ring, u16 pos)
{
	const size_t off = offsetof(struct vring_packed_desc_event, off_wrap);
	__le16 __user *at = vd_area_at(&ring->device, off);

	if (put_user(cpu_to_le16(vd_packed_to_off_wrap(ring, pos)), at))
		return -EFAULT;
	vd_ring_log(ring, &ring->device, off, sizeof(__le16));
	if (ring->kick_flags == VRING_PACKED_EVENT_FLAG_DESC)
		return 0;
	/* The event must be visible before flags that refer to it. */
	smp_wmb();
	return vd_packed_set_kick_flags(ring, VRING_PACKED_EVENT_FLAG_DESC);
}

int vd_packed_arm(struct vd_ring *ring)
{
	int err = 0;

	if (ring->event_idx)
		err = vd_packed_set_event(ring, ring->seen_avail);
	else if (ring->kick_flags != VRING_PACKED_EVENT_FLAG_ENABLE)
		err = vd_packed_set_kick_flags(ring,
					       VRING_PACKED_EVENT_FLAG_ENABLE);
	if (err)
		return err;
	smp_mb(); /* (D) */
	return vd_packed_peek(ring);
}

int vd_packed_disarm(struct vd_ring *ring)
{
	if (ring->kick_flags != VRING_PACKED_EVENT_FLAG_ENABLE)
		return 0;
	return vd_packed_suppress(ring);
}

int vd_packed_suppress(struct vd_ring *ring)
{
	return vd_packed_set_kick_flags(ring, VRING_PACKED_EVENT_FLAG_DISABLE);
}

int vd_packed_peek(const struct vd_ring *ring)
{
	__le16 flags;

	if (get_user(flags, vd_packed_flags(ring, ring->seen_avail)))
		return -EFAULT;
	return vd_packed_is_avail(ring, ring->seen_avail, le16_to_cpu(flags));
}
