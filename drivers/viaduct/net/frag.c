// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool of page fragments that comes back.
 *
 * Each frame is handed to the stack with a reference to the page it lies in.
 * Fresh pages are expensive: kernels that clear pages at allocation spend
 * more time on that than on the copy. So a pool keeps a few large pages,
 * takes very many references to each at once, and gives them out one a
 * fragment. When the turn of a page comes again and all references that were
 * given out have been dropped, it is used again as it is.
 *
 * Where it has not come back, a pool for small frames takes the page after it,
 * or one more page; a socket may hold many frames until its reader comes. The
 * pool shrinks when all pages come back in time, since fewer stay in the cache.
 * For a long frame a fresh page costs more than the socket's own copy, so a
 * pool for such refuses: as many frames are in flight as it is meant for.
 * A frame that is never freed must not block its page for ever, though.
 *
 * The page's count decides: while it equals the references that the pool still
 * holds, no other holder exists that could take a new one.
 *
 * Pages are charged to the memory cgroup of the owner. Pages that are not in use
 * go back to the kernel by vd_frag_trim() and vd_frag_empty() (see reclaim.c).
 */
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/topology.h>

#include "net/frag.h"

/* More than the fragments that fit into a page of any size. */
#define VD_FRAG_BIAS	SZ_64K

/* As large as the allocator gives without effort. */
#define VD_FRAG_ORDER	get_order(SZ_32K)

/* Three of the longest frames that guests send: one does not fit into a quarter. */
#define VD_FRAG_LONG_ORDER	get_order(SZ_256K)

/* Turns in a row that a page for long frames is waited for. */
#define VD_FRAG_PATIENCE	64

/* Pages in a row that are looked at before one more is allocated. */
#define VD_FRAG_TRIES		4

/* Allocations without a try for a large page after one that failed. */
#define VD_FRAG_BACKOFF		256

/*
 * A large page must cost nothing but its clearing: no reclaim or compaction in
 * this thread, nothing from the reserves, no warning.
 */
