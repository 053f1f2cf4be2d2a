/* SPDX-License-Identifier: GPL-2.0-only */
/* Busy polling for work, for the time that the client set. */
#ifndef VD_NET_BUSY_H
#define VD_NET_BUSY_H

#include "net/queue.h"

enum vd_next vd_busy_poll_ring(struct vd_queue *q);
enum vd_next vd_busy_poll_socket(struct vd_queue *q,
				 bool (*has_packet)(struct vd_queue *q));

#endif
