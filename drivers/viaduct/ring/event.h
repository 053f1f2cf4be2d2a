/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt decisions by an event index (virtio 1.2, sections 2.7.7 and 2.8.10),
 * for both virtqueue formats. One decision per group of published chains.
 */
#ifndef VD_RING_EVENT_H
#define VD_RING_EVENT_H

#include "ring/state.h"

/*
 * The published index has moved from @old on. Without a call eventfd no
 * decisions are made, and the index, of 16 bits, may wrap past the one of the
 * last decision, which would then appear to lie ahead.
 */
static inline void vd_event_lapse(struct vd_ring *ring, u16 old)
{
	u16 new = ring->published;

	if ((u16)(new - ring->signalled) < (u16)(new - old))
		ring->signalled_valid = false;
}

/*
 * Record a decision. Returns true if the position @event, of which the bits in
 * @mask are valid, was published since the last decision, or there was none.
 */
static inline bool vd_event_is_passed(struct vd_ring *ring, u16 event, u16 mask)
{
	u16 new = ring->published, since = new - ring->signalled;
	bool valid = ring->signalled_valid;

	ring->signalled = new;
	ring->signalled_valid = true;
	return !valid || (u16)((new - event - 1) & mask) < since;
}

#endif
