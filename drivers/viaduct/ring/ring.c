// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verbs of the ring engine, for both virtqueue formats.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/chain.h"
#include "ring/packed.h"
#include "ring/ring.h"
#include "ring/split.h"

/* Read available chains as vd_ring_fetch(), but without translation. */
static int vd_ring_gather(struct vd_ring *ring, struct vd_batch *batch,
			  unsigned int max)
{
	unsigned int first = batch->nr;
	int nr, err;

	if (ring->is_packed)
		return vd_packed_gather(ring, batch, max);
	nr = vd_split_heads(ring, batch, max);
	if (nr <= 0)
		return nr;
	batch->nr += nr;
	err = vd_chain_gather(ring, batch, first);
	return err ?: batch->nr - first;
}

/* Whether there is a chain for which vd_ring_gather() had no room. */
static int vd_ring_has_more(const struct vd_ring *ring)
{
	if (ring->is_packed)
		return vd_packed_peek(ring);
	return ring->seen_avail != ring->next_avail;
}

/* Consume the chains from @first on; @all: all that were gathered. */
static void vd_ring_advance(struct vd_ring *ring, const struct vd_batch *batch,
			    unsigned int first, bool all)
{
	unsigned int i;

	if (!ring->is_packed) {
		ring->next_avail += batch->nr - first;
		ring->next_head = batch->chain[batch->nr - 1].next;
		ring->head_is_known = ring->in_order;
		return;
	}
	if (all) {
		ring->next_avail = ring->seen_avail;
		return;
	}
	for (i = first; i < batch->nr; i++)
		ring->next_avail += batch->chain[i].nr_slots;
}

/**
 * vd_ring_fetch() - take available chains into a batch
 * @ring: the ring
 * @mem: its view of guest memory
 * @batch: the chains are appended to it
 * @max: how many chains at most, not 0
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: the number of chains taken, which can be less than what is
 * available; 0 if there are none; -ENOSPC if there are some, but @batch, which
 * is not empty, has no room for the next; -EAGAIN after an IOTLB miss; any
 * other error means that the ring is broken: -EFAULT, -EPROTO, -EINVAL, -ELOOP,
 * -E2BIG.
 */
int vd_ring_fetch(struct vd_ring *ring, struct vd_mem *mem,
		  struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr;
	int nr, gathered;

	max = min(max, batch->max - first);
	nr = vd_ring_gather(ring, batch, max);
	if (unlikely(!max) && !nr) {
		nr = vd_ring_has_more(ring);
		return nr > 0 ? -ENOSPC : nr;
	}
	gathered = nr;
	if (nr > 0)
		nr = vd_chain_resolve(mem, batch, first, ring->is_packed) ?:
		     batch->nr - first;
	if (nr > 0)
		vd_ring_advance(ring, batch, first, nr == gathered);
	return nr == -E2BIG && first ? -ENOSPC : nr;
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
	batch->nr_seg = chain->seg;
	batch->nr_desc = chain->desc;
	ring->next_head = chain->head;
}

/**
 * vd_ring_flush_last() - write the entries of a full &vd_ring.pending
 * @ring: the ring, whose last entry has just been added
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
 * @may_call: there is a call eventfd
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 1 if the driver wants an interrupt, 0 if not, or -EFAULT.
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

/* Whether kicks are enabled by flags, regardless of an event index. */
static bool vd_ring_asks(const struct vd_ring *ring)
{
	return ring->told == (ring->is_packed ? VRING_PACKED_EVENT_FLAG_ENABLE :
						0);
}

static int vd_ring_ask(struct vd_ring *ring, bool kick)
{
	if (ring->is_packed)
		return vd_packed_tell(ring, kick ?
				      VRING_PACKED_EVENT_FLAG_ENABLE :
				      VRING_PACKED_EVENT_FLAG_DISABLE);
	return vd_split_set_flags(ring, kick ? 0 : VRING_USED_F_NO_NOTIFY);
}

/**
 * vd_ring_arm() - enable kicks, then check for chains again
 * @ring: the ring
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 if the driver will kick; 1 if chains have arrived meanwhile, for
 * which no kick may come: the caller must disarm and go on; -EFAULT.
 */
int vd_ring_arm(struct vd_ring *ring)
{
	int err = 0;

	if (ring->event_idx)
		err = ring->is_packed ?
		      vd_packed_set_event(ring, ring->seen_avail) :
		      vd_split_set_event(ring, ring->seen_avail);
	else if (!vd_ring_asks(ring))
		err = vd_ring_ask(ring, true);
	if (err)
		return err;
	smp_mb(); /* (D) of split.c and packed.c */
	return vd_ring_peek(ring);
}

/**
 * vd_ring_disarm() - disable kicks
 * @ring: the ring
 *
 * With EVENT_IDX no write is needed: the driver kicks once, when it passes the
 * event index of the last vd_ring_arm(). In a packed ring this applies after
 * the first vd_ring_arm().
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 or -EFAULT.
 */
int vd_ring_disarm(struct vd_ring *ring)
{
	if ((ring->event_idx && !ring->is_packed) || !vd_ring_asks(ring))
		return 0;
	return vd_ring_ask(ring, false);
}

/**
 * vd_ring_mute() - suppress the kick that vd_ring_arm() enabled
 * @ring: the ring, armed
 *
 * For busy polling by vd_ring_peek(). A kick may already be in flight.
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 or -EFAULT.
 */
int vd_ring_mute(struct vd_ring *ring)
{
	if (ring->event_idx && !ring->is_packed)
		return vd_split_set_event(ring, ring->seen_avail - 1);
	return vd_ring_ask(ring, false);
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
