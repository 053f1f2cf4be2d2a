/* SPDX-License-Identifier: GPL-2.0-only */
/* Queueing a job when a file becomes ready: kick eventfds and sockets. */
#ifndef VD_HOST_NOTIFY_H
#define VD_HOST_NOTIFY_H

#include <linux/poll.h>
#include <linux/wait.h>

#include "host/worker.h"

struct eventfd_ctx;

/**
 * struct vd_wait - a job that waits for a file
 * @entry: is in the file's wait queue while @is_on
 * @head: the file's wait queue, or NULL if not attached [q]
 * @table: poll table through which the file passes its wait queue
 * @mask: events that queue the job [c]
 * @work: the job [c]
 * @is_on: @entry is in the wait queue [q]
 * @starts: number of times that @entry was added [q]
 * @wakeups: number of times that the file queued the job; written under the
 *	     file's wait queue lock, and by control while @entry is not in it
 */
struct vd_wait {
	struct wait_queue_entry entry;
	struct wait_queue_head *head;
	struct poll_table_struct table;
	__poll_t mask;
	struct vd_work *work;
	bool is_on;
	unsigned int starts;
	u64 wakeups;
};

void vd_wait_init(struct vd_wait *wait, struct vd_work *work, __poll_t mask);
__poll_t vd_wait_attach(struct vd_wait *wait, struct file *file);
bool vd_wait_start(struct vd_wait *wait);
void vd_wait_stop(struct vd_wait *wait);
void vd_wait_detach(struct vd_wait *wait);

struct eventfd_ctx *vd_notify_get(int fd);
void vd_notify_put(struct eventfd_ctx *ctx);

#endif
