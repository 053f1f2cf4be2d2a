/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libviaduct: a tap or tun as the network card of a program.
 *
 * A port is the driver of a vhost network device: of /dev/viaduct-net, or of
 * the in-tree /dev/vhost-net. It has one or several queues, each with a receive
 * and a transmit ring that a thread of the kernel serves.
 *
 * Packets are in buffers of the port, in memory that the kernel reads and
 * writes directly. The program holds a buffer from viaduct_port_alloc() or
 * viaduct_port_receive() until viaduct_port_send() or viaduct_port_free(). A
 * received buffer can be sent, with its frame changed, shortened or extended in
 * place.
 *
 * A queue is used by one thread at a time; different queues by different
 * threads at the same time. A buffer can be sent or freed on any queue, and
 * then belongs to that queue.
 */
#ifndef VIADUCT_PORT_H
#define VIADUCT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <viaduct/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viaduct_port;

#define VIADUCT_PORT_MAX_QUEUES	256
/* Bytes before a frame that a program may use to prepend headers. */
#define VIADUCT_PORT_HEADROOM	64

/* A tun, which carries IP packets; otherwise a tap. */
#define VIADUCT_PORT_TUN	(1U << 0)
/* Split or packed rings only; otherwise packed where the device offers them. */
#define VIADUCT_PORT_SPLIT	(1U << 1)
#define VIADUCT_PORT_PACKED	(1U << 2)

/* Events of a queue. */
#define VIADUCT_PORT_RECEIVE	(1U << 0)	/* a packet has arrived */
#define VIADUCT_PORT_SEND	(1U << 1)	/* a packet can be sent */

/**
 * struct viaduct_port_opts - how to open a port
 * @size: sizeof(struct viaduct_port_opts), for compatibility with later versions
 * @device: path of the device; NULL for /dev/viaduct-net, or /dev/vhost-net if
 *	    there is no such file
 * @name: name of the interface, which is created if it does not exist; "" or a
 *	  name with %d for one that the kernel chooses; NULL to use @fds
 * @fds: @queues descriptors of one tap, tun or macvtap, which remain the
 *	 caller's
 * @queues: number of queues, 0 for one
 * @ring_size: packets of a ring, a power of two, 0 for 256
 * @buffers: buffers of a queue, more than @ring_size, 0 for four times as many
 * @room: bytes of the longest frame; 0 for 1792, or with segmentation offload
 *	  for 65550
 * @offload: TUN_F_* of <linux/if_tun.h>: what received packets may leave to the
 *	     program. Packets that are sent may use each offload of the interface
 * @flags: VIADUCT_PORT_TUN, VIADUCT_PORT_SPLIT, VIADUCT_PORT_PACKED
 * @memory: memory for rings and buffers, aligned to a page, which must stay
 *	    mapped until the port is closed; NULL to let the port map some
 * @memory_len: bytes of it
 * @log: an error as a message, without newline; NULL prints to standard error
 * @ctx: last argument of @log
 */
struct viaduct_port_opts {
	size_t size;
	const char *device;
	const char *name;
	const int *fds;
	unsigned int queues;
	unsigned int ring_size;
	unsigned int buffers;
	unsigned int room;
	unsigned int offload;
	unsigned int flags;
	void *memory;
	size_t memory_len;
	void (*log)(const char *message, void *ctx);
	void *ctx;
};

/**
 * struct viaduct_queue_stats - counters of a queue
 * @rx_packets: packets received
 * @rx_bytes: bytes of their frames
 * @tx_packets: packets sent
 * @tx_bytes: bytes of their frames
 * @kicks: signals to the device
 * @wakeups: signals of the device that viaduct_port_arm() found
 */
struct viaduct_queue_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t kicks;
	uint64_t wakeups;
};

struct viaduct_port *viaduct_port_open(const struct viaduct_port_opts *opts);
void viaduct_port_close(struct viaduct_port *port);
const char *viaduct_port_name(const struct viaduct_port *port);
const char *viaduct_port_device(const struct viaduct_port *port);
unsigned int viaduct_port_queues(const struct viaduct_port *port);
bool viaduct_port_is_packed(const struct viaduct_port *port);
size_t viaduct_port_memory_len(const struct viaduct_port_opts *opts);

unsigned int viaduct_port_alloc(struct viaduct_port *port, unsigned int queue,
				struct viaduct_pkt *pkt, unsigned int nr);
int viaduct_port_free(struct viaduct_port *port, unsigned int queue,
		      const struct viaduct_pkt *pkt, unsigned int nr);
int viaduct_port_send(struct viaduct_port *port, unsigned int queue,
		      const struct viaduct_pkt *pkt, unsigned int nr);
int viaduct_port_receive(struct viaduct_port *port, unsigned int queue,
			 struct viaduct_pkt *pkt, unsigned int nr);
int viaduct_port_flush(struct viaduct_port *port, unsigned int queue,
		       int timeout);

int viaduct_port_fd(const struct viaduct_port *port);
int viaduct_port_queue_fd(const struct viaduct_port *port, unsigned int queue);
int viaduct_port_arm(struct viaduct_port *port, unsigned int queue,
		     unsigned int events);
int viaduct_port_wait(struct viaduct_port *port, unsigned int queue,
		      unsigned int events, int timeout);
int viaduct_port_error(struct viaduct_port *port);
void viaduct_port_stats(const struct viaduct_port *port, unsigned int queue,
			struct viaduct_queue_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
