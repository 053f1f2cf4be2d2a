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
#include <net/sock.h>
#include <net/xdp.h>

struct ptr_ring;
struct vd_backend;

/**
 * struct vd_backend_ops - a kind of backend
 * @find: fill in @backend if its file is of this kind; 0 or -ENOTSOCK
 * @xdp_headroom: bytes that @send_xdp needs before a frame; 0 if they must
 *		  currently be sent one by one; NULL if always
 * @send_xdp: send a batch of frames (vd_backend_send_xdp())
 * @consume: consume packets from the ring; NULL if the backend has none
 * @unconsume: put packets back at the head of the ring
 * @peek_len: length of the next packet of a backend without a ring, or 0
 *
 * All are called in process context; the queue's mutex is held, except for
 * @find. Those for the data path are called once a batch, except for @peek_len.
 */
struct vd_backend_ops {
	int (*find)(struct vd_backend *backend);
	unsigned int (*xdp_headroom)(struct vd_backend *backend);
	int (*send_xdp)(struct vd_backend *backend, struct xdp_buff *xdp,
			unsigned int nr);
	unsigned int (*consume)(struct vd_backend *backend, void **pkts,
				unsigned int max);
	void (*unconsume)(struct vd_backend *backend, void **pkts,
			  unsigned int nr);
	size_t (*peek_len)(struct vd_backend *backend);
};

/**
 * struct vd_backend - a socket in use by one queue
 * @ops: the kind of backend
 * @file: reference to the socket's file; NULL if there is no backend
 * @sock: the socket of @file
 * @ring: receive ring, or NULL; as in tun's, an entry is an skb, or an XDP
 *	  frame if tun_is_xdp_frame() is true
 * @is_tun: a tun or tap, which counts the packets received from it
 * @is_raw_ip: its packets have no Ethernet header
 * @ifindex: index of the device, or 0 if unknown
 * @room: headroom that devices behind the socket need, as read at @room_seen
 * @room_seen: time in jiffies
 *
 * All [q].
 */
struct vd_backend {
	const struct vd_backend_ops *ops;
	struct file *file;
	struct socket *sock;
	struct ptr_ring *ring;
	bool is_tun;
	bool is_raw_ip;
	int ifindex;
	unsigned int room;
	unsigned long room_seen;
};

/* The kinds of backend, which backend.c lists. */
extern const struct vd_backend_ops vd_backend_packet_ops;
extern const struct vd_backend_ops vd_backend_tap_ops;

int vd_backend_get(struct vd_backend *backend, int fd);
void vd_backend_put(struct vd_backend *backend);

int vd_backend_send(struct vd_backend *backend, struct iov_iter *frame);
int vd_backend_recv(struct vd_backend *backend, void *pkt,
		    struct iov_iter *to, size_t len);
void vd_backend_discard(struct vd_backend *backend, void *pkt);

/**
 * vd_backend_xdp_headroom() - headroom of frames sent as XDP buffers
 * @backend: the backend
 *
 * Return: bytes that vd_backend_send_xdp() needs before a frame, in addition to
 * those of an XDP program; 0 if frames must be sent one by one.
 */
static inline unsigned int vd_backend_xdp_headroom(struct vd_backend *backend)
{
	return backend->ops->xdp_headroom ?
	       backend->ops->xdp_headroom(backend) : 0;
}

/**
 * vd_backend_has_xdp_prog() - whether an XDP program is attached
 * @backend: a backend with headroom for XDP buffers
 *
 * XDP programs, and devices that they redirect to, require buffers of at most a
 * page.
 *
 * Return: the current state, which may change at any time.
 */
static inline bool vd_backend_has_xdp_prog(const struct vd_backend *backend)
{
	return sock_flag(backend->sock->sk, SOCK_XDP);
}

/**
 * vd_backend_send_xdp() - send a batch of frames
 * @backend: a backend with headroom for XDP buffers
 * @xdp: the frames, by vd_compat_xdp_prepare(), each with its virtio-net header
 *	 at vd_compat_xdp_hdr()
 * @nr: number of frames, at least 1
 *
 * Context: process context.
 * Return: 0 if the device took all frames, even if it drops some; an error if
 * it took none, and the caller must free them.
 */
static inline int vd_backend_send_xdp(struct vd_backend *backend,
				      struct xdp_buff *xdp, unsigned int nr)
{
	return backend->ops->send_xdp(backend, xdp, nr);
}

/* Length of a frame as received, including a VLAN tag beside its data. */
static inline size_t vd_backend_pkt_len(void *pkt)
{
	struct sk_buff *skb = pkt;

	if (tun_is_xdp_frame(pkt))
		return tun_ptr_to_xdp(pkt)->len;
	return skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
}

#endif
