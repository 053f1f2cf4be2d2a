// SPDX-License-Identifier: GPL-2.0-only
/* Operations on the IOTLB: messages. I/O addresses are guest addresses. */
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "kinds.h"

#define PAGE		4096ULL
#define NR_PAGES	((FZ_REGION_0 + FZ_REGION_1) / PAGE)
/* VHOST_IOTLB_MSG and VHOST_IOTLB_MSG_V2, and one that does not exist. */
#define TYPE_OLD	1
#define TYPE_NEW	2
#define TYPE_ODD	3

static void send(int fd, unsigned int type, const struct vhost_iotlb_msg *body)
{
	struct vhost_msg_v2 m = { .type = type, .iotlb = *body };

	if (write(fd, &m, sizeof(m)) < 0)
		return;
}

FZ_OP(msg)
{
	static const unsigned int types[] = { TYPE_NEW, TYPE_OLD, TYPE_ODD };
	uint64_t gpa = arg[2] * PAGE;
	struct vhost_iotlb_msg body = {
		.type = arg[1] & 0xff,
		.iova = gpa,
		.size = arg[3] * PAGE,
		.perm = arg[4],
		.uaddr = arg[5] == FZ_ADDR_USER && arg[2] < NR_PAGES ?
			 fz_view(vm, gpa) : 0,
	};

	if (arg[5] == FZ_ADDR_KERNEL)
		body.uaddr = 0xffff800000000000ULL;
	if (arg[5] == FZ_ADDR_WRAP)
		body.iova = UINT64_MAX - PAGE + 1;
	send(fz_dev(vm, arg[0]), types[(arg[1] >> 8) % 3], &body);
}

/* Reads misses and answers each by pages that hold the address. */
FZ_OP(answer)
{
	uint64_t nr = arg[1] < 200 ? arg[1] : 200;
	struct pollfd p = { .fd = fz_dev(vm, arg[0]), .events = POLLIN };
	struct vhost_msg_v2 m;

	while (nr-- && poll(&p, 1, 2) > 0 && p.revents & POLLIN) {
		uint64_t gpa;

		if (read(p.fd, &m, sizeof(m)) != sizeof(m))
			return;
		gpa = m.iotlb.iova & ~(PAGE - 1);
		if (gpa >= NR_PAGES * PAGE)
			continue;
		send(p.fd, TYPE_NEW, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE,
			.iova = gpa,
			.size = (arg[2] ? arg[2] : 1) * PAGE,
			.uaddr = fz_view(vm, gpa),
			.perm = arg[3],
		});
	}
}

/* With a third argument it waits for a miss. */
FZ_OP(read)
{
	char buf[128];
	int fd = fz_dev(vm, arg[0]);
	int flags = fcntl(fd, F_GETFL);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (!arg[2])
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	poll(&p, 1, 0);
	if (read(fd, arg[1] == 4096 ? (void *)fz_view(vm, FZ_BUFS_AT) : buf,
		 arg[1] < sizeof(buf) ? arg[1] : sizeof(buf)) < 0)
		memset(buf, 0, sizeof(buf));
	fcntl(fd, F_SETFL, flags);
}

/* A message of any length, or from memory that is perhaps not there. */
FZ_OP(write)
{
	struct vhost_msg_v2 m[2] = { { .type = TYPE_NEW } };
	const void *from = m;

	m[0].iotlb.type = VHOST_IOTLB_UPDATE;
	m[0].iotlb.size = PAGE;
	m[0].iotlb.perm = VHOST_ACCESS_RW;
	m[0].iotlb.uaddr = fz_view(vm, 0);
	if (arg[2] == FZ_AT_NULL)
		from = NULL;
	else if (arg[2] == FZ_AT_GUEST)
		from = (void *)fz_view(vm, FZ_BUFS_AT);
	if (write(fz_dev(vm, arg[0]), from, arg[1] < sizeof(m) ? arg[1] : sizeof(m)) < 0)
		return;
}

/* Mappings of a page each, where no guest has memory. */
FZ_OP(fill)
{
	uint64_t nr = arg[1] < 4096 ? arg[1] : 4096;

	while (nr--)
		send(fz_dev(vm, arg[0]), TYPE_NEW, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE,
			.iova = (1ULL << 40) + nr * PAGE,
			.size = PAGE,
			.uaddr = fz_view(vm, 0),
			.perm = VHOST_ACCESS_RO,
		});
}
