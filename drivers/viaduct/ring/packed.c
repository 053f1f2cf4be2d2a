// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packed virtqueue (virtio 1.2, section 2.8) in memory: one ring, to which
 * the driver writes available descriptors and the device used ones, and one
 * event suppression structure per side.
 *
 *   device                                   driver
 *
 *   read the flags of a head                 write descriptors
 *   (A) read barrier                         write barrier
 *   read descriptors                         write the flags of the head
 *
 *   write buffers, used descriptors          read the flags of the first
 *   (B) write barrier                        read barrier
 *   write the flags of the first             read used descriptors, buffers
 *
 *   write the flags of the first             write driver event suppression
 *   (C) full barrier                         full barrier
 *   read driver event suppression            read the flags of the next
 *
 *   write device event suppression           write the flags of a head
 *   (D) full barrier, in vd_ring_arm()       full barrier
 *   read the flags of the next head          read device event suppression
 *
 * Used descriptors that are written together become visible by the flags of the
 * first: the driver does not read past one that is not used.
 *
 * 2.8.1: the meaning of the avail and used flags inverts each time a side wraps
 * at the end of the ring. Positions are free-running instead: the bit above the
 * slot is the parity of the lap.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/uaccess.h>

#include "ring/log.h"
#include "ring/packed.h"

/**
 * vd_packed_pos() - convert off_wrap to a ring position
 * @ring: the ring
 * @code: slot, and the wrap counter in bit 15: the encoding of the ABI and of
 *	  the event suppression structures
 *
 * The counter is 1 in the first lap.
 *
 * Return: a position less than two laps from 0. A slot beyond the ring's end is
 * masked to the ring size.
 */
u16 vd_packed_pos(const struct vd_ring *ring, u16 code)
{
	u16 slot = code & (ring->num - 1);

	return code & VD_PACKED_WRAP ? slot : slot | ring->num;
}

/**
 * vd_packed_code() - convert a ring position to off_wrap
 * @ring: the ring
 * @pos: the position
 *
 * Return: slot and wrap counter.
 */
u16 vd_packed_code(const struct vd_ring *ring, u16 pos)
{
	u16 slot = pos & (ring->num - 1);

	return vd_packed_is_odd(ring, pos) ? slot : slot | VD_PACKED_WRAP;
}

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

/* Read the address of the descriptor at @p, inside a window. */
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
 * Read the available chain at @pos, inside a window: @p is its first
 * descriptor, @d holds all of that but the address. The last descriptor has the
 * id (2.8.6).
 */
static __always_inline int vd_packed_gather_one(const struct vd_ring *ring,
						struct vd_batch *batch,
						struct vd_chain *chain,
						u16 pos,
						const __le64 __user *p,
						struct vd_desc *d)
{
	u32 at = batch->nr_desc, slots = 1;

	for (;;) {
		if (d->flags & VRING_DESC_F_INDIRECT &&
		    d->flags & VRING_DESC_F_NEXT)
			return -EINVAL;
		/* The address of a zero-length one must not be checked. */
		if (d->len || d->flags & VRING_DESC_F_INDIRECT) {
			if (at == VD_MAX_SEGS)
				return -E2BIG;
			if (vd_packed_read_addr(p, d))
				return -EFAULT;
			/* Not indexed: a bounds sanitizer would call a function. */
			*(batch->desc + at++) = *d;
		} else {
			batch->nr_empty++;
		}
		if (!(d->flags & VRING_DESC_F_NEXT))
			break;
		if (slots == min_t(u32, ring->num, VD_CHAIN_MAX_WALK))
			return -ELOOP;
		slots++;
		p = vd_packed_desc_at(ring, ++pos);
		if (vd_packed_read_rest(p, d))
			return -EFAULT;
	}
	chain->head = d->next;
	chain->desc = batch->nr_desc;
	chain->nr_desc = at - batch->nr_desc;
	chain->nr_slots = slots;
	batch->nr_desc = at;
	return 0;
}

