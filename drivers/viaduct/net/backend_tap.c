// SPDX-License-Identifier: GPL-2.0-only
/*
 * tun and tap devices, macvtap and ipvtap.
 *
 * They hand us their ring of received packets, so that a batch is taken at
 * the price of one lock, and take frames for sending as an array of XDP
 * buffers.
 */
#include <linux/err.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/ptr_ring.h>
#include <linux/skb_array.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "compat.h"
#include "net/backend.h"
#include "net/backend_kinds.h"
#include "net/headroom.h"

/**
 * vd_backend_tap_find() - see whether a file is a tun, tap or macvtap
 * @backend: with the file filled in
 *
 * Context: process context, takes the RTNL.
 * Return: 0 with socket, ring and device filled in, or -ENOTSOCK.
 */
int vd_backend_tap_find(struct vd_backend *backend)
{
	struct file *file = backend->file;

	backend->sock = tun_get_socket(file);
	backend->is_tun = !IS_ERR(backend->sock);
	if (backend->is_tun) {
		backend->ring = tun_get_tx_ring(file);
	} else {
		backend->sock = tap_get_socket(file);
		if (!IS_ERR(backend->sock))
			backend->ring = tap_get_ptr_ring(file);
	}
	if (!IS_ERR(backend->sock) && !IS_ERR(backend->ring)) {
		backend->ifindex = vd_headroom_find(backend);
		backend->room_seen = jiffies - 1;
		return 0;
	}
	backend->sock = NULL;
	backend->ring = NULL;
	return -ENOTSOCK;
}

/* The room for a virtio-net header, which other producers keep as well. */
#define VD_BACKEND_HDR_ROOM	sizeof(struct virtio_net_hdr_mrg_rxbuf)

/**
 * vd_backend_xdp_headroom() - whether and how frames go as XDP buffers
 * @backend: the backend
 *
 * Frames sent that way are not charged to the socket, so a finite send
 * buffer, which is the client's wish for back-pressure, rules it out.
 *
 * A device that adds headers, such as a tunnel on the tap's bridge, reallocates
 * each frame that has no room for them.
 *
 * Return: bytes of room that must be before a frame for
 * vd_backend_send_xdp(), more when the device has an XDP program attached; 0
 * when frames have to be sent one by one.
 */
unsigned int vd_backend_xdp_headroom(struct vd_backend *backend)
{
	unsigned int room;

	if (!backend->ring ||
	    READ_ONCE(backend->sock->sk->sk_sndbuf) != INT_MAX)
		return 0;
	if (time_after(jiffies, backend->room_seen)) {
		backend->room_seen = jiffies;
		backend->room = vd_headroom_look(backend);
	}
	room = max_t(unsigned int, NET_SKB_PAD + VD_BACKEND_HDR_ROOM,
		     backend->room);
	room = SKB_DATA_ALIGN(room) + NET_IP_ALIGN;
	if (sock_flag(backend->sock->sk, SOCK_XDP))
		room += XDP_PACKET_HEADROOM;
	return room;
}

/**
 * vd_backend_has_xdp_prog() - whether an XDP program looks at frames
 * @backend: a backend with headroom for XDP buffers
 *
 * Such programs, and devices that they send a buffer on to, know none that are
 * longer than a page.
 *
 * Return: what is true now.
 */
bool vd_backend_has_xdp_prog(const struct vd_backend *backend)
{
	return sock_flag(backend->sock->sk, SOCK_XDP);
}

/**
 * vd_backend_send_xdp() - send a batch of frames
 * @backend: a backend with headroom for XDP buffers
 * @xdp: the frames, by vd_compat_xdp_prepare(), each with its virtio-net header
 *	 at vd_compat_xdp_hdr()
 * @nr: how many, at least 1
 *
 * Context: process context.
 * Return: 0 when the device took them all, whatever became of each; an error
 * when it took none and they are still the caller's.
 */
int vd_backend_send_xdp(struct vd_backend *backend, struct xdp_buff *xdp,
			unsigned int nr)
{
	struct tun_msg_ctl ctl = {
		.type = TUN_MSG_PTR,
		.num = nr,
		.ptr = xdp,
	};
	struct msghdr msg = {
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl),
		.msg_flags = MSG_DONTWAIT,
	};
	int ret = backend->sock->ops->sendmsg(backend->sock, &msg, 0);

	return min(ret, 0);
}

/**
 * vd_backend_consume() - take packets out of the device's ring
 * @backend: a backend that has a ring
 * @pkts: where they go
 * @max: how many at most
 *
 * A tap with IFF_BACKPRESSURE stops its transmit queue when the ring is full.
 * The queue must be woken under the same lock as the packets are taken: what
 * becomes of them later, delivery without recvmsg() included, makes no
 * difference to the room in the ring.
 *
 * Context: process context.
 * Return: how many were taken.
 */
unsigned int vd_backend_consume(struct vd_backend *backend, void **pkts,
				unsigned int max)
{
	struct ptr_ring *ring = backend->ring;
	unsigned int nr;

	spin_lock(&ring->consumer_lock);
	nr = __ptr_ring_consume_batched(ring, pkts, max);
	if (nr)
		vd_compat_tun_wake(backend->file, nr);
	spin_unlock(&ring->consumer_lock);
	return nr;
}

/**
 * vd_backend_unconsume() - put packets back in front of the device's ring
 * @backend: the backend they were taken from
 * @pkts: the packets, oldest first
 * @nr: how many; those for which there is no room any more are dropped
 *
 * Context: process context.
 */
void vd_backend_unconsume(struct vd_backend *backend, void **pkts,
			  unsigned int nr)
{
	ptr_ring_unconsume(backend->ring, pkts, nr, vd_backend_pkt_free);
}

/**
 * vd_backend_pkt_free() - drop a packet from a device's ring
 * @pkt: the packet
 */
void vd_backend_pkt_free(void *pkt)
{
	tun_ptr_free(pkt);
}
