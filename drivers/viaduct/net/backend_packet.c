// SPDX-License-Identifier: GPL-2.0-only
/* AF_PACKET raw sockets: packets go through the socket's own queue. */
#include <linux/errno.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "net/backend.h"

static int vd_backend_packet_find(struct vd_backend *backend)
{
	struct socket *sock = sock_from_file(backend->file);

	if (!sock || sock->type != SOCK_RAW ||
	    sock->sk->sk_family != AF_PACKET)
		return -ENOTSOCK;
	backend->sock = sock;
	return 0;
}

/*
 * A VLAN tag beside the data counts as part of the frame, although the socket
 * does not insert it: the lengths then differ and the packet is dropped. It
 * must not reach the guest untagged, as part of another network.
 */
static size_t vd_backend_packet_peek_len(struct vd_backend *backend)
{
	struct sk_buff_head *queue = &backend->sock->sk->sk_receive_queue;
	struct sk_buff *skb;
	unsigned long flags;
	size_t len = 0;

	spin_lock_irqsave(&queue->lock, flags);
	skb = skb_peek(queue);
	if (skb) {
		len = skb->len;
		if (skb_vlan_tag_present(skb))
			len += VLAN_HLEN;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return len;
}

const struct vd_backend_ops vd_backend_packet_ops = {
	.find		= vd_backend_packet_find,
	.peek_len	= vd_backend_packet_peek_len,
};
