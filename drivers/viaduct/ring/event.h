/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the driver wants an interrupt, inside floor 2 (virtio 1.2, sections
 * 2.7.7 and 2.8.10). It is decided once for each group of published chains.
 */
#ifndef VD_RING_EVENT_H
#define VD_RING_EVENT_H

#include "ring/ring.h"

/**
 * vd_event_lapse() - forget the last decision when it is a lap behind
 * @ring: the ring, whose published index has just moved
 * @old: where it was before
 *
 * Indices are 16 bits wide. While nobody is to be called no decisions are
 * made, and the index may run past the one of the last decision: it would
 * then seem to lie ahead.
 */
static inline void vd_event_lapse(struct vd_ring *ring, u16 old)
{
	u16 new = ring->published;

	if ((u16)(new - ring->signalled) < (u16)(new - old))
		ring->signalled_valid = false;
}

/**
 * vd_event_is_passed() - decide by an event index, and remember that
 * @ring: the ring
 * @event: the position whose use the driver wants to be told of
 * @mask: bits of a position that @event knows
 *
 * Context: the queue's mutex is held.
 * Return: true when @event was published since the last decision, or there was
 * none.
 */
static inline bool vd_event_is_passed(struct vd_ring *ring, u16 event, u16 mask)
{
	u16 new = ring->published, since = new - ring->signalled;
	bool valid = ring->signalled_valid;

	ring->signalled = new;
	ring->signalled_valid = true;
	return !valid || (u16)((new - event - 1) & mask) < since;
}

/**
 * vd_event_should_call() - decide on an interrupt for what was published
 * @ring: a ring with the split layout
 * @wish: the driver's used_event with EVENT_IDX, else its avail->flags, read
 *	  after a full barrier behind the write of the used index
 *
 * Context: the queue's mutex is held.
 * Return: true when the driver is to be interrupted.
 */
static inline bool vd_event_should_call(struct vd_ring *ring, u16 wish)
{
	/*
	 * NOTIFY_ON_EMPTY beats suppression, and leaves no trace: the next
	 * decision covers this group too.
	 */
	if (ring->notify_on_empty && ring->next_avail == ring->seen_avail)
		return true;
	if (!ring->event_idx)
		return !(wish & VRING_AVAIL_F_NO_INTERRUPT);
	return vd_event_is_passed(ring, wish, 0xffff);
}

#endif
