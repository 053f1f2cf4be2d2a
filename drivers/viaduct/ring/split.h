/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs for the split virtqueue, private to the ring layer. */
#ifndef VD_RING_SPLIT_H
#define VD_RING_SPLIT_H

#include "ring/ring.h"

static inline size_t vd_split_desc_size(const struct vd_ring *ring)
{
	return sizeof(struct vring_desc) * ring->num;
}

static inline size_t vd_split_avail_size(const struct vd_ring *ring)
{
	return sizeof(struct vring_avail) +
	       sizeof(__le16) * (ring->num + ring->event_idx);
}

static inline size_t vd_split_used_size(const struct vd_ring *ring)
{
	return sizeof(struct vring_used) +
	       sizeof(struct vring_used_elem) * ring->num +
	       sizeof(__le16) * ring->event_idx;
}

static __always_inline __le16 __user *
vd_split_used_idx(const struct vd_ring *ring)
{
	return vd_area_at(&ring->device, offsetof(struct vring_used, idx));
}

int vd_split_heads(struct vd_ring *ring, struct vd_batch *batch,
		   unsigned int max);
int vd_split_flush(struct vd_ring *ring);
int vd_split_publish(struct vd_ring *ring, bool may_call);
int vd_split_set_flags(struct vd_ring *ring, u16 flags);
int vd_split_set_event(struct vd_ring *ring, u16 idx);
int vd_split_peek(struct vd_ring *ring);

#endif
