/* SPDX-License-Identifier: GPL-2.0-only */
/* The descriptor walk, private to the ring layer. */
#ifndef VD_RING_CHAIN_H
#define VD_RING_CHAIN_H

#include "ring/ring.h"

int vd_chain_gather(const struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int first);
int vd_chain_resolve(struct vd_mem *mem, struct vd_batch *batch,
		     unsigned int first, bool is_packed);

#endif
