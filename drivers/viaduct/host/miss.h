/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to the client's IOMMU: addresses that the IOTLB does not know. */
#ifndef VD_HOST_MISS_H
#define VD_HOST_MISS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "guest/translate.h"

/* A question that nobody has read is not asked twice; one that was read is,
 * when its answer did not come and somebody runs into it once more.
 */
enum vd_miss_state {
	VD_MISS_NONE,
	VD_MISS_UNREAD,
	VD_MISS_READ,
};

/**
 * struct vd_miss - what a queue waits for, and what it will need next
 * @node: its place in &vd_misses.unread, when it has something unread [m]
 * @state: how far the question has come that the queue waits for [m]
 * @is_repeated: it has been read before, and asked again [m]
 * @question: that question [m]
 * @nr_ahead: entries in @ahead [m]
 * @nr_read: the first of them that were read [m]
 * @ahead: questions that the queue does not wait for yet; in the order in which
 *	   they came up, and not answered [m]
 *
 * [m]: under &vd_misses.lock
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
 * struct vd_misses - a device's questions
 * @lock: protects all here
 * @unread: in the order in which they came up
 * @wait: readers that wait for the next one
 * @is_open: there is an IOTLB, and so there may be questions
 */
struct vd_misses {
	spinlock_t lock; /* questions */
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
