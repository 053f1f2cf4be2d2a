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
#include <linux/poll.h>
#include <linux/string.h>

#include "host/miss.h"

/* A reader may poll for either of the two readable events. */
static void vd_misses_wake(struct vd_misses *misses)
{
	wake_up_interruptible_poll(&misses->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * vd_misses_init() - initialise without misses
 * @misses: the device's misses
 */
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

/**
 * vd_misses_is_open() - whether misses can occur
 * @misses: the device's misses
 *
 * Return: true if there is an IOTLB.
 */
bool vd_misses_is_open(struct vd_misses *misses)
{
	return READ_ONCE(misses->is_open);
}

/**
 * vd_misses_has_unread() - whether there is an unread miss
 * @misses: the device's misses
 *
 * Return: true if there is.
 */
bool vd_misses_has_unread(struct vd_misses *misses)
{
	return !list_empty_careful(&misses->unread);
}

static bool vd_miss_has_unread(const struct vd_miss *miss)
{
	return miss->state == VD_MISS_UNREAD || miss->nr_read < miss->nr_ahead;
}

/**
 * vd_misses_read() - take an unread miss
 * @misses: the device's misses
 * @question: receives the miss
 *
 * Queues take turns; within a queue, the miss that it waits for comes first.
 *
 * Return: false if there is none.
 */
bool vd_misses_read(struct vd_misses *misses, struct vd_question *question)
{
	struct vd_miss *miss;

	spin_lock(&misses->lock);
	miss = list_first_entry_or_null(&misses->unread, struct vd_miss, node);
	if (miss) {
		if (miss->state == VD_MISS_UNREAD) {
			miss->state = VD_MISS_READ;
			*question = miss->question;
		} else {
			*question = miss->ahead[miss->nr_read++];
		}
		if (vd_miss_has_unread(miss))
			list_move_tail(&miss->node, &misses->unread);
		else
			list_del_init(&miss->node);
	}
	spin_unlock(&misses->lock);
	return miss;
}

/**
 * vd_miss_init() - initialise a queue without misses
 * @miss: the queue's misses
 */
void vd_miss_init(struct vd_miss *miss)
{
	memset(miss, 0, sizeof(*miss));
	INIT_LIST_HEAD(&miss->node);
}

static void vd_miss_remove_ahead(struct vd_miss *miss, unsigned int i)
{
	miss->nr_ahead--;
	miss->nr_read -= i < miss->nr_read;
	memmove(&miss->ahead[i], &miss->ahead[i + 1],
		(miss->nr_ahead - i) * sizeof(miss->ahead[0]));
}

static int vd_miss_find_ahead(const struct vd_miss *miss,
			      const struct vd_question *question)
{
	unsigned int i;

	for (i = 0; i < miss->nr_ahead; i++)
		if (vd_question_is_alike(&miss->ahead[i], question))
			return i;
	return -1;
}

/* Only a miss that was read can be resolved: the client will read the rest. */
static bool vd_miss_can_be_answered(const struct vd_miss *miss)
{
	return miss->state == VD_MISS_READ ||
	       (miss->state == VD_MISS_UNREAD && miss->is_repeated);
}

/*
 * Make the queue wait for @question. If it has been read before, its update may
 * or may not be in flight: it is queued once more, and the first update that
 * arrives resolves it.
 */
static void vd_miss_await(struct vd_miss *miss,
			  const struct vd_question *question)
{
	int i = vd_miss_find_ahead(miss, question);

	miss->is_repeated = (i >= 0 && i < miss->nr_read) ||
			    (vd_miss_can_be_answered(miss) &&
			     vd_question_is_alike(&miss->question, question));
	miss->question = *question;
	miss->state = VD_MISS_UNREAD;
	if (i >= 0)
		vd_miss_remove_ahead(miss, i);
}

static void vd_miss_add_ahead(struct vd_miss *miss,
			      const struct vd_question *question)
{
	if (vd_miss_find_ahead(miss, question) >= 0)
		return;
	/* Full: evict the oldest entry that was read but never resolved. */
	if (miss->nr_ahead == VD_NR_AHEAD && miss->nr_read)
		vd_miss_remove_ahead(miss, 0);
	if (miss->nr_ahead < VD_NR_AHEAD)
		miss->ahead[miss->nr_ahead++] = *question;
}

/* Returns whether readers must be woken. */
static bool vd_miss_queue(struct vd_misses *misses, struct vd_miss *miss)
{
	if (!vd_miss_has_unread(miss) || !list_empty(&miss->node))
		return false;
	list_add_tail(&miss->node, &misses->unread);
	return true;
}

/**
 * vd_miss_ask() - report a miss, and those to prefetch
 * @misses: the device's misses
 * @miss: the queue's misses; the queue stops waiting for its previous one
 * @mem: the ring's view of guest memory, which holds the new misses
 */
void vd_miss_ask(struct vd_misses *misses, struct vd_miss *miss,
		 const struct vd_mem *mem)
{
	unsigned int i;
	bool is_new;

	spin_lock(&misses->lock);
	vd_miss_await(miss, &mem->miss);
	for (i = 0; i < mem->nr_ahead; i++)
		vd_miss_add_ahead(miss, &mem->ahead[i]);
	is_new = vd_miss_queue(misses, miss);
	spin_unlock(&misses->lock);
	if (is_new)
		vd_misses_wake(misses);
}

/**
 * vd_miss_ask_beside() - report a miss that the handler does not wait for
 * @misses: the device's misses
 * @miss: the queue's misses; the queue keeps waiting for its current one
 * @mem: the ring's view of guest memory, whose IOTLB has missed the address
 */
void vd_miss_ask_beside(struct vd_misses *misses, struct vd_miss *miss,
			const struct vd_mem *mem)
{
	bool is_new;
	int i;

	spin_lock(&misses->lock);
	if (miss->state == VD_MISS_NONE) {
		vd_miss_await(miss, &mem->miss);
	} else {
		/* An entry that has been read is queued once more. */
		i = vd_miss_find_ahead(miss, &mem->miss);
		if (i >= 0 && i < miss->nr_read)
			vd_miss_remove_ahead(miss, i);
		vd_miss_add_ahead(miss, &mem->miss);
	}
	is_new = vd_miss_queue(misses, miss);
	spin_unlock(&misses->lock);
	if (is_new)
		vd_misses_wake(misses);
}

static bool vd_question_is_in(const struct vd_question *question, u64 first,
			      u64 last)
{
	return question->addr >= first && question->addr <= last;
}

/**
 * vd_miss_answer() - resolve the misses in a range that was mapped
 * @misses: the device's misses
 * @miss: the queue's misses
 * @first: first I/O address
 * @last: last one
 *
 * Return: true if the queue waits for an address in the range, and may go on.
 */
bool vd_miss_answer(struct vd_misses *misses, struct vd_miss *miss, u64 first,
		    u64 last)
{
	bool is_answer;
	unsigned int i;

	spin_lock(&misses->lock);
	is_answer = vd_miss_can_be_answered(miss) &&
		    vd_question_is_in(&miss->question, first, last);
	if (is_answer) {
		/* poll() may already have reported it: keep it readable. */
		if (miss->state == VD_MISS_UNREAD)
			vd_miss_add_ahead(miss, &miss->question);
		miss->state = VD_MISS_NONE;
	}
	for (i = miss->nr_read; i-- > 0; )
		if (vd_question_is_in(&miss->ahead[i], first, last))
			vd_miss_remove_ahead(miss, i);
	spin_unlock(&misses->lock);
	return is_answer;
}

/**
 * vd_miss_drop() - drop a queue's misses
 * @misses: the device's misses
 * @miss: the queue's misses
 *
 * Return: true if the queue waits for one of them, and must run again.
 */
bool vd_miss_drop(struct vd_misses *misses, struct vd_miss *miss)
{
	bool is_awaited;

	spin_lock(&misses->lock);
	is_awaited = miss->state != VD_MISS_NONE;
	list_del_init(&miss->node);
	miss->state = VD_MISS_NONE;
	miss->nr_ahead = 0;
	miss->nr_read = 0;
	spin_unlock(&misses->lock);
	return is_awaited;
}
