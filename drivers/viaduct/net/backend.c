// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all backends have in common: finding one behind a descriptor, and
 * sending and receiving one packet through the socket's own calls.
 *
 * The socket is inside a file, and the file is what is referenced: closing
 * the client's descriptor, even deleting the interface, leaves the socket
 * valid until vd_backend_put(). The calls of the socket are made directly:
 * a tap's socket is not one that security modules know.
 */
#include <linux/err.h>
#include <linux/file.h>

#include "net/backend.h"
#include "net/backend_kinds.h"

/**
 * vd_backend_get() - find the socket behind a descriptor
 * @backend: empty; filled in on success
 * @fd: descriptor of a tun or tap (/dev/net/tun), a macvtap or ipvtap, or an
 *	AF_PACKET socket of type SOCK_RAW
 *
 * Context: process context.
 * Return: 0; -ENOTSOCK for anything else, a closed descriptor included
 * (VHOST_NET_SET_BACKEND).
 */
int vd_backend_get(struct vd_backend *backend, int fd)
{
	backend->file = fget(fd);
	if (!backend->file)
		return -ENOTSOCK;
	if (!vd_backend_packet_find(backend) || !vd_backend_tap_find(backend))
		return 0;
	vd_backend_put(backend);
	return -ENOTSOCK;
}

/**
 * vd_backend_put() - drop a backend
 * @backend: a backend that nobody uses any more, or an empty one
 *
 * May destroy a tap whose descriptors are all closed.
 * Context: process context, without locks that a network device may need.
 */
void vd_backend_put(struct vd_backend *backend)
{
	if (backend->file)
		fput(backend->file);
	memset(backend, 0, sizeof(*backend));
}

/**
 * vd_backend_send() - send one frame
 * @backend: the backend
 * @frame: the frame, with the virtio-net header that the socket expects
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: what the socket's sendmsg returns.
 */
int vd_backend_send(struct vd_backend *backend, struct iov_iter *frame)
{
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT,
	};

	msg.msg_iter = *frame;
	return backend->sock->ops->sendmsg(backend->sock, &msg,
					   iov_iter_count(frame));
}

/**
 * vd_backend_recv() - receive one packet
 * @backend: the backend
 * @pkt: the packet that vd_backend_consume() brought, which is used up
 *	 whatever happens; NULL for AF_PACKET
 * @to: where header and frame go
 * @len: their expected length
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: 0, -EMSGSIZE when the packet had another length, or what the
 * socket's recvmsg returns; in the end the packet is gone.
 */
int vd_backend_recv(struct vd_backend *backend, void *pkt,
		    struct iov_iter *to, size_t len)
{
	struct msghdr msg = {
		.msg_control = pkt,
		.msg_flags = MSG_DONTWAIT,
	};
	int ret;

	msg.msg_iter = *to;
	ret = backend->sock->ops->recvmsg(backend->sock, &msg, len,
					  MSG_DONTWAIT | MSG_TRUNC);
	if (ret < 0)
		return ret;
	return ret == len ? 0 : -EMSGSIZE;
}

/**
 * vd_backend_discard() - throw the next packet away
 * @backend: the backend
 * @pkt: the packet that vd_backend_consume() brought, or NULL for the one at
 *	 the head of an AF_PACKET socket's queue
 *
 * Context: process context.
 */
void vd_backend_discard(struct vd_backend *backend, void *pkt)
{
	struct iov_iter iter;
	struct kvec kvec;
	char byte;

	if (pkt) {
		vd_backend_pkt_free(pkt);
		return;
	}
	kvec.iov_base = &byte;
	kvec.iov_len = sizeof(byte);
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, sizeof(byte));
	vd_backend_recv(backend, NULL, &iter, sizeof(byte));
}
