/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets that packets come from and go to. */
#ifndef VD_NET_BACKEND_H
#define VD_NET_BACKEND_H

#include <linux/fs.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

struct ptr_ring;
struct xdp_buff;

/**
 * struct vd_backend - a socket in use by one queue
 * @file: our reference; NULL when there is no backend
 * @sock: the socket inside
 * @ring: where a tun, tap or macvtap holds packets for us; NULL for AF_PACKET
 *
 * All [q].
 */
struct vd_backend {
	struct file *file;
	struct socket *sock;
	struct ptr_ring *ring;
};

int vd_backend_get(struct vd_backend *backend, int fd);
void vd_backend_put(struct vd_backend *backend);

int vd_backend_send(struct vd_backend *backend, struct iov_iter *frame);

unsigned int vd_backend_xdp_headroom(const struct vd_backend *backend);
int vd_backend_send_xdp(struct vd_backend *backend, struct xdp_buff *xdp,
			unsigned int nr);

unsigned int vd_backend_consume(struct vd_backend *backend, void **pkts,
				unsigned int max);
void vd_backend_unconsume(struct vd_backend *backend, void **pkts,
			  unsigned int nr);
size_t vd_backend_pkt_len(void *pkt);
void vd_backend_pkt_free(void *pkt);

size_t vd_backend_peek_len(struct vd_backend *backend);
int vd_backend_recv(struct vd_backend *backend, void *pkt,
		    struct iov_iter *to, size_t len);
void vd_backend_discard(struct vd_backend *backend, void *pkt);

#endif
