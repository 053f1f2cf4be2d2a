// SPDX-License-Identifier: GPL-2.0-only
/* Packets of a port: buffers, sending, receiving. */
#include <errno.h>
#include <string.h>

#include "hdr.h"
#include "port/port.h"

/* Receive buffers are added this many at a time. */
#define VD_PORT_REFILL	32

static struct vd_port_queue *vd_port_queue(struct viaduct_port *port,
					   unsigned int queue)
{
	return queue < port->nr_queues ? &port->queue[queue] : NULL;
}

static int vd_port_break(struct viaduct_port *port)
{
	__atomic_store_n(&port->failed, -EIO, __ATOMIC_RELAXED);
	return -EIO;
}

/**
 * vd_port_disarm() - suppress signals of the device
 * @q: the queue
 * @events: VIADUCT_PORT_RECEIVE and VIADUCT_PORT_SEND
 */
void vd_port_disarm(struct vd_port_queue *q, unsigned int events)
{
	events &= q->armed;
	if (events & VIADUCT_PORT_RECEIVE)
		vd_port_ring_disarm(&q->ring[VD_PORT_RX]);
	if (events & VIADUCT_PORT_SEND)
		vd_port_ring_disarm(&q->ring[VD_PORT_TX]);
	q->armed &= ~events;
}

/**
 * vd_port_reap() - take back buffers that were sent
 * @port: the port; fails if the device returned a buffer that it did not hold
 * @q: the queue
 */
void vd_port_reap(struct viaduct_port *port, struct vd_port_queue *q)
{
	u32 buf, len;

	while ((buf = vd_port_ring_get(&q->ring[VD_PORT_TX], &len)) !=
	       VD_PORT_NO_BUF) {
		port->owner[buf] = VD_PORT_POOL;
		q->pool[q->nr_pool++] = buf;
	}
	if (unlikely(q->ring[VD_PORT_TX].broken))
		vd_port_break(port);
}

/**
 * vd_port_refill() - give the device buffers to receive into
 * @port: the port
 * @q: the queue
 */
void vd_port_refill(struct viaduct_port *port, struct vd_port_queue *q)
{
	struct vd_port_ring *r = &q->ring[VD_PORT_RX];
	u32 len = port->slot - VD_PORT_HEADROOM + VD_PORT_HDR_LEN;

	while (r->nr_free && q->nr_pool) {
		u32 buf = q->pool[--q->nr_pool];

		port->owner[buf] = VD_PORT_KERNEL;
		vd_port_ring_add(r, vd_port_slot(port, buf) + VD_PORT_HEADROOM -
				 VD_PORT_HDR_LEN, len, VRING_DESC_F_WRITE, buf);
	}
	vd_port_ring_publish(r);
}

/*
 * The buffer of a packet that the program has, or VD_PORT_NO_BUF; sets @room to
 * the bytes from the packet's data to the end of the buffer.
 */
static u32 vd_port_buf_of(const struct viaduct_port *port,
			  const struct viaduct_pkt *pkt, u32 *room)
{
	size_t at = (u8 *)pkt->data - port->buffers;
	u32 buf, off;

	if (at >= (size_t)port->nr_buffers * port->slot)
		return VD_PORT_NO_BUF;
	/* In units of 64 bytes, for a division of 32 bits. */
	buf = (u32)(at / 64) / (port->slot / 64);
	off = at - (size_t)buf * port->slot;
	if (port->owner[buf] != VD_PORT_PROGRAM || off < VD_PORT_HDR_LEN)
		return VD_PORT_NO_BUF;
	*room = port->slot - off;
	return buf;
}

/**
 * viaduct_port_alloc() - get buffers for packets to send
 * @port: the port
 * @queue: number of the queue
 * @pkt: data and room are set, length and offload fields are zeroed
 * @nr: limit on their number
 *
 * In front of the data are VIADUCT_PORT_HEADROOM bytes that the program may use.
 *
 * Context: one thread at a time for each queue.
 * Return: the number of buffers.
 */
unsigned int viaduct_port_alloc(struct viaduct_port *port, unsigned int queue,
				struct viaduct_pkt *pkt, unsigned int nr)
{
	struct vd_port_queue *q = vd_port_queue(port, queue);
	unsigned int i;

	if (!q)
		return 0;
	if (q->nr_pool < nr)
		vd_port_reap(port, q);
	for (i = 0; i < nr && q->nr_pool; i++) {
		u32 buf = q->pool[--q->nr_pool];

		port->owner[buf] = VD_PORT_PROGRAM;
		pkt[i] = (struct viaduct_pkt){
			.data = vd_port_slot(port, buf) + VD_PORT_HEADROOM,
			.room = port->slot - VD_PORT_HEADROOM,
		};
	}
	return i;
}

/**
 * viaduct_port_free() - give buffers back
 * @port: the port
 * @queue: number of the queue that can use them now
 * @pkt: packets of viaduct_port_alloc() or viaduct_port_receive(); of each only
 *	 the data's address is used, which may be any in the buffer
 * @nr: their number
 *
 * Context: one thread at a time for each queue.
 * Return: 0; -EINVAL if the program does not hold one of them; that one and
 * those after it are not freed.
 */
int viaduct_port_free(struct viaduct_port *port, unsigned int queue,
		      const struct viaduct_pkt *pkt, unsigned int nr)
{
	struct vd_port_queue *q = vd_port_queue(port, queue);
	u32 buf, room;

	if (!q)
		return -EINVAL;
	for (; nr; nr--, pkt++) {
		buf = vd_port_buf_of(port, pkt, &room);
		if (buf == VD_PORT_NO_BUF)
			return -EINVAL;
		port->owner[buf] = VD_PORT_POOL;
		q->pool[q->nr_pool++] = buf;
	}
	return 0;
}

