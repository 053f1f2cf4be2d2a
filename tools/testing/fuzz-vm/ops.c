// SPDX-License-Identifier: GPL-2.0-only
/* The operations of a program. */
#include <string.h>

#include "exec.h"

#define OP(name, weight, ...) { #name, weight, fz_op_##name, { __VA_ARGS__ } }
/* In exec.c: how the operations after it are run. */
#define CONTROL(name, weight, ...) { #name, weight, NULL, { __VA_ARGS__ } }

const struct fz_op_spec fz_ops[] = {
	/* The device and its settings. */
	OP(open, 1, FZ_DEV),
	OP(close, 2, FZ_DEV),
	OP(owner, 1, FZ_DEV),
	OP(reset, 1, FZ_DEV),
	OP(features, 3, FZ_DEV, FZ_FEATURES, FZ_HIGH),
	OP(mem, 4, FZ_DEV, FZ_TABLE),
	OP(num, 2, FZ_DEV, FZ_RING, FZ_SIZE),
	OP(base, 3, FZ_DEV, FZ_RING, FZ_BASE),
	OP(addr, 4, FZ_DEV, FZ_RING, FZ_ADDR, FZ_BOOL),
	OP(kick_fd, 3, FZ_DEV, FZ_RING, FZ_EVENT),
	OP(call_fd, 2, FZ_DEV, FZ_RING, FZ_EVENT),
	OP(err_fd, 1, FZ_DEV, FZ_RING, FZ_EVENT),
	OP(log_fd, 1, FZ_DEV, FZ_EVENT),
	OP(log_base, 2, FZ_DEV, FZ_ADDR),
	OP(backend, 6, FZ_DEV, FZ_RING, FZ_NET),
	OP(ioctl, 10, FZ_DEV, FZ_IOCTL, FZ_PLACE, FZ_WORD, FZ_WORD, FZ_WORD),
	/* All of it at once: features, ring size, base, interface. */
	OP(rig, 4, FZ_DEV, FZ_FEATURES, FZ_HIGH, FZ_SIZE, FZ_BASE, FZ_NET),
	/* Rings. */
	OP(ring, 2, FZ_DEV, FZ_RING, FZ_SIZE),
	OP(post, 16, FZ_DEV, FZ_RING, FZ_COUNT, FZ_LEN, FZ_SHAPE, FZ_FRAME),
	OP(kick, 8, FZ_DEV, FZ_RING),
	OP(reap, 8, FZ_DEV, FZ_RING),
	OP(event, 1, FZ_EVENT, FZ_WORD),
	OP(arm, 2, FZ_DEV, FZ_RING, FZ_BOOL),
	OP(poke, 8, FZ_DEV, FZ_RING, FZ_AREA, FZ_INDEX, FZ_WORD),
	/* The device's mapping of guest memory. */
	OP(unmap, 3, FZ_PAGE, FZ_PAGES),
	OP(map, 3, FZ_PAGE, FZ_PAGES),
	OP(protect, 3, FZ_PAGE, FZ_PAGES, FZ_PROT),
	OP(punch, 1, FZ_PAGE, FZ_PAGES),
	OP(truncate, 2, FZ_BOOL, FZ_PAGES),
	OP(private, 1, FZ_PAGE, FZ_PAGES),
	OP(uffd, 3, FZ_PAGE, FZ_PAGES),
	OP(resolve, 4, FZ_FEW, FZ_MS),
	/* The IOTLB. */
	OP(msg, 6, FZ_DEV, FZ_MSG, FZ_PAGE, FZ_PAGES, FZ_PERM, FZ_ADDR),
	OP(answer, 8, FZ_DEV, FZ_FEW, FZ_PAGES, FZ_PERM),
	OP(read, 2, FZ_DEV, FZ_LEN, FZ_BOOL),
	OP(write, 1, FZ_DEV, FZ_LEN, FZ_PLACE),
	OP(fill, 0, FZ_DEV, FZ_LEN),
	/* Interfaces and their traffic. */
	OP(net, 3, FZ_NET, FZ_NET_KIND),
	OP(drop, 2, FZ_NET),
	OP(sndbuf, 2, FZ_NET, FZ_LEN),
	OP(hdr_len, 1, FZ_NET, FZ_LEN),
	OP(link, 2, FZ_NET, FZ_BOOL),
	OP(unlink, 1, FZ_NET),
	OP(inject, 14, FZ_NET, FZ_COUNT, FZ_LEN, FZ_FRAME),
	OP(feed, 2, FZ_NET, FZ_COUNT, FZ_LEN, FZ_FRAME),
	OP(drain, 2, FZ_NET),
	OP(xdp, 3, FZ_NET, FZ_XDP),
	OP(redirect, 2, FZ_NET, FZ_NET),
	OP(queues, 1, FZ_NET, FZ_BOOL),
	OP(bridge, 1, FZ_NET, FZ_BOOL),
	OP(vlan, 1, FZ_NET),
	/* Processes. */
	OP(wait, 8, FZ_MS),
	/* Too slow for random programs. */
	OP(sleep, 0, FZ_SECONDS),
	OP(fail, 6, FZ_FEW),
	OP(fail_worker, 3, FZ_FEW),
	OP(uid, 1, FZ_WORD),
	OP(limit, 1, FZ_WORD),
	OP(show, 2, FZ_DEV),
	OP(param, 1, FZ_PARAM, FZ_BOOL),
	OP(stop, 1, FZ_BOOL),
	OP(signals, 1, FZ_BOOL),
	OP(cgroup, 1, FZ_BOOL),
	OP(shrink, 1, FZ_END),
	OP(die, 1, FZ_END),
	OP(exec, 1, FZ_END),
	CONTROL(thread, 3, FZ_OPS),
	CONTROL(fork, 3, FZ_OPS),
	CONTROL(join, 2, FZ_END),
};

const unsigned int fz_nr_ops = sizeof(fz_ops) / sizeof(struct fz_op_spec);

int fz_op_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < fz_nr_ops; i++)
		if (!strcmp(fz_ops[i].name, name))
			return i;
	return -1;
}

unsigned int fz_op_nr_args(unsigned int code)
{
	unsigned int nr = 0;

	while (fz_ops[code].kind[nr] != FZ_END)
		nr++;
	return nr;
}
