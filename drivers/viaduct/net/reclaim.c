// SPDX-License-Identifier: GPL-2.0-only
/*
 * Returns unused frame memory to the kernel.
 *
 * A scan frees the pages that no frame was put into since the previous scan,
 * so that a queue holds no memory some seconds after its last frame. It runs
 * only while there is memory: the user of a pool schedules it at the end of a
 * run, and it reschedules itself. Under memory pressure a shrinker frees the
 * pages of all queues that are not running at that moment.
 *
 * Scan and shrinker must only try the lock of a pool: its holder may be blocked
 * in a page fault, which must not delay the other queues.
 *
 * Lock order: a pool's lock, then the list's.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>

#include "compat.h"
#include "net/frag.h"

/* A page is freed after one to two periods without use. */
#define VD_RECLAIM_PERIOD	(4 * HZ)

static LIST_HEAD(vd_reclaim_pools);
static DEFINE_MUTEX(vd_reclaim_lock);
static struct shrinker *vd_reclaim_shrinker;

/* Returns whether the pool must be scanned again. */
static bool vd_reclaim_scan_pool(struct vd_frag_pool *pool)
{
	bool is_left;

	if (!mutex_trylock(pool->lock)) {
		WRITE_ONCE(pool->is_due, true);
		return true;
	}
	vd_frag_trim(pool);
	is_left = pool->nr_pages;
	mutex_unlock(pool->lock);
	return is_left;
}

static void vd_reclaim_scan(struct work_struct *work)
{
	struct vd_frag_pool *pool;
	bool is_left = false;

	mutex_lock(&vd_reclaim_lock);
	list_for_each_entry(pool, &vd_reclaim_pools, link)
		is_left |= vd_reclaim_scan_pool(pool);
	mutex_unlock(&vd_reclaim_lock);
	if (is_left)
		vd_reclaim_schedule();
}

DECLARE_DELAYED_WORK(vd_reclaim_work, vd_reclaim_scan);

void vd_reclaim_schedule(void)
{
	queue_delayed_work(system_power_efficient_wq, &vd_reclaim_work,
			   VD_RECLAIM_PERIOD);
}

static unsigned long vd_reclaim_count(struct shrinker *shrinker,
				      struct shrink_control *sc)
{
	struct vd_frag_pool *pool;
	unsigned long nr = 0;

	if (!mutex_trylock(&vd_reclaim_lock))
		return 0;
	list_for_each_entry(pool, &vd_reclaim_pools, link)
		nr += READ_ONCE(pool->nr_pages);
	mutex_unlock(&vd_reclaim_lock);
	return nr;
}

static unsigned long vd_reclaim_shrink(struct shrinker *shrinker,
				       struct shrink_control *sc)
{
	struct vd_frag_pool *pool;
	unsigned long nr = 0;

	if (!mutex_trylock(&vd_reclaim_lock))
		return SHRINK_STOP;
	list_for_each_entry(pool, &vd_reclaim_pools, link) {
		if (nr >= sc->nr_to_scan)
			break;
		if (!READ_ONCE(pool->nr_pages) || !mutex_trylock(pool->lock))
			continue;
		nr += vd_frag_empty(pool);
		mutex_unlock(pool->lock);
	}
	mutex_unlock(&vd_reclaim_lock);
	return nr ?: SHRINK_STOP;
}

/* The pool must be empty, and its lock and kind set. */
void vd_reclaim_add(struct vd_frag_pool *pool)
{
	mutex_lock(&vd_reclaim_lock);
	list_add_tail(&pool->link, &vd_reclaim_pools);
	mutex_unlock(&vd_reclaim_lock);
}

/* Undo vd_reclaim_add() and free the pool's memory; its lock must be held. */
void vd_reclaim_del(struct vd_frag_pool *pool)
{
	mutex_lock(&vd_reclaim_lock);
	list_del(&pool->link);
	mutex_unlock(&vd_reclaim_lock);
	vd_frag_empty(pool);
}

int vd_reclaim_register(void)
{
	vd_reclaim_shrinker = vd_compat_shrinker_register("viaduct-frags",
							  vd_reclaim_count,
							  vd_reclaim_shrink);
	return PTR_ERR_OR_ZERO(vd_reclaim_shrinker);
}

/* There must be no pools. */
void vd_reclaim_unregister(void)
{
	vd_compat_shrinker_unregister(vd_reclaim_shrinker);
	cancel_delayed_work_sync(&vd_reclaim_work);
}