#define VD_FRAG_GFP_LARGE						\
	((GFP_KERNEL_ACCOUNT & ~__GFP_DIRECT_RECLAIM) | __GFP_COMP |	\
	 __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/*
 * A single page may reclaim, but must not kill for memory, in the owner's
 * cgroup or elsewhere: the frame can go by the socket's own sendmsg().
 */
#define VD_FRAG_GFP_SINGLE						\
	(GFP_KERNEL_ACCOUNT | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/**
 * vd_frag_init() - an empty pool
 * @pool: zeroed memory
 * @lock: the mutex of the queue that uses it
 * @slot: zeroed memory for its pages
 * @max: their number, at least VD_FRAG_PAGES
 * @is_long: for frames of more than a page; has VD_FRAG_PAGES pages at most
 */
void vd_frag_init(struct vd_frag_pool *pool, struct mutex *lock,
		  struct vd_frag_page *slot, unsigned int max, bool is_long)
{
	pool->lock = lock;
	pool->slot = slot;
	pool->max = max;
	pool->nr = VD_FRAG_PAGES;
	pool->is_long = is_long;
}

/* Whether all references are the pool's. */
static bool vd_frag_is_free(const struct vd_frag_page *slot)
{
	if (!slot->page || page_ref_count(slot->page) != slot->bias)
		return false;
	/* Their last reads come before the drop of their reference. */
	smp_acquire__after_ctrl_dep();
	return true;
}

/* Returns how much memory that frees at once, in units of PAGE_SIZE. */
static unsigned int vd_frag_drop(struct vd_frag_pool *pool,
				 struct vd_frag_page *slot)
{
	bool is_free = vd_frag_is_free(slot);
	unsigned int nr;

	if (!slot->page)
		return 0;
	nr = compound_nr(slot->page);
	WRITE_ONCE(pool->nr_pages, pool->nr_pages - nr);
	__page_frag_cache_drain(slot->page, slot->bias);
	slot->page = NULL;
	return is_free ? nr : 0;
}

static struct page *vd_frag_alloc_large(struct vd_frag_pool *pool)
{
	struct page *page;

	if (pool->nr_backoff) {
		pool->nr_backoff--;
		return NULL;
	}
	/* Background reclaim is not worth it where sendmsg() does as well. */
	page = pool->is_long ?
	       alloc_pages(VD_FRAG_GFP_LARGE & ~__GFP_KSWAPD_RECLAIM,
			   VD_FRAG_LONG_ORDER) :
	       alloc_pages(VD_FRAG_GFP_LARGE, VD_FRAG_ORDER);
	if (!page)
		pool->nr_backoff = VD_FRAG_BACKOFF;
	return page;
}

/* A kernel thread has no cgroup to charge: the owner's must be made active. */
static struct page *vd_frag_alloc(struct vd_frag_pool *pool)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(current->mm);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct page *page = vd_frag_alloc_large(pool);

	if (!page && !pool->is_long)
		page = alloc_page(VD_FRAG_GFP_SINGLE);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return page;
}

/* Put a fresh page into @slot. */
static bool vd_frag_replace(struct vd_frag_pool *pool,
			    struct vd_frag_page *slot)
{
	vd_frag_drop(pool, slot);
	slot->nr_busy = 0;
	slot->page = vd_frag_alloc(pool);
	if (!slot->page)
		return false;
	slot->bias = 1;
	slot->nid = numa_mem_id();
	WRITE_ONCE(pool->nr_pages, pool->nr_pages + compound_nr(slot->page));
	return true;
}

/* A round in which all pages came back in time makes the next one shorter. */
static struct vd_frag_page *vd_frag_turn(struct vd_frag_pool *pool)
{
	if (++pool->turn >= pool->nr) {
		pool->turn = 0;
		if (!pool->was_busy)
			pool->nr = max(pool->nr - pool->nr / 4,
				       (unsigned int)VD_FRAG_PAGES);
		pool->was_busy = false;
	}
	return &pool->slot[pool->turn];
}

/* The slot to take the next page from, be it there, in use or not. */
static struct vd_frag_page *vd_frag_pick(struct vd_frag_pool *pool)
{
	struct vd_frag_page *slot = vd_frag_turn(pool);
	unsigned int i;

	if (pool->is_long)
		return slot;
	for (i = 0; slot->page && !vd_frag_is_free(slot); i++) {
		pool->was_busy = true;
		if (i == VD_FRAG_TRIES) {
			if (pool->nr < pool->max)
				pool->turn = pool->nr++;
			return &pool->slot[pool->turn];
		}
		slot = vd_frag_turn(pool);
	}
	return slot;
}

/* Have a page in @slot that is all ours. */
static bool vd_frag_renew(struct vd_frag_pool *pool, struct vd_frag_page *slot)
{
	/* The allocator's choice of node stands until the worker moves. */
	bool is_far = slot->page && slot->nid != numa_mem_id();

	if (is_far || !vd_frag_is_free(slot)) {
		if (pool->is_long && slot->page && !is_far &&
		    ++slot->nr_busy < VD_FRAG_PATIENCE)
			return false;
		if (!vd_frag_replace(pool, slot))
			return false;
	}
	page_ref_add(slot->page, VD_FRAG_BIAS - slot->bias);
	slot->bias = VD_FRAG_BIAS;
	slot->nr_busy = 0;
	slot->is_idle = false;
	return true;
}

/**
 * vd_frag_advance() - make the next page in turn the current one
 * @pool: the pool
 *
 * Context: process context on the owner's mm, may sleep; @pool->lock held.
 * Return: false when there is no memory, or when a pool for long frames had
 * better not be used for the next one.
 */
bool vd_frag_advance(struct vd_frag_pool *pool)
{
	struct vd_frag_page *slot;

	lockdep_assert_held(pool->lock);
	slot = vd_frag_pick(pool);
	pool->cur = NULL;
	pool->size = 0;
	pool->offset = 0;
	if (!vd_frag_renew(pool, slot))
		return false;
	pool->cur = slot;
	pool->base = page_address(slot->page);
	pool->size = page_size(slot->page);
	return true;
}

/**
 * vd_frag_undo() - give back the fragment that was cut last
 * @pool: the pool
 * @len: its length
 *
 * Context: process context, @pool->lock held.
 */
void vd_frag_undo(struct vd_frag_pool *pool, unsigned int len)
{
	pool->offset -= len;
	pool->cur->bias++;
}

/* Forget the current page if it is gone. */
static void vd_frag_check_current(struct vd_frag_pool *pool)
{
	if (pool->cur && !pool->cur->page) {
		pool->cur = NULL;
		pool->size = 0;
		pool->offset = 0;
	}
	pool->trimmed_offset = pool->offset;
}

/**
 * vd_frag_trim() - free the pages that were not used since the last call
 * @pool: the pool
 *
 * Frames in flight keep theirs.
 *
 * Context: process context, @pool->lock held.
 * Return: memory that is free now, in units of PAGE_SIZE.
 */
unsigned int vd_frag_trim(struct vd_frag_pool *pool)
{
	bool is_used = pool->offset != pool->trimmed_offset;
	unsigned int i, nr = 0;

	lockdep_assert_held(pool->lock);
	WRITE_ONCE(pool->is_due, false);
	for (i = 0; i < pool->max; i++) {
		struct vd_frag_page *slot = &pool->slot[i];

		if (slot->is_idle && !(slot == pool->cur && is_used))
			nr += vd_frag_drop(pool, slot);
		slot->is_idle = true;
	}
	vd_frag_check_current(pool);
	return nr;
}

/**
 * vd_frag_empty() - free all pages; frames in flight keep theirs
 * @pool: the pool, which is empty afterwards
 *
 * Context: process context, @pool->lock held.
 * Return: memory that is free now, in units of PAGE_SIZE.
 */
unsigned int vd_frag_empty(struct vd_frag_pool *pool)
{
	unsigned int i, nr = 0;

	lockdep_assert_held(pool->lock);
	for (i = 0; i < pool->max; i++)
		nr += vd_frag_drop(pool, &pool->slot[i]);
	vd_frag_check_current(pool);
	return nr;
}
