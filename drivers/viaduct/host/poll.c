// SPDX-License-Identifier: GPL-2.0-only
/*
 * Polling of files, and references to eventfds.
 *
 * A vd_poll adds one entry to the wait queue of a file. Attaching obtains the
 * wait queue through the file's poll; afterwards starting and stopping only add
 * and remove the entry, and the caller must check whether the file is ready
 * after vd_poll_start() has returned.
 *
 * The eventfd counter of a kick is never read: only the wakeup matters.
 */
#include <linux/eventfd.h>
#include <linux/err.h>
#include <linux/file.h>

#include "host/poll.h"

/* Called by the waker, under the wait queue's spinlock, interrupts off. */
static int vd_poll_wake(struct wait_queue_entry *entry, unsigned int mode,
			int sync, void *key)
{
	struct vd_poll *poll = container_of(entry, struct vd_poll, entry);
	__poll_t events = key_to_poll(key);

	/* A wakeup without events may concern any waiter. */
	if (!events || events & poll->mask) {
		/* Serialised by the wait queue's lock. */
		WRITE_ONCE(poll->wakeups, poll->wakeups + 1);
		vd_work_queue(poll->work);
	}
	return 0;
}

static void vd_poll_queue_proc(struct file *file,
			       struct wait_queue_head *head,
			       struct poll_table_struct *table)
{
	struct vd_poll *poll = container_of(table, struct vd_poll, table);

	/* Some files poll on several wait queues; the first one is needed. */
	if (!poll->head)
		poll->head = head;
}

void vd_poll_init(struct vd_poll *poll, struct vd_work *work, __poll_t mask)
{
	init_waitqueue_func_entry(&poll->entry, vd_poll_wake);
	init_poll_funcptr(&poll->table, vd_poll_queue_proc);
	poll->table._key = mask | EPOLLERR;
	poll->head = NULL;
	poll->mask = mask;
	poll->work = work;
	poll->is_on = false;
}

/**
 * vd_poll_attach() - set the file, and start polling
 * @poll: not attached
 * @file: stays referenced by the caller until vd_poll_detach()
 *
 * Return: the file's current poll events; %EPOLLERR alone, with nothing
 * attached, for a file without a wait queue. A file in error is attached: it
 * can recover, as a packet socket does when its interface is up again.
 */
__poll_t vd_poll_attach(struct vd_poll *poll, struct file *file)
{
	vfs_poll(file, &poll->table);
	if (!poll->head)
		return EPOLLERR;
	vd_poll_start(poll);
	/* If the file was ready before the start, no wakeup follows. */
	return vfs_poll(file, NULL);
}

/**
 * vd_poll_start() - start to queue the job when the file becomes ready
 * @poll: the poll; no effect if it is started already or not attached
 *
 * The caller must check once more after this whether the file is ready: the
 * full barrier here pairs with the one that wakers issue between making it
 * ready and checking for waiters (skwq_has_sleeper()).
 *
 * Return: true if this call started the poll.
 */
bool vd_poll_start(struct vd_poll *poll)
{
	if (poll->is_on || !poll->head)
		return false;
	add_wait_queue(poll->head, &poll->entry);
	poll->is_on = true;
	poll->generation++;
	smp_mb(); /* pairs with the barrier of wakers, see above */
	return true;
}

/**
 * vd_poll_stop() - stop queueing the job
 * @poll: attached or not, started or not
 *
 * After the return no wakeup is in progress; an earlier one may have queued the
 * job. Context: process context.
 */
void vd_poll_stop(struct vd_poll *poll)
{
	if (!poll->is_on)
		return;
	remove_wait_queue(poll->head, &poll->entry);
	poll->is_on = false;
}

/* The caller may drop its file reference afterwards. */
void vd_poll_detach(struct vd_poll *poll)
{
	vd_poll_stop(poll);
	poll->head = NULL;
}

/**
 * vd_eventfd_get() - get an eventfd to signal
 * @fd: descriptor, or -1 for none
 *
 * Return: a reference for vd_eventfd_put(), NULL for -1, ERR_PTR of -EBADF or
 * of -EINVAL when it is not an eventfd.
 */
struct eventfd_ctx *vd_eventfd_get(int fd)
{
	return fd == -1 ? NULL : eventfd_ctx_fdget(fd);
}

void vd_eventfd_put(struct eventfd_ctx *ctx)
{
	if (ctx)
		eventfd_ctx_put(ctx);
}
