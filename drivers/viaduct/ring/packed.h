/* SPDX-License-Identifier: GPL-2.0-only */
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
 *   (D) full barrier, in vd_packed_arm()       full barrier
 *   read the flags of the next head          read device event suppression
 *
 * Used descriptors that are written together become visible by the flags of the
 * first: the driver does not read past one that is not used.
 *
 * 2.8.1: the meaning of the avail and used flags inverts each time a side wraps
 * at the end of the ring. Positions are free-running instead: the bit above the
 * slot is the parity of the lap.
 */
#ifndef VD_RING_PACKED_H
#define VD_RING_PACKED_H

#include <linux/bits.h>

#include "ring/chain.h"
#include "ring/state.h"

/* Event suppression structure of the driver or the device (2.8.10). */
#define VD_PACKED_EVENT_SIZE	sizeof(struct vring_packed_desc_event)

#define VD_PACKED_AVAIL		BIT(VRING_PACKED_DESC_F_AVAIL)
#define VD_PACKED_USED		BIT(VRING_PACKED_DESC_F_USED)
#define VD_PACKED_WRAP		BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

static __always_inline bool vd_packed_is_odd(const struct vd_ring *ring,
					     u16 pos)
{
	return pos & ring->num;
}

static __always_inline size_t vd_packed_off(const struct vd_ring *ring,
					    u16 pos)
{
	return sizeof(struct vring_packed_desc) * (pos & (ring->num - 1));
}

static __always_inline __le16 __user *
vd_packed_flags(const struct vd_ring *ring, u16 pos)
{
	return vd_area_at(&ring->desc, vd_packed_off(ring, pos) +
			  offsetof(struct vring_packed_desc, flags));
}

/**
 * vd_packed_from_off_wrap() - convert off_wrap to a ring position
 * @ring: the ring
 * @off_wrap: slot, and in bit 15 the wrap counter, which is 1 in the first lap
 *
 * Return: a position less than two laps from 0. A slot beyond the ring's end is
 * masked to the ring size.
 */
static inline u16 vd_packed_from_off_wrap(const struct vd_ring *ring,
					  u16 off_wrap)
{
	u16 slot = off_wrap & (ring->num - 1);

	return off_wrap & VD_PACKED_WRAP ? slot : slot | ring->num;
}

static inline u16 vd_packed_to_off_wrap(const struct vd_ring *ring, u16 pos)
{
	u16 slot = pos & (ring->num - 1);

	return vd_packed_is_odd(ring, pos) ? slot : slot | VD_PACKED_WRAP;
}

/* No field that is accessed in one piece is longer than its area's alignment. */
static inline void vd_packed_resize(struct vd_ring *ring)
{
	vd_area_resize(&ring->desc, sizeof(struct vring_packed_desc) * ring->num,
		       VRING_DESC_ALIGN_SIZE, VHOST_ACCESS_RW);
	vd_area_resize(&ring->driver, VD_PACKED_EVENT_SIZE,
		       VD_PACKED_EVENT_SIZE, VHOST_ACCESS_RO);
	vd_area_resize(&ring->device, VD_PACKED_EVENT_SIZE,
		       VRING_USED_ALIGN_SIZE, VHOST_ACCESS_WO);
}

int vd_packed_fetch(struct vd_ring *ring, struct vd_mem *mem,
		    struct vd_batch *batch, unsigned int max);
int vd_packed_set_kick_flags(struct vd_ring *ring, u16 flags);
int vd_packed_arm(struct vd_ring *ring);
int vd_packed_disarm(struct vd_ring *ring);
int vd_packed_suppress(struct vd_ring *ring);
int vd_packed_peek(const struct vd_ring *ring);

int vd_packed_flush(struct vd_ring *ring);
int vd_packed_publish(struct vd_ring *ring, bool may_call);

#endif
