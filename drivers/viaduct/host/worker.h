/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread on the owner's mm that runs short jobs in turn. */
#ifndef VD_HOST_WORKER_H
#define VD_HOST_WORKER_H

#include <linux/completion.h>
#include <linux/llist.h>
#include <linux/types.h>

#include "host/thread.h"

struct vd_worker;
struct vd_worker_call;

/**
 * struct vd_work - a job that can be queued repeatedly
 * @node: node in &vd_worker.jobs while the job is queued
 * @flags: VD_WORK_QUEUED [a]
 * @worker: runs the job; changed under the device's mutex and the lock that @fn
 *	    takes first. NULL for a job that a caller waits for, which is passed
 *	    to vd_worker_add() only
 * @fn: function of the job; must be bounded, may sleep [c]
 */
struct vd_work {
	struct llist_node node;
	unsigned long flags;
	struct vd_worker *worker;
	void (*fn)(struct vd_work *work);
};

/**
 * struct vd_worker - a queue of jobs and its thread
 * @thread: runs the jobs
 * @jobs: queued work, latest first [a]
 * @is_last: the running job is the last of those fetched with it; written by
 *	     the thread
 * @is_dead: the thread was killed with its owner: jobs are not queued any more.
 *	     Read under RCU: after a grace period no reader that saw it clear
 *	     still adds a job [a]
 * @dropped: after @is_dead: the jobs that were queued have been dropped
 * @call: request of vd_worker_call(), or NULL. Caller or thread takes it with
 *	  xchg(): it runs only if the thread does [a]
 * @call_work: job that runs @call
 */
struct vd_worker {
	struct vd_thread thread;
	struct llist_head jobs;
	bool is_last;
	bool is_dead;
	struct completion dropped;
	struct vd_worker_call *call;
	struct vd_work call_work;
};

/*
 * Milliseconds for which a job may block in a page fault: while the device is
 * destroyed; while others use it, so that a late page breaks no ring.
 */
#define VD_ABORT_SOON	20U
#define VD_ABORT_LATE	250U

void vd_worker_prepare(struct vd_worker *worker, struct mm_struct *mm,
		       pid_t owner, unsigned int id, char *name);
int vd_worker_start(struct vd_worker *worker, struct mm_struct *mm,
		    bool fork_from_owner, pid_t owner, unsigned int id);
void vd_worker_stop(struct vd_worker *worker);
void vd_worker_flush(struct vd_worker *worker);
void vd_worker_abort_faults_begin(struct vd_worker *worker,
				  const struct vd_work *work,
				  struct completion *until, unsigned int ms);
void vd_worker_abort_faults_end(struct vd_worker *worker);
void vd_worker_drop_signal(struct vd_worker *worker);

/* worker_beside.c: by a process other than the owner */
int vd_worker_start_beside(struct vd_worker *worker, struct vd_worker *old,
			   struct task_struct *process, pid_t owner,
			   unsigned int id);
void vd_worker_call_run(struct vd_work *work);
int vd_worker_ping(struct vd_worker *worker);
void vd_worker_let_finish(struct vd_worker *worker);

bool vd_worker_add(struct vd_worker *worker, struct vd_work *work);
bool vd_worker_has_jobs(const struct vd_work *work);
void vd_work_init(struct vd_work *work, void (*fn)(struct vd_work *work));
void vd_work_queue(struct vd_work *work);

#endif
