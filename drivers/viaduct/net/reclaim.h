/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for frames that is not in use goes back to the kernel. */
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
 * vd_reclaim_check() - note that a run of a pool's user ends
 * @pool: the pool
 *
 * A scan that is over has released @pool->lock before this run took it, so
 * that its end is seen here; one that begins now finds the lock taken, and
 * comes again.
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
