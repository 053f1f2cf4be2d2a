/* SPDX-License-Identifier: GPL-2.0-only */
/* Queueing a job when a file becomes ready: kick eventfds and sockets. */
#ifndef VD_HOST_POLL_H
#define VD_HOST_POLL_H

#include <linux/poll.h>
#include <linux/wait.h>

#include "host/worker.h"

struct eventfd_ctx;

/**
 * struct vd_poll - a file that queues a job when it becomes ready
 * @entry: is in the file's wait queue while @is_on
 * @head: the file's wait queue, or NULL if not attached [q]
 * @table: poll table through which the file passes its wait queue
 * @mask: events that queue the job [c]
 * @work: the job [c]
 * @is_on: @entry is in the wait queue [q]
 * @generation: number of times that @entry was added [q]
 * @wakeups: number of times that the file queued the job; written under the
 *	     file's wait queue lock, and by control while @entry is not in it
 */
struct vd_poll {
	struct wait_queue_entry entry;
	struct wait_queue_head *head;
	struct poll_table_struct table;
	__poll_t mask;
	struct vd_work *work;
	bool is_on;
	unsigned int generation;
	u64 wakeups;
};

void vd_poll_init(struct vd_poll *poll, struct vd_work *work, __poll_t mask);
__poll_t vd_poll_attach(struct vd_poll *poll, struct file *file);
bool vd_poll_start(struct vd_poll *poll);
void vd_poll_stop(struct vd_poll *poll);
void vd_poll_detach(struct vd_poll *poll);

struct eventfd_ctx *vd_eventfd_get(int fd);
void vd_eventfd_put(struct eventfd_ctx *ctx);

#endif
