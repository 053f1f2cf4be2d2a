// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packed virtqueue (virtio 1.2, section 2.8) in memory: one ring of
 * descriptors, over which the driver writes what is available and the device
 * what is used, and a word from each side on notifications.
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
 *   write the flags of the first             write what it says of interrupts
 *   (C) full barrier                         full barrier
 *   read what the driver says                read the flags of the next
 *
 *   write what we say of kicks               write the flags of a head
 *   (D) full barrier, in vd_ring_arm()       full barrier
 *   read the flags of the next head          read what the device says
 *
 * The descriptors that are used at a time become visible together, by the
 * flags of the first: the driver does not look behind one that is not used.
 *
 * 2.8.1: which of two flag values means available, or used, changes each time
 * a side passes the end of the ring. Positions go on instead, so that the lap's
 * parity is the bit above the slot's.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/uaccess.h>

#include "ring/log.h"
#include "ring/packed.h"

/**
 * vd_packed_pos() - position that the other side's words for it mean
 * @ring: the ring
 * @code: slot, and the wrap counter in bit 15, as the ABI and the event
 *	  structures have it
 *
 * The counter is 1 in the first lap.
 *
 * Return: a position less than two laps from 0. What lies behind the ring's
 * end becomes some position, too.
 */
u16 vd_packed_pos(const struct vd_ring *ring, u16 code)
{
	u16 slot = code & (ring->num - 1);

	return code & VD_PACKED_WRAP ? slot : slot | ring->num;
}

/**
 * vd_packed_code() - the other side's words for a position
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
 * Read all of the descriptor at @p but its address, inside a window. It is one
 * word for the machine, too: nothing in it is older than the flags, which the
 * driver writes last.
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
 * The chain that begins at @pos, which is available: @p is its first descriptor,
 * of which @d has all but the address. Inside a window. The last one has the
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
		/* One that is empty is nothing: not even its address matters. */
		if (d->len || d->flags & VRING_DESC_F_INDIRECT) {
			if (at == VD_MAX_SEGS)
				return -E2BIG;
			if (vd_packed_read_addr(p, d))
				return -EFAULT;
			/* Not an index: a bounds checker would call out here. */
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

/* All that is available, up to @max chains; inside a window. */
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
 * @batch: where the chains go
 * @max: how many at most; there is room for them
 *
 * Context: on the owner's mm, may fault.
 * Return: how many; when there is none, why: 0 when none is available, else
 * -EFAULT, -EINVAL for a table that is not alone, -ELOOP for a chain longer
 * than the ring, -E2BIG for one that @batch has no room for.
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
 * vd_packed_tell() - write what we say of kicks
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
 * vd_packed_set_event() - ask for a kick at a chain
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
	/* Flags that name the event come after it. */
	smp_wmb();
	return vd_packed_tell(ring, VRING_PACKED_EVENT_FLAG_DESC);
}

/**
 * vd_packed_peek() - look whether there is another available chain
 * @ring: the ring; does not change
 *
 * Context: on the owner's mm, may fault.
 * Return: 1 when there is one behind those that were seen, 0, or -EFAULT.
 */
int vd_packed_peek(const struct vd_ring *ring)
{
	__le16 flags;

	if (get_user(flags, vd_packed_flags(ring, ring->seen_avail)))
		return -EFAULT;
	return vd_packed_is_avail(ring, ring->seen_avail, le16_to_cpu(flags));
}
