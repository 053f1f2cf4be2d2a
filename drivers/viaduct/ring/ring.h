/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring engine: one virtqueue seen from the device.
 *
 *   fetch     take up to a batch of chains: read once, check, translate
 *   rewind    return the last ones, as if they had never been fetched
 *   complete  record a chain as used; not yet visible to the driver
 *   publish   make all completed chains visible at once, and decide whether
 *	       the driver must be interrupted
 *   arm       enable kicks, then check for chains that arrived meanwhile
 *   disarm    disable kicks
 *   suppress  undo an arm, to poll instead
 *   peek      check whether chains have arrived
 *
 * The engine depends on guest memory only, and compiles in user space. The
 * caller of a verb must hold the queue's mutex and run on the owner's mm; a
 * verb may fault. An error is final, and the caller must stop the ring, except
 * that a fetch may be repeated after -EAGAIN when the client has updated the
 * IOTLB, and after -ENOSPC when the batch has room.
 *
 * Each virtqueue format implements the verbs in two files: what the driver makes
 * available (split_avail.c, packed_avail.c) and what the device has used
 * (split_used.c, packed_used.c). A verb selects the format once per call, that is
 * once per batch.
 */
#ifndef VD_RING_RING_H
#define VD_RING_RING_H

#include <linux/types.h>

#include "ring/chain.h"
#include "ring/setup.h"
#include "ring/state.h"

int vd_ring_fetch(struct vd_ring *ring, struct vd_mem *mem,
		  struct vd_batch *batch, unsigned int max);
void vd_ring_rewind(struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int nr);
int vd_ring_flush_last(struct vd_ring *ring);
int vd_ring_publish(struct vd_ring *ring, bool may_call);
int vd_ring_arm(struct vd_ring *ring);
int vd_ring_disarm(struct vd_ring *ring);
int vd_ring_suppress(struct vd_ring *ring);
int vd_ring_peek(struct vd_ring *ring);

/**
 * vd_ring_complete() - record a chain as used
 * @ring: the ring
 * @chain: the chain
 * @len: bytes written into its writable part
 *
 * The entry may be written to guest memory at once, but is not visible to the
 * driver before vd_ring_publish(). In order, one entry may stand for earlier
 * chains that were used entirely (2.7.9, 2.8.8). Only chains without a writable
 * part are merged into a later entry: some drivers read the length of each of
 * the others.
 *
 * Return: 0, or -EFAULT with the chain not completed.
 */
static inline int vd_ring_complete(struct vd_ring *ring,
				   const struct vd_chain *chain, u32 len)
{
	struct vd_used *e = &ring->pending[ring->nr_pending];
	u16 nr_slots = chain->nr_slots;

	ring->used_idx += nr_slots;
	ring->nr_completed++;
	if (ring->in_order) {
		if (ring->may_merge && ring->nr_pending) {
			nr_slots += (--e)->nr_slots;
			ring->nr_pending--;
		}
		ring->may_merge = !chain->in_len;
	}
	e->len = len;
	e->id = chain->head;
	e->nr_slots = nr_slots;
	return ++ring->nr_pending < VD_BATCH ? 0 : vd_ring_flush_last(ring);
}

static inline unsigned int vd_ring_nr_completed(const struct vd_ring *ring)
{
	return ring->nr_completed;
}

#endif
