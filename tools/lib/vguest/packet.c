// SPDX-License-Identifier: GPL-2.0-only
/* AF_PACKET raw sockets. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "packet.h"

#define PACKET_RCVBUF	(64 << 20)	/* large enough not to lose frames */

static int packet_options(int fd, bool vnet_hdr)
{
	int one = 1, room = PACKET_RCVBUF;

	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -errno;
	/* Straight to the device: a queueing discipline may drop. */
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		return -errno;
	if (vnet_hdr && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				   sizeof(one)))
		return -errno;
	return 0;
}

int vg_packet_open(unsigned int ifindex, bool vnet_hdr)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = ifindex };
	/* Protocol 0 until it is bound: no frame of another interface. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = packet_options(fd, vnet_hdr);
	if (!ret && bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

ssize_t vg_packet_recv(int fd, struct virtio_net_hdr *hdr, void *frame,
		       size_t room)
{
	struct iovec iov[2] = { { hdr, hdr ? sizeof(*hdr) : 0 },
				{ frame, room } };
	ssize_t n = readv(fd, iov, 2);

	if (n < 0)
		return -errno;
	return n - (ssize_t)iov[0].iov_len;
}

ssize_t vg_packet_send(int fd, const struct virtio_net_hdr *hdr,
		       const void *frame, size_t len)
{
	struct iovec iov[2] = { { (void *)hdr, hdr ? sizeof(*hdr) : 0 },
				{ (void *)frame, len } };
	ssize_t n = writev(fd, iov, 2);

	if (n < 0)
		return errno == ENOBUFS ? -EAGAIN : -errno;
	return n - (ssize_t)iov[0].iov_len;
}

unsigned int vg_packet_drops(int fd)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		return 0;
	return st.tp_drops;
}
