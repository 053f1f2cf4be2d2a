// SPDX-License-Identifier: GPL-2.0-only
/* The verbs of the ring engine, for both virtqueue formats. */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "ring/packed.h"
#include "ring/ring.h"
#include "ring/split.h"

/**
 * vd_ring_fetch() - take available chains into a batch
 * @ring: the ring
 * @mem: its view of guest memory
 * @batch: the chains are appended to it
 * @max: maximum number of chains, not 0
 *
 * Return: the number of chains taken, which can be fewer than are available; 0
 * if none is available; -ENOSPC if @batch is not empty and has no room for the
 * next; -EAGAIN after an IOTLB miss; any other error means that the ring is
 * broken: -EFAULT, -EPROTO, -EINVAL, -ELOOP, -E2BIG.
 */
int vd_ring_fetch(struct vd_ring *ring, struct vd_mem *mem,
		  struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr;
	int ret;

	max = min(max, batch->max - first);
	ret = ring->is_packed ? vd_packed_fetch(ring, mem, batch, max) :
				vd_split_fetch(ring, mem, batch, max);
	return ret == -E2BIG && first ? -ENOSPC : ret;
}

/**
 * vd_ring_rewind() - return the last chains of a batch to the ring
 * @ring: the ring
 * @batch: the chains are removed from its end
 * @nr: number of chains
 *
 * The next fetch takes them again. Context: the queue's mutex is held.
 */
void vd_ring_rewind(struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int nr)
{
	const struct vd_chain *chain = &batch->chain[batch->nr];

	if (!nr)
		return;
	batch->nr -= nr;
	while (nr--)
		ring->next_avail -= (--chain)->nr_slots;
	batch->nr_seg = chain->first_seg;
	batch->nr_desc = chain->first_desc;
	ring->next_head = chain->head;
}

/**
 * vd_ring_flush_last() - write the entries of a full &vd_ring.pending
 * @ring: the ring, to which an entry has just been added
 *
 * On failure the last entry is removed: @ring is as it was before the call of
 * vd_ring_complete(), and keeps room for one entry. The last entry is never one
 * that was merged with an earlier one, because a merge does not grow the list.
 *
 * Context: as vd_ring_complete(), which calls it.
 * Return: 0 or -EFAULT.
 */
int vd_ring_flush_last(struct vd_ring *ring)
{
	int err = ring->is_packed ? vd_packed_flush(ring) :
				    vd_split_flush(ring);

	if (!err)
		return 0;
	ring->nr_pending = VD_BATCH - 1;
	ring->used_idx -= ring->pending[VD_BATCH - 1].nr_slots;
	ring->nr_completed--;
	ring->may_merge = false;
	return err;
}

/**
 * vd_ring_publish() - make all completed chains visible to the driver
 * @ring: the ring
 * @may_call: there is a call eventfd; without one no decision is recorded
 *
 * Return: 1 if the driver must be interrupted, 0 if not, or -EFAULT.
 */
int vd_ring_publish(struct vd_ring *ring, bool may_call)
{
	int ret;

	if (!ring->nr_completed)
		return 0;
	ret = ring->is_packed ? vd_packed_publish(ring, may_call) :
				vd_split_publish(ring, may_call);
	if (ret >= 0) {
		ring->nr_completed = 0;
		ring->may_merge = false;
	}
	return ret;
}

/**
 * vd_ring_arm() - enable kicks, then check for chains again
 * @ring: the ring
 *
 * Return: 0 if the driver will kick; 1 if chains have arrived meanwhile, for
 * which no kick may come: the caller must disarm and continue; -EFAULT.
 */
int vd_ring_arm(struct vd_ring *ring)
{
	return ring->is_packed ? vd_packed_arm(ring) : vd_split_arm(ring);
}

/**
 * vd_ring_disarm() - disable kicks
 * @ring: the ring
 *
 * With EVENT_IDX no write is needed: the driver kicks once, when it passes the
 * event index of the last vd_ring_arm(). In a packed ring this applies after
 * the first vd_ring_arm().
 *
 * Return: 0 or -EFAULT.
 */
int vd_ring_disarm(struct vd_ring *ring)
{
	return ring->is_packed ? vd_packed_disarm(ring) : vd_split_disarm(ring);
}

/**
 * vd_ring_suppress() - suppress the kick that vd_ring_arm() enabled
 * @ring: the ring, armed
 *
 * For busy polling by vd_ring_peek(). A kick may already be in flight.
 *
 * Return: 0 or -EFAULT.
 */
int vd_ring_suppress(struct vd_ring *ring)
{
	return ring->is_packed ? vd_packed_suppress(ring) :
				 vd_split_suppress(ring);
}

/**
 * vd_ring_peek() - check whether chains have arrived since the last check
 * @ring: the ring
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 1, 0, or -EFAULT.
 */
int vd_ring_peek(struct vd_ring *ring)
{
	return ring->is_packed ? vd_packed_peek(ring) : vd_split_peek(ring);
}
