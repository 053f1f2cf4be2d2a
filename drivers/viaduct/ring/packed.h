/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs for the packed virtqueue, private to the ring layer. */
#ifndef VD_RING_PACKED_H
#define VD_RING_PACKED_H

#include <linux/bits.h>

#include "ring/ring.h"

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

static __always_inline size_t vd_packed_desc_size(const struct vd_ring *ring)
{
	return sizeof(struct vring_packed_desc) * ring->num;
}

static __always_inline __le16 __user *
vd_packed_flags(const struct vd_ring *ring, u16 pos)
{
	return vd_area_at(&ring->desc, vd_packed_off(ring, pos) +
			  offsetof(struct vring_packed_desc, flags));
}

u16 vd_packed_pos(const struct vd_ring *ring, u16 code);
u16 vd_packed_code(const struct vd_ring *ring, u16 pos);
int vd_packed_gather(struct vd_ring *ring, struct vd_batch *batch,
		     unsigned int max);
int vd_packed_flush(struct vd_ring *ring);
int vd_packed_publish(struct vd_ring *ring, bool may_call);
int vd_packed_tell(struct vd_ring *ring, u16 flags);
int vd_packed_set_event(struct vd_ring *ring, u16 pos);
int vd_packed_peek(const struct vd_ring *ring);

#endif
