/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel thread on the owner's mm that runs short jobs in turn. */
#ifndef VD_HOST_WORKER_H
#define VD_HOST_WORKER_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/types.h>

struct mm_struct;
struct task_struct;

/**
 * struct vd_worker - the thread
 * @task: the thread, or NULL before vd_worker_start() [c]
 * @mm: the owner's address space, which outlives the thread [c]
 * @jobs: work that waits for its turn, latest first [a]
 * @is_last: the job that runs was the last to be queued when it was fetched;
 *	     the worker's own
 * @hurry: how many want memory that does not answer not to be waited for [a]
 */
struct vd_worker {
	struct task_struct *task;
	struct mm_struct *mm;
	struct llist_head jobs;
	bool is_last;
	atomic_t hurry;
};

/**
 * struct vd_work - a job that can be asked for again and again
 * @node: its place in &vd_worker.jobs while it is queued
 * @flags: VD_WORK_QUEUED [a]
 * @worker: who runs it, or NULL when nobody does: it is then not queued [d]
 * @fn: what to do; bounded, may sleep [c]
 */
struct vd_work {
	struct llist_node node;
	unsigned long flags;
	struct vd_worker *worker;
	void (*fn)(struct vd_work *work);
};

int vd_worker_start(struct vd_worker *worker, struct mm_struct *mm,
		    pid_t owner, unsigned int id);
void vd_worker_stop(struct vd_worker *worker);
void vd_worker_flush(struct vd_worker *worker);
void vd_worker_hurry(struct vd_worker *worker);
void vd_worker_calm(struct vd_worker *worker);

bool vd_worker_has_jobs(void);
void vd_work_init(struct vd_work *work, void (*fn)(struct vd_work *work));
void vd_work_queue(struct vd_work *work);

#endif
