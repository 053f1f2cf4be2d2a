// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: tunnel [-d DEVICE] TUN listen|connect PATH
 *
 * IP packets between two hosts' tuns through a stream, as in a VPN in user space:
 * with segmentation offload up to 64 KiB at once, and checksums left to the far
 * side. Here the stream is a Unix socket, without encryption. Build:
 * cc tunnel.c $(pkg-config --cflags --libs viaduct)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <viaduct/port.h>

#define BURST	64

/* In front of each packet; both sides have the same byte order. */
struct head {
	uint32_t len;
	struct viaduct_hdr hdr;
};

static struct viaduct_port *port;
static int stream;

/* A packet of which a part has arrived. */
static struct head in_head;
static size_t in_len;
static struct viaduct_pkt in;

static void die(const char *what, int err)
{
	fprintf(stderr, "tunnel: %s: %s\n", what, strerror(err));
	exit(1);
}

static void must(const char *what, int ret)
{
	if (ret < 0 && ret != -EINTR)
		die(what, -ret);
}

static int from_peer(void);

/* Write all. The peer may be writing too, and must not wait for this side. */
static void write_all(struct iovec *iov, int nr)
{
	while (nr) {
		ssize_t n = writev(stream, iov, nr);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { stream, POLLIN | POLLOUT, 0 };

			if (!from_peer())
				poll(&p, 1, -1);
			continue;
		}
		if (n < 0)
			die("peer", errno);
		for (; nr && (size_t)n >= iov->iov_len; nr--, iov++)
			n -= iov->iov_len;
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
}

/* Packets of the host to the peer, straight from the port's buffers. */
static int from_tun(void)
{
	struct viaduct_pkt pkt[BURST];
	struct iovec iov[2 * BURST];
	struct head head[BURST];
	int nr = viaduct_port_receive(port, 0, pkt, BURST);

	must("receive", nr);
	for (int i = 0; i < nr; i++) {
		head[i] = (struct head){ pkt[i].len, pkt[i].hdr };
		iov[2 * i] = (struct iovec){ &head[i], sizeof(head[i]) };
		iov[2 * i + 1] = (struct iovec){ pkt[i].data, pkt[i].len };
	}
	write_all(iov, 2 * nr);
	viaduct_port_free(port, 0, pkt, nr);
	return nr;
}

/* Reads up to @len bytes behind @at; false if no more are there now. */
static bool read_part(void *to, size_t at, size_t len)
{
	ssize_t n = read(stream, (char *)to + at, len - at);

	if (!n)
		exit(0);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("peer", errno);
	in_len += n > 0 ? n : 0;
	return n > 0;
}

/* A packet of the peer, read into a buffer of the port; false if none is whole. */
static bool read_packet(void)
{
	while (in_len < sizeof(in_head))
		if (!read_part(&in_head, in_len, sizeof(in_head)))
			return false;
	if (!in.data && !viaduct_port_alloc(port, 0, &in, 1))
		return false;
	if (in_head.len > in.room || in_head.len < 20)
		die("peer", EPROTO);
	while (in_len < sizeof(in_head) + in_head.len)
		if (!read_part(in.data, in_len - sizeof(in_head), in_head.len))
			return false;
	in.len = in_head.len;
	in.hdr = in_head.hdr;
	in_len = 0;
	return true;
}

static int from_peer(void)
{
	struct viaduct_pkt pkt[BURST];
	int nr = 0, sent = 0, ret;

	while (nr < BURST && read_packet()) {
		pkt[nr++] = in;
		in.data = NULL;
	}
	while (sent < nr) {
		ret = viaduct_port_send(port, 0, pkt + sent, nr - sent);
		must("send", ret);
		sent += ret > 0 ? ret : 0;
		if (!ret)
			must("wait", viaduct_port_wait(port, 0, VIADUCT_PORT_SEND, -1));
	}
	return nr;
}

static int connect_peer(const char *how, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer = fd;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (!strcmp(how, "listen")) {
		unlink(path);
		if (bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 1))
			die(path, errno);
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		close(fd);
	} else if (connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		die(path, errno);
	}
	if (peer < 0 || fcntl(peer, F_SETFL, O_NONBLOCK))
		die(path, errno);
	return peer;
}

int main(int argc, char **argv)
{
	struct viaduct_port_opts opts = {
		.size = sizeof(opts), .flags = VIADUCT_PORT_TUN,
		.offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
	};

	if (argc == 6 && !strcmp(argv[1], "-d")) {
		opts.device = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc != 4) {
		fprintf(stderr, "usage: tunnel [-d DEVICE] TUN listen|connect PATH\n");
		return 2;
	}
	opts.name = argv[1];
	stream = connect_peer(argv[2], argv[3]);
	port = viaduct_port_open(&opts);
	if (!port)
		return 1;
	for (;;) {
		struct pollfd p[2] = { { viaduct_port_fd(port), POLLIN, 0 },
				       { stream, POLLIN, 0 } };
		int ret;

		if (from_tun() + from_peer())
			continue;
		ret = viaduct_port_arm(port, 0, VIADUCT_PORT_RECEIVE);
		must(viaduct_port_name(port), ret);
		if (!ret)
			poll(p, 2, -1);
	}
}
