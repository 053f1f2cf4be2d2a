// SPDX-License-Identifier: GPL-2.0-only
/* AF_PACKET raw sockets: packets go through the socket's own queue. */
#include <linux/errno.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "net/backend.h"
#include "net/backend_kinds.h"

/**
 * vd_backend_packet_find() - check whether a file is a raw packet socket
 * @backend: the backend, with the file filled in
 *
 * Context: process context.
 * Return: 0 with the socket filled in, or -ENOTSOCK.
 */
int vd_backend_packet_find(struct vd_backend *backend)
{
	struct socket *sock = sock_from_file(backend->file);

	if (!sock || sock->type != SOCK_RAW ||
	    sock->sk->sk_family != AF_PACKET)
		return -ENOTSOCK;
	backend->sock = sock;
	return 0;
}

/**
 * vd_backend_peek_len() - length of the packet at the head of the queue
 * @backend: an AF_PACKET backend
 *
 * A VLAN tag beside the data counts as part of the frame, although the socket
 * does not insert it: the lengths then differ and the packet is dropped. It
 * must not reach the guest untagged, as part of another network.
 *
 * Context: process context.
 * Return: bytes, 0 if there is no packet.
 */
size_t vd_backend_peek_len(struct vd_backend *backend)
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
