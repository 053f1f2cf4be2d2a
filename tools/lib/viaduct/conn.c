// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on a connection.
 *
 * A message is received piece by piece, without waiting: a front end that sends
 * half of one blocks nothing. No more is read than the message has, so that
 * descriptors belong to it. A reply that does not fit into the socket ends the
 * connection, because the front end is not reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session.h"

/* Keep the descriptors of a control message; false if there are too many. */
static bool vd_conn_take_fds(struct vd_msg *msg, struct cmsghdr *c)
{
	unsigned int i, nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = true;
	int fd;

	for (i = 0; i < nr; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (msg->nr_fds < VD_PROTO_MAX_FDS) {
			msg->fd[msg->nr_fds++] = fd;
		} else {
			close(fd);
			fits = false;
		}
	}
	return fits;
}

/* Receive up to @len bytes; as recv(), or -1 with errno 0 after vd_dev_fail(). */
static ssize_t vd_conn_recv(struct viaduct_dev *dev, void *to, size_t len)
{
	char control[CMSG_SPACE(VD_PROTO_MAX_FDS * sizeof(int))];
	struct iovec iov = { .iov_base = to, .iov_len = len };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	bool fits = true;
	ssize_t got;

	got = recvmsg(dev->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return got;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			fits &= vd_conn_take_fds(&dev->msg, c);
	if (fits && !(m.msg_flags & MSG_CTRUNC))
		return got;
	vd_dev_fail(dev, "too many descriptors in a message");
	errno = 0;
	return -1;
}

static int vd_conn_check_hdr(struct viaduct_dev *dev)
{
	const struct vd_proto_hdr *h = &dev->msg.hdr;

	if ((h->flags & VD_PROTO_VERSION_MASK) != VD_PROTO_VERSION)
		return vd_dev_fail(dev, "message of protocol version %u",
				   h->flags & VD_PROTO_VERSION_MASK);
	if (h->flags & VD_PROTO_REPLY)
		return vd_dev_fail(dev, "reply to no request");
	if (h->size > sizeof(dev->msg.payload))
		return vd_dev_fail(dev, "message %u of %u bytes", h->request,
				   h->size);
	return 0;
}

/* Send the message as the reply. */
static int vd_conn_reply(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct iovec iov[] = {
		{ &msg->hdr, sizeof(msg->hdr) },
		{ &msg->payload, msg->hdr.size },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t len = sizeof(msg->hdr) + msg->hdr.size;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr c;
	} control = {};

	if (msg->reply_fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.c.cmsg_level = SOL_SOCKET;
		control.c.cmsg_type = SCM_RIGHTS;
		control.c.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.c), &msg->reply_fd, sizeof(int));
	}
	msg->hdr.flags = VD_PROTO_VERSION | VD_PROTO_REPLY;
	if (sendmsg(dev->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return 0;
	return vd_dev_fail(dev, "reply to message %u was not taken",
			   msg->hdr.request);
}

/* Process a complete message, and free its descriptors. */
static void vd_conn_process(struct viaduct_dev *dev)
{
	struct vd_msg *msg = &dev->msg;
	bool need_ack = msg->hdr.flags & VD_PROTO_NEED_REPLY &&
			vd_dev_has_proto(dev, VD_PROTO_F_REPLY_ACK);
	bool has_reply;
	unsigned int i;
	int ret;

	msg->reply_fd = -1;
	ret = vd_request(dev, msg);
	has_reply = ret > 0;
	/* Without a reply of its own, the result is the reply. */
	if (need_ack && !has_reply) {
		msg->payload.value = ret < 0;
		msg->hdr.size = sizeof(msg->payload.value);
		has_reply = true;
	}
	if (has_reply)
		vd_conn_reply(dev, msg);
	if (msg->reply_fd >= 0)
		close(msg->reply_fd);
	for (i = 0; i < msg->nr_fds; i++)
		if (msg->fd[i] >= 0)
			close(msg->fd[i]);
	msg->nr_fds = 0;
	msg->have = 0;
}

/* The connection of a device is readable, or has ended. */
void vd_conn_ready(struct vd_event *event, u32 events)
{
	struct viaduct_dev *dev = container_of(event, struct viaduct_dev, event);
	struct vd_msg *msg = &dev->msg;
	const size_t head = sizeof(msg->hdr);
	ssize_t got;

	(void)events;
	if (msg->have < head)
		got = vd_conn_recv(dev, (u8 *)&msg->hdr + msg->have,
				   head - msg->have);
	else
		got = vd_conn_recv(dev, (u8 *)&msg->payload + msg->have - head,
				   head + msg->hdr.size - msg->have);
	if (got < 0) {
		if (errno && errno != EAGAIN && errno != EINTR)
			vd_dev_fail(dev, "connection failed: %s",
				    strerror(errno));
		return;
	}
	if (!got) {
		vd_dev_fail(dev, msg->have ? "front end left within a message" :
					     "front end has left");
		return;
	}
	msg->have += got;
	if (msg->have < head || (msg->have == head && vd_conn_check_hdr(dev)))
		return;
	if (msg->have == head + msg->hdr.size)
		vd_conn_process(dev);
}

/**
 * vd_msg_take_fd() - take the descriptor of a message
 * @msg: the message, of one descriptor at most
 *
 * It is made non-blocking: a front end must not stop this process by a
 * descriptor that is full.
 *
 * Return: the descriptor, or -1 if there is none.
 */
int vd_msg_take_fd(struct vd_msg *msg)
{
	int fd, flags;

	if (!msg->nr_fds)
		return -1;
	fd = msg->fd[0];
	msg->fd[0] = -1;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return fd;
}
