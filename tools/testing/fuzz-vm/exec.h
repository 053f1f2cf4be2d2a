/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_EXEC_H
#define FZ_EXEC_H

#include <pthread.h>
#include <sys/types.h>

#include "../../lib/vguest/mem.h"
#include "../../lib/vguest/vring.h"
#include "prog.h"

/*
 * What a running program has. Guest memory is mapped twice: the program writes rings
 * and frames through one mapping, and the device is given the other one, which
 * operations take away without an effect on the program.
 */
#define FZ_NR_DEVS	2
#define FZ_NR_RINGS	2
#define FZ_NR_EVENTS	8
#define FZ_NR_NETS	4

/* Guest addresses: rings and the dirty bitmap in region 0, frames in region 1. */
#define FZ_NR_REGIONS	2
#define FZ_REGION_0	0x400000ULL
#define FZ_REGION_1	0x200000ULL
#define FZ_LOG_AT	0x3f0000ULL
#define FZ_BUFS_AT	(FZ_REGION_0 + 0x100000)
#define FZ_BUFS_END	(FZ_REGION_0 + FZ_REGION_1)

/* What in-vm makes for all programs: a pair of interfaces, a macvtap on it, a bridge. */
#define FZ_VETH_NEAR	"fza"
#define FZ_VETH_FAR	"fzb"
#define FZ_MACVTAP	"fzm"
#define FZ_BRIDGE	"fzr"

/* An interface, or another file that programs try as backend. */
struct fz_net {
	int fd;			/* for VHOST_NET_SET_BACKEND */
	int far;		/* packet socket at the other side */
	int link;		/* an XDP program's */
	unsigned int hdr_len;
	char name[16];		/* interface that XDP programs go to, or "" */
};

struct fz_vm {
	const struct fz_prog *prog;
	int dev[FZ_NR_DEVS];
	uint64_t features[FZ_NR_DEVS];
	struct vg_ring ring[FZ_NR_DEVS][FZ_NR_RINGS];
	int event[FZ_NR_EVENTS];
	struct fz_net net[FZ_NR_NETS];
	struct vg_mem mem;
	uint8_t *view[FZ_NR_REGIONS];	/* the device's mapping */
	uint64_t buf_at;		/* next guest address for a frame */
	int uffd;
	bool uffd_is_minor;		/* or it provides copies of pages */
	pthread_mutex_t lock;		/* for the rings */
	pthread_t thread[8];
	unsigned int nr_threads;
	pid_t child[8];
	unsigned int nr_children;
};

/* exec.c: in the process that calls it, which it ends. */
void fz_exec(const struct fz_prog *p);

/* Milliseconds until a program ends, its processes do, and nothing is left of it. */
struct fz_time {
	unsigned int run, end, rest;
};

/* Milliseconds that a program may take beside its own sleeps. */
extern unsigned int fz_run_limit;

/* run.c: in a process of its own. NULL, or what is left of it although it was killed. */
const char *fz_run(const struct fz_prog *p, struct fz_time *time);

/* The file of an argument of kind FZ_DEV, FZ_EVENT, FZ_NET, perhaps a bad one. */
int fz_dev(const struct fz_vm *vm, uint64_t arg);
int fz_event(const struct fz_vm *vm, uint64_t arg);
int fz_net(const struct fz_vm *vm, uint64_t arg);
/* Where the device sees a guest address. */
uint64_t fz_view(const struct fz_vm *vm, uint64_t gpa);
bool fz_is_iommu(const struct fz_vm *vm, uint64_t dev);

/* A frame of @kind, and its header: op_frame.c. */
void fz_frame(uint8_t *frame, size_t len, uint64_t kind, uint8_t hdr[24]);

/* The operations. */
#define FZ_OP(name) void fz_op_##name(struct fz_vm *vm, const uint64_t *arg)
FZ_OP(open);
FZ_OP(close);
FZ_OP(owner);
FZ_OP(reset);
FZ_OP(features);
FZ_OP(mem);
FZ_OP(num);
FZ_OP(base);
FZ_OP(addr);
FZ_OP(kick_fd);
FZ_OP(call_fd);
FZ_OP(err_fd);
FZ_OP(log_fd);
FZ_OP(log_base);
FZ_OP(backend);
FZ_OP(ioctl);
FZ_OP(rig);
FZ_OP(ring);
FZ_OP(post);
FZ_OP(kick);
FZ_OP(reap);
FZ_OP(event);
FZ_OP(arm);
FZ_OP(poke);
FZ_OP(unmap);
FZ_OP(map);
FZ_OP(protect);
FZ_OP(punch);
FZ_OP(truncate);
FZ_OP(private);
FZ_OP(uffd);
FZ_OP(resolve);
FZ_OP(msg);
FZ_OP(answer);
FZ_OP(read);
FZ_OP(write);
FZ_OP(fill);
FZ_OP(net);
FZ_OP(drop);
FZ_OP(sndbuf);
FZ_OP(hdr_len);
FZ_OP(link);
FZ_OP(unlink);
FZ_OP(inject);
FZ_OP(feed);
FZ_OP(drain);
FZ_OP(xdp);
FZ_OP(redirect);
FZ_OP(queues);
FZ_OP(bridge);
FZ_OP(vlan);
FZ_OP(wait);
FZ_OP(sleep);
FZ_OP(fail);
FZ_OP(fail_worker);
FZ_OP(uid);
FZ_OP(limit);
FZ_OP(show);
FZ_OP(param);
FZ_OP(stop);
FZ_OP(signals);
FZ_OP(cgroup);
FZ_OP(shrink);
FZ_OP(die);
FZ_OP(exec);

#endif
