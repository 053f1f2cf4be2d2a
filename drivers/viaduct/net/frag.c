// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool of page fragments that are recycled.
 *
 * Each frame is passed to the stack with a reference to its page. Fresh pages
 * are expensive: kernels that clear pages at allocation spend more time on that
 * than on the copy. So a pool keeps a few large pages, takes many references to
 * each at once, and gives out one per fragment. A page is reused as it is when
 * its turn comes again and all references that were given out are dropped:
 * while its reference count equals the references that the pool holds, no other
 * holder exists that could take a new one.
 *
 * If that page is still in use, a pool for small frames takes the next page, or
 * adds one; a socket may hold many frames until its reader takes them. The pool
 * shrinks when all pages are free at their turn, since fewer pages stay in the
 * cache. For a long frame a fresh page costs more than the socket's own copy,
 * so a pool for long frames must refuse instead. A frame that is never freed
 * must not block its page for ever: the page is replaced after
 * VD_FRAG_PATIENCE turns.
 *
 * Pages are charged to the memory cgroup of the owner. vd_frag_trim() and
 * vd_frag_empty() return unused pages to the kernel (see reclaim.c).
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

/* Must exceed the number of fragments that fit into a page of any size. */
#define VD_FRAG_BIAS	SZ_64K

/* The largest order that the allocator provides cheaply. */
#define VD_FRAG_ORDER	get_order(SZ_32K)

/* Holds three of the longest frames, each more than a quarter of the page. */
#define VD_FRAG_LONG_ORDER	get_order(SZ_256K)

/* Consecutive turns after which a busy page for long frames is replaced. */
#define VD_FRAG_PATIENCE	64

/* Consecutive busy pages after which the pool grows by one. */
#define VD_FRAG_TRIES		4

/* Allocations that skip large pages after one failed. */
#define VD_FRAG_BACKOFF		256

/*
 * A large page must cost no more than its clearing: no direct reclaim or
 * compaction, no use of the reserves, no warning.
 */
#define VD_FRAG_GFP_LARGE						\
	((GFP_KERNEL_ACCOUNT & ~__GFP_DIRECT_RECLAIM) | __GFP_COMP |	\
	 __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/*
 * A single page may reclaim, but must not invoke the OOM killer, in the owner's
 * cgroup or elsewhere: the caller can fall back to the socket's sendmsg().
 */
#define VD_FRAG_GFP_SINGLE						\
	(GFP_KERNEL_ACCOUNT | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/**
 * vd_frag_init() - initialise an empty pool
 * @pool: zeroed memory
 * @lock: mutex of the queue that uses the pool
 * @slot: zeroed memory for the slots
 * @max: number of slots, at least VD_FRAG_PAGES
 * @is_long: the pool is for frames of more than a page; it then uses
 *	     VD_FRAG_PAGES slots
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

static bool vd_frag_is_free(const struct vd_frag_page *slot)
{
	if (!slot->page || page_ref_count(slot->page) != slot->bias)
		return false;
	/* Order reuse after the reads that holders made before their put. */
	smp_acquire__after_ctrl_dep();
	return true;
}

/* Returns the memory freed immediately, in units of PAGE_SIZE. */
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
	/* Do not wake kswapd for long frames: sendmsg() is as good. */
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

/* If all pages were free at their turn, the next round is shorter. */
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

/* Returns the slot for the next page; it may be empty, busy or free. */
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

/* Ensure that @slot has a page with no other holder. */
static bool vd_frag_renew(struct vd_frag_pool *pool, struct vd_frag_page *slot)
{
	/* Replace a page only if the worker has moved to another node. */
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
 * Context: on the owner's mm, may sleep.
 * Return: false if there is no memory, or if the next page of a pool for long
 * frames is still in use: the caller must send the frame by sendmsg().
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

/* Return the last fragment, of @len bytes, to the pool. */
void vd_frag_undo(struct vd_frag_pool *pool, unsigned int len)
{
	pool->offset -= len;
	pool->cur->bias++;
}

/* Clear the current page if it was freed. */
static void vd_frag_check_current(struct vd_frag_pool *pool)
{
	if (pool->cur && !pool->cur->page) {
		pool->cur = NULL;
		pool->size = 0;
		pool->offset = 0;
	}
	pool->trimmed_offset = pool->offset;
}

/*
 * Free the pages that were not used since the last call; frames in flight keep
 * theirs. Returns the memory freed immediately, in units of PAGE_SIZE.
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

/* As vd_frag_trim(), but for all pages. */
unsigned int vd_frag_empty(struct vd_frag_pool *pool)
{
	unsigned int i, nr = 0;

	lockdep_assert_held(pool->lock);
	for (i = 0; i < pool->max; i++)
		nr += vd_frag_drop(pool, &pool->slot[i]);
	vd_frag_check_current(pool);
	return nr;
}
