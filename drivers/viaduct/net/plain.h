/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of a tap that are delivered without the socket's recvmsg(). */
#ifndef VD_NET_PLAIN_H
#define VD_NET_PLAIN_H

#include <linux/types.h>
#include <linux/virtio_net.h>

#include "net/queue.h"

struct vd_tap_rx;

/**
 * struct vd_plain - a packet that can be written without recvmsg()
 * @to: buffer for header and frame
 * @data: the frame
 * @len: its length
 * @count: bytes that the tap's recvmsg() adds to the device's counter
 * @mrg: its header
 */
struct vd_plain {
	char __user *to;
	const void *data;
	unsigned int len;
	unsigned int count;
	struct virtio_net_hdr_mrg_rxbuf mrg;
};

unsigned int vd_plain_deliver(struct vd_queue *q, struct vd_tap_rx *tap,
			      const struct vd_chain *chain,
			      struct vd_plain *plain, unsigned int max);
enum vd_verdict vd_plain_complete(struct vd_queue *q,
				  const struct vd_chain *chain,
				  const struct vd_plain *plain, unsigned int nr,
				  struct vd_budget *budget);

#endif
