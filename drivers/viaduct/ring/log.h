/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log of writes to a ring, private to the ring layer. Logging may fault,
 * so it must not be done inside a user-access window.
 */
#ifndef VD_RING_LOG_H
#define VD_RING_LOG_H

#include "ring/state.h"

void vd_ring_log_write(struct vd_ring *ring, const struct vd_area *area,
		       size_t off, size_t len);

/* Log a write of @len bytes at offset @off of the descriptor or device area. */
static inline void vd_ring_log(struct vd_ring *ring, const struct vd_area *area,
			       size_t off, size_t len)
{
	if (unlikely(ring->is_logged))
		vd_ring_log_write(ring, area, off, len);
}

#endif
