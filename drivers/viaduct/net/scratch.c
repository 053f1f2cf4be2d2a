// SPDX-License-Identifier: GPL-2.0-only
/* The handlers' memory: allocated at the first attach, freed at detach. */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "net/queue.h"
#include "net/reclaim.h"
#include "net/scratch.h"

/*
 * TX processes one batch at a time. On RX one packet may need as many chains
 * as it may have segments.
 */
static unsigned int vd_scratch_nr_chains(const struct vd_queue *q)
{
	return q->dir == VD_TX ? VD_BATCH : VD_MAX_SEGS;
}

/**
 * vd_scratch_create() - allocate a queue's handler memory, if it has none yet
 * @q: the queue
 *
 * Context: queue mutex held, may sleep.
 * Return: 0, or -ENOMEM with nothing allocated.
 */
int vd_scratch_create(struct vd_queue *q)
{
	unsigned int nr = vd_scratch_nr_chains(q);
	size_t size = q->dir == VD_TX ? sizeof(*q->tx) : sizeof(*q->rx);
	struct vd_batch *batch;
	void *dir;

	if (q->batch)
		return 0;
	batch = kvmalloc(struct_size(batch, chain, nr), GFP_KERNEL_ACCOUNT);
	dir = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!batch || !dir) {
		kvfree(batch);
		kvfree(dir);
		return -ENOMEM;
	}
	batch->max = nr;
	vd_batch_reset(batch);
	q->batch = batch;
	if (q->dir == VD_TX) {
		q->tx = dir;
		vd_frag_init(&q->tx->frags, &q->lock, q->tx->page,
			     VD_FRAG_MAX_PAGES, false);
		vd_frag_init(&q->tx->long_frags, &q->lock, q->tx->long_page,
			     VD_FRAG_PAGES, true);
		vd_reclaim_add(&q->tx->frags);
		vd_reclaim_add(&q->tx->long_frags);
	} else {
		q->rx = dir;
		vd_tapdev_init(&q->rx->tapdev);
	}
	return 0;
}

/**
 * vd_scratch_empty() - drop all state of the backend
 * @q: the queue, which must still have the backend
 *
 * Packets that were consumed but not delivered are put back into its ring.
 *
 * Context: queue mutex held.
 */
void vd_scratch_empty(struct vd_queue *q)
{
	struct vd_rx *rx = q->rx;

	if (!q->batch || q->dir == VD_TX)
		return;
	rx->seen_len = 0;
	vd_tapdev_forget(&rx->tapdev);
	if (rx->next < rx->nr)
		q->backend.ops->unconsume(&q->backend, &rx->pkt[rx->next],
					  rx->nr - rx->next);
	rx->next = 0;
	rx->nr = 0;
}

/**
 * vd_scratch_destroy() - free a queue's handler memory
 * @q: a queue without a backend
 *
 * Context: queue mutex held.
 */
void vd_scratch_destroy(struct vd_queue *q)
{
	if (!q->batch)
		return;
	if (q->dir == VD_TX) {
		vd_reclaim_del(&q->tx->frags);
		vd_reclaim_del(&q->tx->long_frags);
	}
	kvfree(q->tx);
	kvfree(q->batch);
	q->tx = NULL;
	q->batch = NULL;
}
