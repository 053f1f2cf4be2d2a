/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the driver wants an interrupt, inside floor 2. */
#ifndef VD_RING_EVENT_H
#define VD_RING_EVENT_H

#include "ring/ring.h"

void vd_event_lapse(struct vd_ring *ring, u16 old);
bool vd_event_is_passed(struct vd_ring *ring, u16 event, u16 mask);
bool vd_event_should_call(struct vd_ring *ring, u16 wish);

#endif
