// SPDX-License-Identifier: GPL-2.0-only
/*
 * The messages by which a device controls its session of libviaduct.
 *
 * They are those of vhost-user, on a socket within this process: control and
 * packets meet in the library alone, by its public interface, and each request
 * passes the checks that it has for front ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "front.h"

#define VDC_PROTO	(1ULL << VD_PROTO_F_REPLY_ACK |		\
			 1ULL << VD_PROTO_F_RESET_DEVICE |	\
			 1ULL << VD_PROTO_F_CONFIGURE_MEM_SLOTS)

static int vdc_front_send(struct vdc_front *f, struct vd_proto_hdr *hdr,
			  const void *payload, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov[] = {
		{ hdr, sizeof(*hdr) },
		{ (void *)payload, hdr->size },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *c;

	hdr->flags |= VD_PROTO_VERSION;
	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(f->sock, &m, MSG_NOSIGNAL) ==
	       (ssize_t)(sizeof(*hdr) + hdr->size) ? 0 : -EIO;
}

/* Receive @len bytes. A pump that waits elsewhere is interrupted. */
static int vdc_front_recv(struct vdc_front *f, void *to, size_t len)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };
	unsigned int i = 0;

	while (len && i < VDC_STEPS) {
		ssize_t got;

		if (poll(&p, 1, VDC_STEP_MS) < 1) {
			pthread_kill(f->pump, VDC_SIGNAL);
			i++;
			continue;
		}
		got = recv(f->sock, to, len, MSG_DONTWAIT);
		if (got <= 0)
			return -EIO;
		to = (u8 *)to + got;
		len -= got;
	}
	return len ? -EIO : 0;
}

static int vdc_front_reply(struct vdc_front *f, enum vd_request request,
			   void *payload, size_t size)
{
	struct vd_proto_hdr hdr;
	int err = vdc_front_recv(f, &hdr, sizeof(hdr));

	if (!err && (hdr.request != request || hdr.size != size))
		err = -EIO;
	return err ?: vdc_front_recv(f, payload, size);
}

/**
 * vdc_front_set() - send a request, and wait until it has been processed
 * @f: the front end
 * @request: the request, without a reply of its own
 * @payload: its payload
 * @size: bytes of it
 * @fd: a descriptor to send, which stays open; or -1
 *
 * Return: 0; -EIO if the library has ended the connection.
 */
int vdc_front_set(struct vdc_front *f, enum vd_request request,
		  const void *payload, size_t size, int fd)
{
	struct vd_proto_hdr hdr = {
		.request = request,
		.flags = VD_PROTO_NEED_REPLY,
		.size = size,
	};
	int err = vdc_front_send(f, &hdr, payload, fd);
	u64 result;

	if (!err)
		err = vdc_front_reply(f, request, &result, sizeof(result));
	return err ?: result ? -EIO : 0;
}

/**
 * vdc_front_get() - send a request, and wait for its reply
 * @f: the front end
 * @request: the request
 * @payload: its payload; receives that of the reply
 * @send: bytes of the request's
 * @size: bytes of the reply's
 *
 * Return: 0; -EIO if the library has ended the connection.
 */
int vdc_front_get(struct vdc_front *f, enum vd_request request, void *payload,
		  size_t send, size_t size)
{
	struct vd_proto_hdr hdr = { .request = request, .size = send };
	int err = vdc_front_send(f, &hdr, payload, -1);

	return err ?: vdc_front_reply(f, request, payload, size);
}

/**
 * vdc_front_start() - negotiate
 * @f: the front end, connected
 * @features: the features that the library offers
 *
 * Return: 0 or -EIO.
 */
int vdc_front_start(struct vdc_front *f, u64 *features)
{
	struct vd_proto_hdr hdr = {
		.request = VD_SET_PROTOCOL_FEATURES,
		.size = sizeof(u64),
	};
	u64 proto = 0;
	int err;

	err = vdc_front_get(f, VD_GET_PROTOCOL_FEATURES, &proto, 0,
			    sizeof(proto));
	if (err || (VDC_PROTO & ~proto))
		return -EIO;
	proto = VDC_PROTO;
	/* Requests are acknowledged only after this one. */
	err = vdc_front_send(f, &hdr, &proto, -1);
	return err ?: vdc_front_get(f, VD_GET_FEATURES, features, 0,
				    sizeof(*features));
}
