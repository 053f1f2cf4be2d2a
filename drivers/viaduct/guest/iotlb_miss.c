// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOTLB misses.
 *
 * On an IOTLB miss a handler queues the miss and stops. The client reads the
 * miss, and its update restarts the handler. Such a round trip costs far more
 * than a packet, so the addresses that will miss next are prefetched with the
 * first: the client reads them as well, and their mappings exist or are in
 * flight when the handler needs them. Their number is limited, which bounds the
 * memory that a guest can consume.
 */
#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/string.h>

#include "guest/iotlb.h"
#include "guest/iotlb_miss.h"

/* One mapping most likely resolves two misses of the same page and access. */
bool vd_miss_is_same(const struct vd_miss *a, const struct vd_miss *b)
{
	return a->perm == b->perm &&
	       (a->iova ^ b->iova) < VD_IOTLB_PAGE_SIZE;
}

/* Returns the index of the same miss, or -1. */
int vd_miss_set_find(const struct vd_miss_set *set, const struct vd_miss *miss)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (vd_miss_is_same(&set->miss[i], miss))
			return i;
	return -1;
}

/* @miss must not be in the set. Returns false if the set is full. */
bool vd_miss_set_add(struct vd_miss_set *set, const struct vd_miss *miss)
{
	if (set->nr == VD_MAX_PREFETCH)
		return false;
	set->miss[set->nr++] = *miss;
	return true;
}

/* A reader may poll for either of the two readable events. */
static void vd_misses_wake(struct vd_misses *misses)
{
	wake_up_interruptible_poll(&misses->wait, EPOLLIN | EPOLLRDNORM);
}

void vd_misses_init(struct vd_misses *misses)
{
	spin_lock_init(&misses->lock);
	INIT_LIST_HEAD(&misses->unread);
	init_waitqueue_head(&misses->wait);
	misses->is_open = false;
}

/**
 * vd_misses_open() - set whether there is an IOTLB
 * @misses: the device's misses, which must have been dropped
 * @open: there is one; if not, readers are woken and must not wait
 */
void vd_misses_open(struct vd_misses *misses, bool open)
{
	spin_lock(&misses->lock);
	misses->is_open = open;
	spin_unlock(&misses->lock);
	if (!open)
		vd_misses_wake(misses);
}

bool vd_misses_is_open(struct vd_misses *misses)
{
	return READ_ONCE(misses->is_open);
}

bool vd_misses_has_unread(struct vd_misses *misses)
{
	return !list_empty_careful(&misses->unread);
}

static bool vd_miss_has_unread(const struct vd_vq_misses *vq)
{
	return vq->state == VD_MISS_UNREAD || vq->nr_read < vq->prefetch.nr;
}

/**
 * vd_misses_read() - take an unread miss
 * @misses: the device's misses
 * @miss: receives the miss
 *
 * Queues take turns; within a queue, the miss that it waits for comes first.
 *
 * Return: false if there is none.
 */
bool vd_misses_read(struct vd_misses *misses, struct vd_miss *miss)
{
	struct vd_vq_misses *vq;

	spin_lock(&misses->lock);
	vq = list_first_entry_or_null(&misses->unread, struct vd_vq_misses,
				      node);
	if (vq) {
		if (vq->state == VD_MISS_UNREAD) {
			vq->state = VD_MISS_READ;
			*miss = vq->awaited;
		} else {
			*miss = vq->prefetch.miss[vq->nr_read++];
		}
		if (vd_miss_has_unread(vq))
			list_move_tail(&vq->node, &misses->unread);
		else
			list_del_init(&vq->node);
	}
	spin_unlock(&misses->lock);
	return vq;
}

void vd_miss_init(struct vd_vq_misses *vq)
{
	memset(vq, 0, sizeof(*vq));
	INIT_LIST_HEAD(&vq->node);
}

static void vd_miss_remove_prefetch(struct vd_vq_misses *vq, unsigned int i)
{
	vq->prefetch.nr--;
	vq->nr_read -= i < vq->nr_read;
	memmove(&vq->prefetch.miss[i], &vq->prefetch.miss[i + 1],
		(vq->prefetch.nr - i) * sizeof(vq->prefetch.miss[0]));
}

/* Only a miss that was read can be resolved: the others will still be read. */
static bool vd_miss_can_be_resolved(const struct vd_vq_misses *vq)
{
	return vq->state == VD_MISS_READ ||
	       (vq->state == VD_MISS_UNREAD && vq->is_repeated);
}

/*
 * Make the virtqueue wait for @miss. If it has been read before, its update may
 * or may not be in flight: it is queued once more, and the first update that
 * arrives resolves it.
 */
