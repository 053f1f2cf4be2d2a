/* SPDX-License-Identifier: GPL-2.0-only */
/* The dirty log of writes to a ring, private to the ring layer. */
#ifndef VD_RING_LOG_H
#define VD_RING_LOG_H

#include "ring/state.h"

void vd_ring_log_write(struct vd_ring *ring, const struct vd_area *area,
		       size_t off, size_t len);

/**
 * vd_ring_log() - log a write to one of a ring's areas
 * @ring: the ring
 * @area: its descriptor or its device area
 * @off: offset of the first byte in the area
 * @len: bytes
 *
 * Context: on the owner's mm, may fault; not inside a user-access window.
 */
static inline void vd_ring_log(struct vd_ring *ring, const struct vd_area *area,
			       size_t off, size_t len)
{
	if (unlikely(ring->is_logged))
		vd_ring_log_write(ring, area, off, len);
}

#endif
