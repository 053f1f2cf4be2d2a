/* SPDX-License-Identifier: GPL-2.0-only */
/* Returns unused frame memory to the kernel. */
#ifndef VD_NET_RECLAIM_H
#define VD_NET_RECLAIM_H

#include <linux/workqueue.h>

#include "net/frag.h"

extern struct delayed_work vd_reclaim_work;

int vd_reclaim_register(void);
void vd_reclaim_unregister(void);

void vd_reclaim_add(struct vd_frag_pool *pool);
void vd_reclaim_del(struct vd_frag_pool *pool);
void vd_reclaim_schedule(void);

/**
 * vd_reclaim_check() - schedule or catch up on a scan at the end of a run
 * @pool: the pool
 *
 * A scan that visited the pool before this run released @pool->lock, so its
 * result is visible here. A scan that starts during this run finds the lock
 * taken and retries.
 *
 * Context: process context, @pool->lock held.
 */
static inline void vd_reclaim_check(struct vd_frag_pool *pool)
{
	if (!pool->nr_pages)
		return;
	if (!delayed_work_pending(&vd_reclaim_work))
		vd_reclaim_schedule();
	if (READ_ONCE(pool->is_due))
		vd_frag_trim(pool);
}

#endif
