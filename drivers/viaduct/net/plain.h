/* SPDX-License-Identifier: GPL-2.0-only */
/* Delivery of received frames without the socket's recvmsg(). */
#ifndef VD_NET_PLAIN_H
#define VD_NET_PLAIN_H

#include <linux/types.h>

struct iovec;
struct net_device;
struct vd_queue;

bool vd_plain_deliver(struct vd_queue *q, const struct iovec *seg);
const struct net_device *vd_plain_source(const struct vd_queue *q, void *pkt);
void vd_plain_learn(struct vd_queue *q, const struct net_device *source);
void vd_plain_end(struct vd_queue *q);

#endif