static void vd_miss_await(struct vd_vq_misses *vq, const struct vd_miss *miss)
{
	int i = vd_miss_set_find(&vq->prefetch, miss);

	vq->is_repeated = (i >= 0 && i < vq->nr_read) ||
			  (vd_miss_can_be_resolved(vq) &&
			   vd_miss_is_same(&vq->awaited, miss));
	vq->awaited = *miss;
	vq->state = VD_MISS_UNREAD;
	if (i >= 0)
		vd_miss_remove_prefetch(vq, i);
}

static void vd_miss_add_prefetch(struct vd_vq_misses *vq,
				 const struct vd_miss *miss)
{
	if (vd_miss_set_find(&vq->prefetch, miss) >= 0)
		return;
	/* Full: evict the oldest entry that was read but never resolved. */
	if (vq->prefetch.nr == VD_MAX_PREFETCH && vq->nr_read)
		vd_miss_remove_prefetch(vq, 0);
	vd_miss_set_add(&vq->prefetch, miss);
}

/* Returns whether readers must be woken. */
static bool vd_miss_queue(struct vd_misses *misses, struct vd_vq_misses *vq)
{
	lockdep_assert_held(&misses->lock);
	if (!vd_miss_has_unread(vq) || !list_empty(&vq->node))
		return false;
	list_add_tail(&vq->node, &misses->unread);
	return true;
}

/**
 * vd_miss_report() - report a miss that the handler waits for
 * @misses: the device's misses
 * @vq: the virtqueue's misses; the queue stops waiting for its previous one
 * @miss: the miss
 * @prefetch: misses that are reported along with it
 */
void vd_miss_report(struct vd_misses *misses, struct vd_vq_misses *vq,
		    const struct vd_miss *miss,
		    const struct vd_miss_set *prefetch)
{
	unsigned int i;
	bool is_new;

	spin_lock(&misses->lock);
	vd_miss_await(vq, miss);
	for (i = 0; i < prefetch->nr; i++)
		vd_miss_add_prefetch(vq, &prefetch->miss[i]);
	is_new = vd_miss_queue(misses, vq);
	spin_unlock(&misses->lock);
	if (is_new)
		vd_misses_wake(misses);
}

/* Report a miss in addition to the one that the handler waits for, if any. */
void vd_miss_report_aside(struct vd_misses *misses, struct vd_vq_misses *vq,
			  const struct vd_miss *miss)
{
	bool is_new;
	int i;

	spin_lock(&misses->lock);
	if (vq->state == VD_MISS_NONE) {
		vd_miss_await(vq, miss);
	} else if (vq->state != VD_MISS_UNREAD ||
		   !vd_miss_is_same(&vq->awaited, miss)) {
		/* An entry that has been read is queued once more. */
		i = vd_miss_set_find(&vq->prefetch, miss);
		if (i >= 0 && i < vq->nr_read)
			vd_miss_remove_prefetch(vq, i);
		vd_miss_add_prefetch(vq, miss);
	}
	is_new = vd_miss_queue(misses, vq);
	spin_unlock(&misses->lock);
	if (is_new)
		vd_misses_wake(misses);
}

static bool vd_miss_is_in(const struct vd_miss *miss, u64 first, u64 last)
{
	return miss->iova >= first && miss->iova <= last;
}

/**
 * vd_miss_resolve() - resolve the misses in a range that was mapped
 * @misses: the device's misses
 * @vq: the virtqueue's misses
 * @first: first I/O address
 * @last: last one
 *
 * Return: true if the queue waited for an address in the range, and may run.
 */
bool vd_miss_resolve(struct vd_misses *misses, struct vd_vq_misses *vq,
		     u64 first, u64 last)
{
	bool is_resolved;
	unsigned int i;

	spin_lock(&misses->lock);
	is_resolved = vd_miss_can_be_resolved(vq) &&
		      vd_miss_is_in(&vq->awaited, first, last);
	if (is_resolved) {
		/* poll() may already have reported it: keep it readable. */
		if (vq->state == VD_MISS_UNREAD)
			vd_miss_add_prefetch(vq, &vq->awaited);
		vq->state = VD_MISS_NONE;
	}
	for (i = vq->nr_read; i-- > 0; )
		if (vd_miss_is_in(&vq->prefetch.miss[i], first, last))
			vd_miss_remove_prefetch(vq, i);
	spin_unlock(&misses->lock);
	return is_resolved;
}

/* Returns true if the queue waited for a miss that is dropped, and must run. */
bool vd_miss_drop(struct vd_misses *misses, struct vd_vq_misses *vq)
{
	bool is_awaited;

	spin_lock(&misses->lock);
	is_awaited = vq->state != VD_MISS_NONE;
	list_del_init(&vq->node);
	vq->state = VD_MISS_NONE;
	vq->prefetch.nr = 0;
	vq->nr_read = 0;
	spin_unlock(&misses->lock);
	return is_awaited;
}
