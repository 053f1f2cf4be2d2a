/* SPDX-License-Identifier: GPL-2.0-only */
/* A wait queue without waiters, which counts its wakeups. */
#ifndef SHIM_LINUX_WAIT_H
#define SHIM_LINUX_WAIT_H

typedef struct {
	unsigned int nr_woken;
	unsigned int events;
} wait_queue_head_t;

static inline void init_waitqueue_head(wait_queue_head_t *wait)
{
	wait->nr_woken = 0;
	wait->events = 0;
}

#endif
