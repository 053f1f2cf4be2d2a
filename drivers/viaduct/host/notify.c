// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for files, and eventfds that are signalled.
 *
 * A vd_wait adds one entry to the wait queue of a file. Attaching obtains the
 * wait queue through the file's poll; afterwards starting and stopping only add
 * and remove the entry, and the caller must check whether the file is ready
 * after vd_wait_start() has returned.
 *
 * The eventfd counter of a kick is never read: only the wakeup matters.
 */
#include <linux/eventfd.h>
#include <linux/err.h>
#include <linux/file.h>

#include "host/notify.h"

/* Runs inside the wakeup: under the wait queue's spinlock, interrupts off. */
static int vd_wait_wake(struct wait_queue_entry *entry, unsigned int mode,
			int sync, void *key)
{
	struct vd_wait *wait = container_of(entry, struct vd_wait, entry);
	__poll_t events = key_to_poll(key);

	/* A wakeup without events may concern any waiter. */
	if (!events || events & wait->mask) {
		/* Serialised by the wait queue's lock. */
		WRITE_ONCE(wait->wakeups, wait->wakeups + 1);
		vd_work_queue(wait->work);
	}
	return 0;
}

static void vd_wait_learn(struct file *file, struct wait_queue_head *head,
			  struct poll_table_struct *table)
{
	struct vd_wait *wait = container_of(table, struct vd_wait, table);

	/* Some files poll on several wait queues; the first one is needed. */
	if (!wait->head)
		wait->head = head;
}

/**
 * vd_wait_init() - prepare a wait
 * @wait: the wait
 * @work: the job to queue
 * @mask: events that queue it
 */
void vd_wait_init(struct vd_wait *wait, struct vd_work *work, __poll_t mask)
{
	init_waitqueue_func_entry(&wait->entry, vd_wait_wake);
	init_poll_funcptr(&wait->table, vd_wait_learn);
	wait->table._key = mask | EPOLLERR;
	wait->head = NULL;
	wait->mask = mask;
	wait->work = work;
	wait->is_on = false;
}

/**
 * vd_wait_attach() - choose the file to wait for, and start waiting
 * @wait: not attached
 * @file: stays referenced by the caller until vd_wait_detach()
 *
 * Context: process context.
 * Return: the file's poll events now; %EPOLLERR also for a file without a wait
 * queue. On %EPOLLERR nothing is attached.
 */
__poll_t vd_wait_attach(struct vd_wait *wait, struct file *file)
{
	__poll_t events = vfs_poll(file, &wait->table);

	if (!wait->head || events & EPOLLERR) {
		wait->head = NULL;
		return EPOLLERR;
	}
	vd_wait_start(wait);
	/* If the file was ready before the start, no wakeup follows. */
	return vfs_poll(file, NULL);
}

/**
 * vd_wait_start() - start to queue the job when the file becomes ready
 * @wait: the wait; no effect if it is started already or not attached
 *
 * The caller must check once more after this whether the file is ready: the
 * full barrier here pairs with the one that wakers issue between making it
 * ready and checking for waiters (skwq_has_sleeper()).
 *
 * Context: process context.
 * Return: true if this call started the wait.
 */
bool vd_wait_start(struct vd_wait *wait)
{
	if (wait->is_on || !wait->head)
		return false;
	add_wait_queue(wait->head, &wait->entry);
	wait->is_on = true;
	wait->starts++;
	smp_mb(); /* pairs with the barrier of wakers, see above */
	return true;
}

/**
 * vd_wait_stop() - stop queueing the job
 * @wait: attached or not, started or not
 *
 * After the return no wakeup is in progress; an earlier one may have queued the
 * job. Context: process context.
 */
void vd_wait_stop(struct vd_wait *wait)
{
	if (!wait->is_on)
		return;
	remove_wait_queue(wait->head, &wait->entry);
	wait->is_on = false;
}

/**
 * vd_wait_detach() - release the file
 * @wait: attached or not
 *
 * Context: process context. The caller may drop its file reference afterwards.
 */
void vd_wait_detach(struct vd_wait *wait)
{
	vd_wait_stop(wait);
	wait->head = NULL;
}

/**
 * vd_notify_get() - get an eventfd to signal
 * @fd: descriptor, or -1 for none
 *
 * Context: process context.
 * Return: a reference for vd_notify_put(), NULL for -1, ERR_PTR of -EBADF or
 * of -EINVAL when it is not an eventfd.
 */
struct eventfd_ctx *vd_notify_get(int fd)
{
	return fd == -1 ? NULL : eventfd_ctx_fdget(fd);
}

/**
 * vd_notify_put() - drop an eventfd
 * @ctx: the eventfd, or NULL
 */
void vd_notify_put(struct eventfd_ctx *ctx)
{
	if (ctx)
		eventfd_ctx_put(ctx);
}
