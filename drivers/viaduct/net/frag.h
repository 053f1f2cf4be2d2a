/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for frames on their way to the stack. */
#ifndef VD_NET_FRAG_H
#define VD_NET_FRAG_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct page;

/* Pages of a pool: enough for the frames that the stack usually holds. */
#define VD_FRAG_PAGES	8

/* Enough for the frames that a socket holds until its reader takes them. */
#define VD_FRAG_MAX_PAGES	64

/**
 * struct vd_frag_page - one page of a pool
 * @page: first page of an allocation, or NULL
 * @bias: references that the pool holds and has not given out yet
 * @nr_busy: consecutive turns at which frames in flight held the page
 * @nid: memory node of the CPU that allocated the page
 * @is_idle: the slot was not renewed since the last vd_frag_trim()
 *
 * All [q].
 */
struct vd_frag_page {
	struct page *page;
	unsigned int bias;
	unsigned int nr_busy;
	int nid;
	bool is_idle;
};

/**
 * struct vd_frag_pool - pages from which frames are cut
 * @base: address of the current page's memory
 * @size: length of the current page's memory
 * @offset: start of the next fragment
 * @cur: the current page, or NULL
 * @turn: index of the slot that was tried last
 * @nr: slots in rotation, at least VD_FRAG_PAGES
 * @nr_pages: memory held, in units of PAGE_SIZE; read without a lock
 * @nr_backoff: allocations until large pages are tried again
 * @trimmed_offset: @offset at the last vd_frag_trim()
 * @was_busy: a page was in use at its turn in this round
 * @is_long: for frames of more than a page [c]
 * @is_due: a trim found @lock taken: the holder must trim [a]
 * @lock: the mutex of the queue that uses the pool [c]
 * @link: place in the list of reclaim.c, under that list's lock
 * @slot: the pages [c]
 * @max: number of slots [c]
 *
 * All [q] unless noted.
 */
struct vd_frag_pool {
	void *base;
	unsigned int size;
	unsigned int offset;
	struct vd_frag_page *cur;
	unsigned int turn;
	unsigned int nr;
	unsigned int nr_pages;
	unsigned int nr_backoff;
	unsigned int trimmed_offset;
	bool was_busy;
	bool is_long;
	bool is_due;
	struct mutex *lock; /* of the queue, see reclaim.c */
	struct list_head link;
	struct vd_frag_page *slot;
	unsigned int max;
};

/* The longest fragment of a pool for long frames. */
#define VD_FRAG_MAX_LEN	SZ_128K

void vd_frag_init(struct vd_frag_pool *pool, struct mutex *lock,
		  struct vd_frag_page *slot, unsigned int max, bool is_long);
bool vd_frag_advance(struct vd_frag_pool *pool);

/**
 * vd_frag_get() - cut a fragment off the pool
 * @pool: the pool
 * @len: bytes, a multiple of the cache line, at most PAGE_SIZE, or
 *	 VD_FRAG_MAX_LEN when the pool is for long frames
 *
 * The fragment holds a page reference. Freeing the frame drops it (put_page()
 * on the head page), or vd_frag_undo() does.
 *
 * Context: on the owner's mm, may sleep; @pool->lock held.
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
	pool->cur->bias--;
	return frag;
}

void vd_frag_undo(struct vd_frag_pool *pool, unsigned int len);
unsigned int vd_frag_trim(struct vd_frag_pool *pool);
unsigned int vd_frag_empty(struct vd_frag_pool *pool);

/* reclaim.c: return unused memory to the kernel */
extern struct delayed_work vd_reclaim_work;

int vd_reclaim_register(void);
void vd_reclaim_unregister(void);

void vd_reclaim_add(struct vd_frag_pool *pool);
void vd_reclaim_del(struct vd_frag_pool *pool);
void vd_reclaim_schedule(void);

/*
 * Schedule or catch up on a scan at the end of a run; the pool's lock must be
 * held. A scan that visited the pool before this run released the lock, so its
 * result is visible here. A scan that starts during this run finds the lock
 * taken and retries.
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
