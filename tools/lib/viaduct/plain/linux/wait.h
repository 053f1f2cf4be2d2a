/* SPDX-License-Identifier: GPL-2.0-only */
/* IOTLB misses are not used: nothing waits for them. */
#ifndef PLAIN_LINUX_WAIT_H
#define PLAIN_LINUX_WAIT_H

typedef struct {
	int unused;
} wait_queue_head_t;

#define init_waitqueue_head(wait)	((void)(wait))

#endif
