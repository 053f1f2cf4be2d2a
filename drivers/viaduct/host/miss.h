/* SPDX-License-Identifier: GPL-2.0-only */
/* IOTLB misses that the client must resolve. */
#ifndef VD_HOST_MISS_H
#define VD_HOST_MISS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "guest/translate.h"

/* An unread miss is not queued twice. One that was read is queued again if it
 * occurs again before its mapping arrives.
 */
enum vd_miss_state {
	VD_MISS_NONE,
	VD_MISS_UNREAD,
	VD_MISS_READ,
};

/**
 * struct vd_miss - the IOTLB misses of a queue
 * @node: node in &vd_misses.unread, if a miss is unread [m]
 * @state: state of @question [m]
 * @is_repeated: @question was read before and is queued again [m]
 * @question: the miss that the queue waits for [m]
 * @nr_ahead: entries in @ahead [m]
 * @nr_read: number of entries at the start of @ahead that were read [m]
 * @ahead: prefetched misses, which the queue does not wait for yet and which
 *	   are not resolved; in the order of their occurrence [m]
 *
 * [m]: &vd_misses.lock
 */
struct vd_miss {
	struct list_head node;
	enum vd_miss_state state;
	bool is_repeated;
	struct vd_question question;
	unsigned int nr_ahead;
	unsigned int nr_read;
	struct vd_question ahead[VD_NR_AHEAD];
};

/**
 * struct vd_misses - the IOTLB misses of a device
 * @lock: protects all fields, and the &struct vd_miss of all queues
 * @unread: queues with unread misses, in the order of their turns
 * @wait: readers that wait for the next miss
 * @is_open: there is an IOTLB, so misses can occur
 */
struct vd_misses {
	spinlock_t lock; /* misses */
	struct list_head unread;
	wait_queue_head_t wait;
	bool is_open;
};

void vd_misses_init(struct vd_misses *misses);
void vd_misses_open(struct vd_misses *misses, bool open);
bool vd_misses_is_open(struct vd_misses *misses);
bool vd_misses_has_unread(struct vd_misses *misses);
bool vd_misses_read(struct vd_misses *misses, struct vd_question *question);

void vd_miss_init(struct vd_miss *miss);
void vd_miss_ask(struct vd_misses *misses, struct vd_miss *miss,
		 const struct vd_mem *mem);
void vd_miss_ask_beside(struct vd_misses *misses, struct vd_miss *miss,
			const struct vd_mem *mem);
bool vd_miss_answer(struct vd_misses *misses, struct vd_miss *miss, u64 first,
		    u64 last);
bool vd_miss_drop(struct vd_misses *misses, struct vd_miss *miss);

#endif
