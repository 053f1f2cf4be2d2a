/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

/* Common to the fuzz targets of vhost-user: input, and messages from it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct input {
	const uint8_t *at;
	size_t left;
};

struct message {
	uint32_t request, flags, size;
	uint8_t payload[320];
} __attribute__((packed));

static inline uint64_t input_take(struct input *in, size_t nr)
{
	uint64_t v = 0;

	if (nr > in->left)
		nr = in->left;
	memcpy(&v, in->at, nr);
	in->at += nr;
	in->left -= nr;
	return v;
}

/*
 * Sends @m with @nr descriptors, each chosen from @fd by two bits of @kinds. False
 * if the connection does not take it.
 */
static inline bool message_send(int sock, const struct message *m, size_t len,
				const int fd[4], unsigned int kinds,
				unsigned int nr)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = {};
	struct iovec iov = { (void *)m, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)control;
	unsigned int i;

	if (nr) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		for (i = 0; i < nr; i++, kinds >>= 2)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd[kinds & 3],
			       sizeof(int));
	}
	return sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* Reads what has been answered. */
static inline void message_drain(int sock)
{
	char answer[256];

	while (recv(sock, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
}

#endif
