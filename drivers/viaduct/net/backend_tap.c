// SPDX-License-Identifier: GPL-2.0-only
/*
 * tun and tap devices, macvtap and ipvtap.
 *
 * They export their ring of received packets, so that one lock suffices to
 * consume a batch, and accept frames for sending as an array of XDP buffers.
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
 * vd_backend_tap_find() - check whether a file is a tun, tap or macvtap
 * @backend: the backend, with the file filled in
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

/* Room for a virtio-net header, which other producers reserve as well. */
#define VD_BACKEND_HDR_ROOM	sizeof(struct virtio_net_hdr_mrg_rxbuf)

/**
 * vd_backend_xdp_headroom() - headroom of frames sent as XDP buffers
 * @backend: the backend
 *
 * XDP buffers are not charged to the socket, so they must not be used with a
 * finite send buffer, by which the client requests back-pressure.
 *
 * A device that adds headers, such as a tunnel on the tap's bridge, reallocates
 * each frame that has no room for them.
 *
 * Return: bytes that vd_backend_send_xdp() needs before a frame, more if the
 * device has an XDP program attached; 0 if frames must be sent one by one.
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
 * vd_backend_has_xdp_prog() - whether an XDP program is attached
 * @backend: a backend with headroom for XDP buffers
 *
 * XDP programs, and devices that they redirect to, require buffers of at most a
 * page.
 *
 * Return: the current state, which may change at any time.
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
 * @nr: number of frames, at least 1
 *
 * Context: process context.
 * Return: 0 if the device took all frames, even if it drops some; an error if
 * it took none, and the caller must free them.
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
 * vd_backend_consume() - consume packets from the device's ring
 * @backend: a backend that has a ring
 * @pkts: array for the packets
 * @max: size of @pkts
 *
 * A tap with IFF_BACKPRESSURE stops its transmit queue when the ring is full.
 * The queue must be woken under the lock that the packets are consumed under:
 * their later fate, including delivery without recvmsg(), does not change the
 * room in the ring.
 *
 * Context: process context.
 * Return: number of packets consumed.
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
 * vd_backend_unconsume() - put packets back at the head of the device's ring
 * @backend: the backend that the packets were consumed from
 * @pkts: the packets, oldest first
 * @nr: number of packets; packets that do not fit any more are dropped
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
