// SPDX-License-Identifier: GPL-2.0-only
/*
 * Questions to the client's IOMMU.
 *
 * A handler that meets an unknown address asks and stops. The client reads the
 * question, and its answer starts the handler again. Since a queue stops at its
 * first question it has room for one and needs no more, which bounds what a
 * guest can make us remember.
 */
#include <linux/poll.h>

#include "host/miss.h"

/**
 * vd_misses_init() - no questions
 * @misses: the device's questions
 */
void vd_misses_init(struct vd_misses *misses)
{
	spin_lock_init(&misses->lock);
	INIT_LIST_HEAD(&misses->unread);
	init_waitqueue_head(&misses->wait);
	misses->is_open = false;
}

/**
 * vd_misses_open() - say whether there is an IOTLB
 * @misses: the device's questions, which have been dropped
 * @open: there is one; if not, readers need not wait
 */
void vd_misses_open(struct vd_misses *misses, bool open)
{
	spin_lock(&misses->lock);
	misses->is_open = open;
	spin_unlock(&misses->lock);
	if (!open)
		wake_up_interruptible_poll(&misses->wait, EPOLLIN);
}

/**
 * vd_misses_is_open() - whether questions can come
 * @misses: the device's questions
 *
 * Return: true when there is an IOTLB.
 */
bool vd_misses_is_open(struct vd_misses *misses)
{
	return READ_ONCE(misses->is_open);
}

/**
 * vd_misses_has_unread() - whether there is something to read
 * @misses: the device's questions
 *
 * Return: true when there is.
 */
bool vd_misses_has_unread(struct vd_misses *misses)
{
	return !list_empty_careful(&misses->unread);
}

/**
 * vd_misses_read() - take the oldest unread question
 * @misses: the device's questions
 * @addr: I/O address
 * @perm: what is to be done there
 *
 * Return: false when there is none.
 */
bool vd_misses_read(struct vd_misses *misses, u64 *addr, u8 *perm)
{
	struct vd_miss *miss;

	spin_lock(&misses->lock);
	miss = list_first_entry_or_null(&misses->unread, struct vd_miss, node);
	if (miss) {
		list_del(&miss->node);
		miss->state = VD_MISS_READ;
		*addr = miss->addr;
		*perm = miss->perm;
	}
	spin_unlock(&misses->lock);
	return miss;
}

/**
 * vd_miss_ask() - ask for an address
 * @misses: the device's questions
 * @miss: the queue's; what it asked before matters no more
 * @addr: I/O address
 * @perm: what is to be done there: VHOST_ACCESS_RO or _WO
 */
void vd_miss_ask(struct vd_misses *misses, struct vd_miss *miss, u64 addr,
		 u8 perm)
{
	bool is_new;

	spin_lock(&misses->lock);
	miss->addr = addr;
	miss->perm = perm;
	is_new = miss->state != VD_MISS_UNREAD;
	if (is_new) {
		miss->state = VD_MISS_UNREAD;
		list_add_tail(&miss->node, &misses->unread);
	}
	spin_unlock(&misses->lock);
	if (is_new)
		wake_up_interruptible_poll(&misses->wait, EPOLLIN);
}

/**
 * vd_miss_answer() - a range has become known
 * @misses: the device's questions
 * @miss: the queue's
 * @first: first I/O address
 * @last: last one
 *
 * Only what the client has read can be answered: it will read the rest.
 *
 * Return: true when the queue asked for an address in the range, and may go on.
 */
bool vd_miss_answer(struct vd_misses *misses, struct vd_miss *miss, u64 first,
		    u64 last)
{
	bool is_answer;

	spin_lock(&misses->lock);
	is_answer = miss->state == VD_MISS_READ && miss->addr >= first &&
		    miss->addr <= last;
	if (is_answer)
		miss->state = VD_MISS_NONE;
	spin_unlock(&misses->lock);
	return is_answer;
}

/**
 * vd_miss_drop() - forget a queue's question
 * @misses: the device's questions
 * @miss: the queue's
 */
void vd_miss_drop(struct vd_misses *misses, struct vd_miss *miss)
{
	spin_lock(&misses->lock);
	if (miss->state == VD_MISS_UNREAD)
		list_del(&miss->node);
	miss->state = VD_MISS_NONE;
	spin_unlock(&misses->lock);
}
