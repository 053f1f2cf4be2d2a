/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for frames on their way to the stack. */
#ifndef VD_NET_FRAG_H
#define VD_NET_FRAG_H

#include <linux/compiler.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct page;

/* Pages of a pool: enough for the frames that the stack holds at a time. */
#define VD_FRAG_PAGES	8

/**
 * struct vd_frag_page - one page of a pool
 * @page: first page of an allocation, or NULL
 * @bias: references to it that are ours and not yet given out
 * @nr_busy: how often in a row its turn came while frames were in flight
 */
struct vd_frag_page {
	struct page *page;
	unsigned int bias;
	unsigned int nr_busy;
};

/**
 * struct vd_frag_pool - pages from which frames are cut
 * @base: address of the current page's memory
 * @size: its length
 * @offset: where the next fragment begins
 * @cur: index of the current page
 * @is_long: for frames of more than a page [c]
 * @slot: the pages, used in turn
 *
 * All [q] but as said. A zeroed pool is an empty one.
 */
struct vd_frag_pool {
	void *base;
	unsigned int size;
	unsigned int offset;
	unsigned int cur;
	bool is_long;
	struct vd_frag_page slot[VD_FRAG_PAGES];
};

/* The longest fragment of a pool for long frames. */
#define VD_FRAG_MAX_LEN	SZ_128K

bool vd_frag_advance(struct vd_frag_pool *pool);

/**
 * vd_frag_get() - cut a fragment off the pool
 * @pool: the pool
 * @len: bytes, a multiple of the cache line, at most PAGE_SIZE, or
 *	 VD_FRAG_MAX_LEN when the pool is for long frames
 *
 * The reference that comes with it is dropped by whoever frees the frame
 * (put_page() on the head page), or by vd_frag_undo().
 *
 * Context: process context, may sleep.
 * Return: the memory, or NULL.
 */
static inline void *vd_frag_get(struct vd_frag_pool *pool, unsigned int len)
{
	void *frag;

	if (unlikely(pool->offset + len > pool->size) &&
	    !vd_frag_advance(pool))
		return NULL;
	frag = pool->base + pool->offset;
	pool->offset += len;
	pool->slot[pool->cur].bias--;
	return frag;
}

void vd_frag_undo(struct vd_frag_pool *pool, unsigned int len);
void vd_frag_fini(struct vd_frag_pool *pool);

#endif
