// SPDX-License-Identifier: GPL-2.0-only
/*
 * tun and tap devices, macvtap and ipvtap.
 *
 * They export their ring of received packets, so that one lock suffices to
 * consume a batch, and accept frames for sending as an array of XDP buffers.
 *
 * Such frames need headroom for headers that are added later. A bridge or Open
 * vSwitch propagates the headroom of its tunnels to its ports, so that
 * encapsulation need not reallocate frames. A tap honours that value in its own
 * sendmsg(), but does not export it. The tap's master device has the same value
 * in @needed_headroom; a macvtap inherits @needed_headroom from its lower
 * device.
 *
 * The device of a descriptor is found by its name in fdinfo, or by the pointer
 * in struct tap_queue. The lookup of its index uses the namespace that the
 * descriptor was opened in, and may return a wrong device after the device
 * moved or was created anew. That is harmless: the value is a hint.
 */
#include <linux/err.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/skb_array.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "compat.h"
#include "net/backend.h"

/* The fdinfo line with the device's name. */
#define VD_BACKEND_TAP_NAME	"iff:\t%15s"

/* Read the device's name from the file's fdinfo; takes the RTNL. */
static bool vd_backend_tap_read_name(struct file *file, char name[IFNAMSIZ])
{
	char text[64] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) - 1 };

	if (!file->f_op->show_fdinfo)
		return false;
	file->f_op->show_fdinfo(&seq, file);
	return sscanf(text, VD_BACKEND_TAP_NAME, name) == 1;
}

/*
 * The index is a hint, but a tun must be recognised. fdinfo has only the
 * device's name, and the device can be in any namespace, so all are searched.
 * At worst, frames to a tap are sent one by one because a tun elsewhere has the
 * same name.
 */
static int vd_backend_tap_find_tun_dev(struct vd_backend *backend)
{
	struct net_device *dev;
	char name[IFNAMSIZ];
	int ifindex = 0;
	struct net *net;

	if (!vd_backend_tap_read_name(backend->file, name))
		return 0;
	/* During a move a device is in no namespace: exclude moves. */
	rtnl_lock();
	rcu_read_lock();
	for_each_net_rcu(net) {
		dev = dev_get_by_name_rcu(net, name);
		if (!dev || !dev->rtnl_link_ops ||
		    strcmp(dev->rtnl_link_ops->kind, "tun"))
			continue;
		if (net_eq(net, sock_net(backend->sock->sk)))
			ifindex = dev->ifindex;
		backend->is_raw_ip |= !dev->hard_header_len;
	}
	rcu_read_unlock();
	rtnl_unlock();
	return ifindex;
}

static int vd_backend_tap_find_tap_dev(const struct vd_backend *backend)
{
	struct tap_queue *queue = container_of(backend->sock, struct tap_queue,
					       sock);
	struct tap_dev *tap;
	int ifindex = 0;

	rcu_read_lock();
	tap = rcu_dereference(queue->tap);
	if (tap && net_eq(dev_net(tap->dev), sock_net(backend->sock->sk)))
		ifindex = tap->dev->ifindex;
	rcu_read_unlock();
	return ifindex;
}

/* Bytes that the device and its master need in front of a frame. */
static unsigned int vd_backend_tap_room(const struct vd_backend *backend)
{
	struct net_device *dev, *master;
	unsigned int bytes = 0;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(backend->sock->sk),
				   backend->ifindex);
	if (dev) {
		bytes = READ_ONCE(dev->needed_headroom);
		master = netdev_master_upper_dev_get_rcu(dev);
		if (master)
			bytes = max_t(unsigned int, bytes,
				      READ_ONCE(master->needed_headroom));
	}
	rcu_read_unlock();
	return bytes;
}

/* Takes the RTNL. */
static int vd_backend_tap_find(struct vd_backend *backend)
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
		backend->ifindex = backend->is_tun ?
				   vd_backend_tap_find_tun_dev(backend) :
				   vd_backend_tap_find_tap_dev(backend);
		backend->room_seen = jiffies - 1;
		return 0;
	}
	backend->sock = NULL;
	backend->ring = NULL;
	return -ENOTSOCK;
}

/* Room for a virtio-net header, which other producers reserve as well. */
#define VD_BACKEND_HDR_ROOM	sizeof(struct virtio_net_hdr_mrg_rxbuf)

/*
 * XDP buffers are not charged to the socket, so they must not be used with a
 * finite send buffer, by which the client requests back-pressure. Nor with a
 * tun: the driver expects an Ethernet header, which its packets lack.
 *
 * A device that adds headers, such as a tunnel on the tap's bridge, reallocates
 * each frame that has no room for them.
 */
static unsigned int vd_backend_tap_headroom(struct vd_backend *backend)
{
	unsigned int room;

	if (READ_ONCE(backend->sock->sk->sk_sndbuf) != INT_MAX ||
	    backend->is_raw_ip)
		return 0;
	if (time_after(jiffies, backend->room_seen)) {
		backend->room_seen = jiffies;
		backend->room = vd_backend_tap_room(backend);
	}
	room = max_t(unsigned int, NET_SKB_PAD + VD_BACKEND_HDR_ROOM,
		     backend->room);
	return SKB_DATA_ALIGN(room) + NET_IP_ALIGN;
}

static int vd_backend_tap_send_xdp(struct vd_backend *backend,
				   struct xdp_buff *xdp, unsigned int nr)
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

/*
 * A tap with IFF_BACKPRESSURE stops its transmit queue when the ring is full.
 * The queue must be woken under the lock that the packets are consumed under:
 * their later fate, including delivery without recvmsg(), does not change the
 * room in the ring.
 */
static unsigned int vd_backend_tap_consume(struct vd_backend *backend,
					   void **pkts, unsigned int max)
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

/* Packets that do not fit any more are dropped. */
static void vd_backend_tap_unconsume(struct vd_backend *backend, void **pkts,
				     unsigned int nr)
{
	ptr_ring_unconsume(backend->ring, pkts, nr, tun_ptr_free);
}

const struct vd_backend_ops vd_backend_tap_ops = {
	.find		= vd_backend_tap_find,
	.xdp_headroom	= vd_backend_tap_headroom,
	.send_xdp	= vd_backend_tap_send_xdp,
	.consume	= vd_backend_tap_consume,
	.unconsume	= vd_backend_tap_unconsume,
};
