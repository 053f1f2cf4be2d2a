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
 * Where it has not come back, a small frame gets a fresh page, which others will
 * share. For a long one that would cost more than to have the socket copy it,
 * so the pool says no: as many frames are in flight as it is meant for. One
 * that is never let go must not block its page for ever, though.
 *
 * Reading the page's count is enough to know that: nobody but us hands out
 * references to a page that nobody else refers to.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>

#include "net/frag.h"

/* More than the fragments that fit into a page of any size. */
#define VD_FRAG_BIAS	SZ_64K

/* As large as the allocator gives without effort. */
#define VD_FRAG_ORDER	get_order(SZ_32K)

/* Three of the longest frames that guests send: one does not fit into a quarter. */
#define VD_FRAG_LONG_ORDER	get_order(SZ_256K)

/* Turns in a row that a page for long frames, or memory for one, is waited for. */
#define VD_FRAG_PATIENCE	64

static void vd_frag_drop(struct vd_frag_page *slot)
{
	if (slot->page)
		__page_frag_cache_drain(slot->page, slot->bias);
	slot->page = NULL;
}

static bool vd_frag_is_free(const struct vd_frag_page *slot)
{
	if (!slot->page || page_ref_count(slot->page) != slot->bias)
		return false;
	/* Their last reads come before the drop of their reference. */
	smp_acquire__after_ctrl_dep();
	return true;
}

static struct page *vd_frag_alloc(bool is_long)
{
	struct page *page;

	/* Nothing is reclaimed, by nobody, for a frame that can go another way. */
	if (is_long)
		return alloc_pages(__GFP_COMP | __GFP_NOWARN,
				   VD_FRAG_LONG_ORDER);
	page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NOWARN |
			   __GFP_NORETRY, VD_FRAG_ORDER);
	return page ?: alloc_page(GFP_KERNEL | __GFP_NOWARN);
}

/* Have a page in @slot that is all ours. */
static bool vd_frag_renew(struct vd_frag_page *slot, bool is_long)
{
	if (!vd_frag_is_free(slot)) {
		if (is_long && (slot->page || slot->nr_busy) &&
		    ++slot->nr_busy < VD_FRAG_PATIENCE)
			return false;
		vd_frag_drop(slot);
		slot->page = vd_frag_alloc(is_long);
		/* Nor will there be one the next time. */
		slot->nr_busy = !slot->page;
		if (!slot->page)
			return false;
		slot->bias = 1;
	}
	page_ref_add(slot->page, VD_FRAG_BIAS - slot->bias);
	slot->bias = VD_FRAG_BIAS;
	slot->nr_busy = 0;
	return true;
}

/**
 * vd_frag_advance() - make the next page in turn the current one
 * @pool: the pool
 *
 * Context: process context, may sleep.
 * Return: false when there is no memory, or when a pool for long frames had
 * better not be used for the next one.
 */
bool vd_frag_advance(struct vd_frag_pool *pool)
{
	struct vd_frag_page *slot;

	pool->cur = (pool->cur + 1) % VD_FRAG_PAGES;
	slot = &pool->slot[pool->cur];
	pool->size = 0;
	pool->offset = 0;
	if (!vd_frag_renew(slot, pool->is_long))
		return false;
	pool->base = page_address(slot->page);
	pool->size = PAGE_SIZE << compound_order(slot->page);
	return true;
}

/**
 * vd_frag_undo() - give back the fragment that was cut last
 * @pool: the pool
 * @len: its length
 *
 * Context: process context.
 */
void vd_frag_undo(struct vd_frag_pool *pool, unsigned int len)
{
	pool->offset -= len;
	pool->slot[pool->cur].bias++;
}

/**
 * vd_frag_fini() - give all pages up; frames in flight keep theirs
 * @pool: the pool, which is empty afterwards
 *
 * Context: process context.
 */
void vd_frag_fini(struct vd_frag_pool *pool)
{
	unsigned int i;

	for (i = 0; i < VD_FRAG_PAGES; i++)
		vd_frag_drop(&pool->slot[i]);
	pool->size = 0;
	pool->offset = 0;
}