/* Add a packet to the transmit ring, which has a free descriptor. */
static int vd_port_put(struct viaduct_port *port, struct vd_port_queue *q,
		       const struct viaduct_pkt *pkt)
{
	const struct viaduct_hdr *from = &pkt->hdr;
	struct virtio_net_hdr_mrg_rxbuf mrg = {};
	u32 buf, room;
	u8 *hdr;

	buf = vd_port_buf_of(port, pkt, &room);
	if (unlikely(buf == VD_PORT_NO_BUF))
		return -EINVAL;
	if (unlikely(pkt->len < port->min_len || pkt->len > room))
		return -EMSGSIZE;
	if (unlikely((from->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ||
		      from->gso_type) && !q->tap.has_hdr))
		return -EOPNOTSUPP;
	/* The header is in front of the frame, at any address. */
	hdr = (u8 *)pkt->data - VD_PORT_HDR_LEN;
	vd_hdr_store(&mrg.hdr, from);
	memcpy(hdr, &mrg, VD_PORT_HDR_LEN);
	port->owner[buf] = VD_PORT_KERNEL;
	vd_port_ring_add(&q->ring[VD_PORT_TX], hdr, VD_PORT_HDR_LEN + pkt->len,
			 0, buf);
	q->stats.tx_packets++;
	q->stats.tx_bytes += pkt->len;
	return 0;
}

/**
 * viaduct_port_send() - send packets
 * @port: the port
 * @queue: number of the queue
 * @pkt: packets in buffers of the port
 * @nr: their number
 *
 * The program must not use the buffers of packets that are sent. Packets of a
 * queue leave in order.
 *
 * Context: one thread at a time for each queue.
 * Return: the number of packets sent, from the first on; less than @nr if the
 * ring is full. If none was sent because of the first packet: -EINVAL if the
 * program does not hold its buffer, or there is no room for a header in front
 * of the frame, -EMSGSIZE if it is shorter than an Ethernet or IP header or
 * longer than the buffer, -EOPNOTSUPP if it leaves work to an interface without
 * IFF_VNET_HDR. -EIO if the port has failed.
 */
int viaduct_port_send(struct viaduct_port *port, unsigned int queue,
		      const struct viaduct_pkt *pkt, unsigned int nr)
{
	struct vd_port_queue *q = vd_port_queue(port, queue);
	struct vd_port_ring *r;
	unsigned int i;
	int err = 0;

	if (!q)
		return -EINVAL;
	r = &q->ring[VD_PORT_TX];
	if (unlikely(q->armed))
		vd_port_disarm(q, VIADUCT_PORT_SEND);
	if (r->nr_free < nr)
		vd_port_reap(port, q);
	if (unlikely(r->broken))
		return vd_port_break(port);
	for (i = 0; i < nr && r->nr_free; i++) {
		err = vd_port_put(port, q, &pkt[i]);
		if (unlikely(err))
			break;
	}
	vd_port_ring_publish(r);
	return i ?: err;
}

/* Describe the packet in @buf; false if the device wrote less than a header. */
static bool vd_port_take(struct viaduct_port *port, struct vd_port_queue *q,
			 u32 buf, u32 len, struct viaduct_pkt *pkt)
{
	u8 *data = vd_port_slot(port, buf) + VD_PORT_HEADROOM;
	struct virtio_net_hdr hdr;

	pkt->data = data;
	pkt->room = port->slot - VD_PORT_HEADROOM;
	pkt->len = len - VD_PORT_HDR_LEN;
	if (unlikely(len < VD_PORT_HDR_LEN || pkt->len > pkt->room))
		return false;
	memcpy(&hdr, data - VD_PORT_HDR_LEN, sizeof(hdr));
	vd_hdr_load(&pkt->hdr, &hdr);
	port->owner[buf] = VD_PORT_PROGRAM;
	q->stats.rx_packets++;
	q->stats.rx_bytes += pkt->len;
	return true;
}

/**
 * viaduct_port_receive() - receive packets
 * @port: the port
 * @queue: number of the queue
 * @pkt: filled in; the buffers are the program's until it sends or frees them
 * @nr: limit on their number
 *
 * The call never waits. Packets stay with the interface while the device has no
 * buffers because the program keeps them.
 *
 * Context: one thread at a time for each queue.
 * Return: the number of packets; -EIO if the port has failed.
 */
int viaduct_port_receive(struct viaduct_port *port, unsigned int queue,
			 struct viaduct_pkt *pkt, unsigned int nr)
{
	struct vd_port_queue *q = vd_port_queue(port, queue);
	struct vd_port_ring *r;
	unsigned int i;
	u32 buf, len;

	if (!q)
		return -EINVAL;
	r = &q->ring[VD_PORT_RX];
	if (unlikely(q->armed))
		vd_port_disarm(q, VIADUCT_PORT_RECEIVE);
	for (i = 0; i < nr; i++) {
		buf = vd_port_ring_get(r, &len);
		if (buf == VD_PORT_NO_BUF)
			break;
		if (!vd_port_take(port, q, buf, len, &pkt[i])) {
			r->broken = true;
			break;
		}
	}
	if (unlikely(r->broken) && !i)
		return vd_port_break(port);
	if (r->nr_free >= min_t(unsigned int, VD_PORT_REFILL, r->num / 2))
		vd_port_refill(port, q);
	return i;
}
