/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The split virtqueue (virtio 1.2, section 2.7) in memory: the location of its
 * fields, and the order in which they are read and written.
 *
 *   device                                   driver
 *
 *   read avail->idx                          write descriptors, avail->ring
 *   (A) read barrier                         write barrier (2.7.13.2.1)
 *   read avail->ring, descriptors            write avail->idx
 *
 *   write buffers, used->ring                read used->idx
 *   (B) write barrier                        read barrier (2.7.14)
 *   write used->idx                          read used->ring, buffers
 *
 *   write used->idx                          write used_event or avail->flags
 *   (C) full barrier                         full barrier (2.7.14)
 *   read used_event or avail->flags          read used->idx
 *
 *   write avail_event or used->flags         write avail->idx
 *   (D) full barrier, in vd_split_arm()       full barrier (2.7.13.4.1)
 *   read avail->idx                          read avail_event or used->flags
 *
 * Without (C) or (D) each side can miss the last write of the other, and both
 * wait for ever.
 */
#ifndef VD_RING_SPLIT_H
#define VD_RING_SPLIT_H

#include <linux/stddef.h>

#include "ring/chain.h"
#include "ring/state.h"

/* Offsets in the device area. */
#define VD_SPLIT_USED_FLAGS	offsetof(struct vring_used, flags)
#define VD_SPLIT_USED_IDX	offsetof(struct vring_used, idx)

/* Fields are little-endian, as in virtio 1 and on legacy x86 hosts. */
static __always_inline __le16 __user *
vd_split_avail_idx(const struct vd_ring *ring)
{
	return vd_area_at(&ring->driver, offsetof(struct vring_avail, idx));
}

static __always_inline __le16 __user *
vd_split_avail_flags(const struct vd_ring *ring)
{
	return vd_area_at(&ring->driver, offsetof(struct vring_avail, flags));
}

static __always_inline __le16 __user *
vd_split_avail_slot(const struct vd_ring *ring, u32 slot)
{
	return vd_area_at(&ring->driver,
			  offsetof(struct vring_avail, ring) +
			  sizeof(__le16) * slot);
}

/* 2.7.10: the driver's used_event follows the avail ring. */
static __always_inline __le16 __user *
vd_split_used_event(const struct vd_ring *ring)
{
	return vd_split_avail_slot(ring, ring->num);
}

static __always_inline size_t vd_split_used_off(u32 slot)
{
	return offsetof(struct vring_used, ring) +
	       sizeof(struct vring_used_elem) * slot;
}

/* 2.7.10: the device's avail_event follows the used ring. */
static __always_inline size_t vd_split_avail_event_off(const struct vd_ring *ring)
{
	return vd_split_used_off(ring->num);
}

static __always_inline __le16 __user *
vd_split_used_idx(const struct vd_ring *ring)
{
	return vd_area_at(&ring->device, VD_SPLIT_USED_IDX);
}

/* No field that is accessed in one piece is longer than its area's alignment. */
static inline void vd_split_resize(struct vd_ring *ring)
{
	size_t event_len = ring->event_idx ? sizeof(__le16) : 0;

	vd_area_resize(&ring->desc, sizeof(struct vring_desc) * ring->num,
		       VRING_DESC_ALIGN_SIZE, VHOST_ACCESS_RO);
	vd_area_resize(&ring->driver,
		       sizeof(struct vring_avail) +
		       sizeof(__le16) * ring->num + event_len,
		       VRING_AVAIL_ALIGN_SIZE, VHOST_ACCESS_RO);
	vd_area_resize(&ring->device,
		       sizeof(struct vring_used) +
		       sizeof(struct vring_used_elem) * ring->num + event_len,
		       VRING_USED_ALIGN_SIZE, VHOST_ACCESS_WO);
}

int vd_split_fetch(struct vd_ring *ring, struct vd_mem *mem,
		   struct vd_batch *batch, unsigned int max);
int vd_split_set_kick_flags(struct vd_ring *ring, u16 flags);
int vd_split_arm(struct vd_ring *ring);
int vd_split_disarm(struct vd_ring *ring);
int vd_split_suppress(struct vd_ring *ring);
int vd_split_peek(struct vd_ring *ring);

int vd_split_flush(struct vd_ring *ring);
int vd_split_publish(struct vd_ring *ring, bool may_call);

#endif
