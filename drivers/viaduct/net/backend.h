/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets that packets are received from and sent to. */
#ifndef VD_NET_BACKEND_H
#define VD_NET_BACKEND_H

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/xdp.h>

struct ptr_ring;

/**
 * struct vd_backend - a socket in use by one queue
 * @file: reference to the socket's file; NULL if there is no backend
 * @sock: the socket of @file
 * @ring: receive ring of a tun, tap or macvtap; NULL for AF_PACKET
 * @is_tun: a tun or tap, which counts the packets received from it
 * @ifindex: index of the device, or 0 if unknown
 * @room: headroom that devices behind the socket need, as read at @room_seen
 * @room_seen: time in jiffies
 *
 * All [q].
 */
struct vd_backend {
	struct file *file;
	struct socket *sock;
	struct ptr_ring *ring;
	bool is_tun;
	int ifindex;
	unsigned int room;
	unsigned long room_seen;
};

int vd_backend_get(struct vd_backend *backend, int fd);
void vd_backend_put(struct vd_backend *backend);

int vd_backend_send(struct vd_backend *backend, struct iov_iter *frame);

unsigned int vd_backend_xdp_headroom(struct vd_backend *backend);
bool vd_backend_has_xdp_prog(const struct vd_backend *backend);
int vd_backend_send_xdp(struct vd_backend *backend, struct xdp_buff *xdp,
			unsigned int nr);

unsigned int vd_backend_consume(struct vd_backend *backend, void **pkts,
				unsigned int max);
void vd_backend_unconsume(struct vd_backend *backend, void **pkts,
			  unsigned int nr);
void vd_backend_pkt_free(void *pkt);

size_t vd_backend_peek_len(struct vd_backend *backend);
int vd_backend_recv(struct vd_backend *backend, void *pkt,
		    struct iov_iter *to, size_t len);
void vd_backend_discard(struct vd_backend *backend, void *pkt);

/**
 * vd_backend_pkt_len() - length of a packet from the device's ring
 * @pkt: the packet
 *
 * Return: bytes of the frame as it will be received, including a VLAN tag that
 * is stored beside its data.
 */
static inline size_t vd_backend_pkt_len(void *pkt)
{
	struct sk_buff *skb = pkt;

	if (tun_is_xdp_frame(pkt))
		return tun_ptr_to_xdp(pkt)->len;
	return skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
}

#endif