/* Read all available chains, up to @max; inside a window. */
static __always_inline int vd_packed_gather_window(const struct vd_ring *ring,
						   struct vd_batch *batch,
						   unsigned int max, u16 *at)
{
	struct vd_chain *chain = batch->chain + batch->nr;
	struct vd_chain *end = chain + max;
	struct vd_desc d;
	u16 pos = *at;
	int err = 0;

	for (; chain < end; chain++) {
		const __le64 __user *p = vd_packed_desc_at(ring, pos);

		err = vd_packed_read_rest(p, &d);
		if (err || !vd_packed_is_avail(ring, pos, d.flags))
			break;
		smp_rmb(); /* (A) */
		err = vd_packed_gather_one(ring, batch, chain, pos, p, &d);
		if (err)
			break;
		pos += chain->nr_slots;
		batch->nr++;
	}
	*at = pos;
	return err;
}

/**
 * vd_packed_gather() - append available chains to a batch, untranslated
 * @ring: the ring; only &vd_ring.seen_avail changes
 * @batch: receives the chains
 * @max: limit on their number; @batch must have room for them
 *
 * Context: on the owner's mm, may fault.
 * Return: the number of chains; 0 if none is available; if the first one fails:
 * -EFAULT, -EINVAL for a table that is not the only descriptor, -ELOOP for a
 * chain longer than the ring, -E2BIG for one that does not fit into @batch.
 */
int vd_packed_gather(struct vd_ring *ring, struct vd_batch *batch,
		     unsigned int max)
{
	unsigned int first = batch->nr;
	u16 pos = ring->next_avail;
	int err;

	if (!user_read_access_begin(ring->desc.base,
				    vd_area_window(&ring->desc,
						   vd_packed_desc_size(ring))))
		return -EFAULT;
	err = vd_packed_gather_window(ring, batch, max, &pos);
	user_read_access_end();
	ring->seen_avail = pos;
	return batch->nr > first ? batch->nr - first : err;
}

/**
 * vd_packed_tell() - set the device's notification flags
 * @ring: the ring
 * @flags: VRING_PACKED_EVENT_FLAG_ENABLE, _DISABLE or _DESC
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_packed_tell(struct vd_ring *ring, u16 flags)
{
	const size_t off = offsetof(struct vring_packed_desc_event, flags);
	__le16 __user *at = vd_area_at(&ring->device, off);

	if (put_user(cpu_to_le16(flags), at))
		return -EFAULT;
	ring->told = flags;
	vd_ring_log(ring, &ring->device, off, sizeof(__le16));
	return 0;
}

/**
 * vd_packed_set_event() - request a kick at a chain
 * @ring: the ring
 * @pos: the chain's position
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_packed_set_event(struct vd_ring *ring, u16 pos)
{
	const size_t off = offsetof(struct vring_packed_desc_event, off_wrap);
	__le16 __user *at = vd_area_at(&ring->device, off);

	if (put_user(cpu_to_le16(vd_packed_code(ring, pos)), at))
		return -EFAULT;
	vd_ring_log(ring, &ring->device, off, sizeof(__le16));
	if (ring->told == VRING_PACKED_EVENT_FLAG_DESC)
		return 0;
	/* The event must be visible before flags that refer to it. */
	smp_wmb();
	return vd_packed_tell(ring, VRING_PACKED_EVENT_FLAG_DESC);
}

/**
 * vd_packed_peek() - check whether there is another available chain
 * @ring: the ring; does not change
 *
 * Context: on the owner's mm, may fault.
 * Return: 1 if there is one at &vd_ring.seen_avail, 0 if not, or -EFAULT.
 */
int vd_packed_peek(const struct vd_ring *ring)
{
	__le16 flags;

	if (get_user(flags, vd_packed_flags(ring, ring->seen_avail)))
		return -EFAULT;
	return vd_packed_is_avail(ring, ring->seen_avail, le16_to_cpu(flags));
}
