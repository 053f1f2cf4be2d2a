/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PLAIN_LINUX_POLL_H
#define PLAIN_LINUX_POLL_H

#include <linux/wait.h>
#include <sys/epoll.h>

#define wake_up_interruptible_poll(wait, events) ((void)(wait))

#endif
