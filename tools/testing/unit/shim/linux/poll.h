/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_POLL_H
#define SHIM_LINUX_POLL_H

#include <linux/wait.h>
#include <sys/epoll.h>

static inline void wake_up_interruptible_poll(wait_queue_head_t *wait,
					      unsigned int events)
{
	wait->nr_woken++;
	wait->events = events;
}

#endif
