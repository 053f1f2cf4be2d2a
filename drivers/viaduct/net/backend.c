// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code common to all backends: look up the socket of a descriptor, and send
 * and receive one packet through the socket's sendmsg() and recvmsg().
 *
 * A backend references the socket's file: the socket stays valid until
 * vd_backend_put(), even if the client's descriptor is closed or the interface
 * deleted. sock->ops must be called directly: a tap's socket is not registered
 * with security modules.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kernel.h>

#include "net/backend.h"

static const struct vd_backend_ops *const vd_backend_kinds[] = {
	&vd_backend_packet_ops,
	&vd_backend_tap_ops,
};

/**
 * vd_backend_get() - look up the socket of a descriptor
 * @backend: empty; filled in on success
 * @fd: descriptor of a tun or tap (/dev/net/tun), a macvtap or ipvtap, or an
 *	AF_PACKET socket of type SOCK_RAW
 *
 * Return: 0; -ENOTSOCK for anything else, a closed descriptor included
 * (VHOST_NET_SET_BACKEND).
 */
int vd_backend_get(struct vd_backend *backend, int fd)
{
	int i;

	backend->file = fget(fd);
	if (!backend->file)
		return -ENOTSOCK;
	for (i = 0; i < ARRAY_SIZE(vd_backend_kinds); i++) {
		if (vd_backend_kinds[i]->find(backend))
			continue;
		backend->ops = vd_backend_kinds[i];
		return 0;
	}
	vd_backend_put(backend);
	return -ENOTSOCK;
}

/**
 * vd_backend_put() - drop a backend
 * @backend: a backend that is no longer in use, or an empty one
 *
 * May destroy a tap if all of its descriptors are closed.
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
 * Context: on the owner's mm, may fault.
 * Return: the result of the socket's sendmsg().
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
 * @pkt: a packet from the backend's ring, freed even on error; NULL if
 *	 it has none
 * @to: destination of header and frame
 * @len: expected length of header and frame
 *
 * Context: on the owner's mm, may fault.
 * Return: 0; -EMSGSIZE if the packet has another length; -EFAULT if a part of
 * it was not written; or the error of the socket's recvmsg(). The packet is
 * consumed unless the error was pending on a socket without a ring.
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
	if (ret != len)
		return -EMSGSIZE;
	/* A tap does not report that a copy of the frame has failed. */
	return msg_data_left(&msg) ? -EFAULT : 0;
}

/* Drop @pkt, or the next packet of a backend without a ring if it is NULL. */
void vd_backend_discard(struct vd_backend *backend, void *pkt)
{
	struct iov_iter iter;
	struct kvec kvec;
	char byte;

	if (pkt) {
		tun_ptr_free(pkt);
		return;
	}
	kvec.iov_base = &byte;
	kvec.iov_len = sizeof(byte);
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, sizeof(byte));
	vd_backend_recv(backend, NULL, &iter, sizeof(byte));
}
