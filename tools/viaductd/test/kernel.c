// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel.h"
#include "sys.h"

struct kernel kernel;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void kernel_reset(void)
{
	unsigned int i, q;

	memset(&kernel, 0, sizeof(kernel));
	kernel.features = 0xd3d008000ULL; /* this module's, and packed, in order */
	for (i = 0; i < KERNEL_PAIRS; i++) {
		kernel.pair[i].vhost = -1;
		kernel.pair[i].tap = -1;
		for (q = 0; q < 2; q++)
			kernel.pair[i].ring[q].backend = -1;
	}
}

static int complain(const char *what)
{
	if (!kernel.complaint[0])
		snprintf(kernel.complaint, sizeof(kernel.complaint), "%s", what);
	return -EINVAL;
}

/* Each open device is some descriptor, by which its state is found. */
int vdd_open(const char *path, int flags)
{
	int fd;

	if (strcmp(path, "/dev/viaduct-net") && strcmp(path, "/dev/net/tun")) {
		fd = open(path, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	fd = memfd_create("device", MFD_CLOEXEC);
	if (strcmp(path, "/dev/net/tun")) {
		kernel.pair[kernel.nr_vhost++].vhost = fd;
	} else {
		kernel.pair[kernel.nr_tap].queue_on = true;
		kernel.pair[kernel.nr_tap++].tap = fd;
	}
	return fd;
}

static int ring_ioctl(struct kernel_pair *p, unsigned long request, void *arg)
{
	struct vhost_vring_state *state = arg;
	struct vhost_vring_file *file = arg;
	struct kernel_ring *r;

	if (state->index > 1)
		return -ENOBUFS;
	r = &p->ring[state->index];
	switch (request) {
	case VHOST_SET_VRING_NUM:
		r->num = state->num;
		return r->backend >= 0 ? complain("size of an attached ring") : 0;
	case VHOST_SET_VRING_BASE:
		r->base = state->num;
		return r->backend >= 0 ? complain("base of an attached ring") : 0;
	case VHOST_GET_VRING_BASE:
		state->num = r->base;
		return r->backend >= 0 ? complain("the base of an attached ring moves") : 0;
	case VHOST_SET_VRING_ADDR:
		r->addr = *(struct vhost_vring_addr *)arg;
		return 0;
	case VHOST_SET_VRING_KICK:
		r->kick = file->fd;
		return 0;
	case VHOST_SET_VRING_CALL:
		r->call = file->fd;
		return 0;
	case VHOST_SET_VRING_ERR:
		r->err = file->fd;
		return 0;
	case VHOST_NET_SET_BACKEND:
		if (file->fd >= 0 && !p->nr_regions)
			return complain("a backend without memory");
		if (file->fd >= 0 && !r->num)
			return complain("a backend without a size");
		if (file->fd >= 0 && !p->queue_on)
			return complain("a backend that is detached from the tap");
		/* The ring moves while it is attached. */
		if (file->fd < 0 && r->backend >= 0)
			r->base += 5;
		if (file->fd >= 0)
			r->attached++;
		r->backend = file->fd;
		return 0;
	}
	return -ENOTTY;
}

/* While a ring runs, only F_LOG_ALL may change. */
static int set_features(struct kernel_pair *p, uint64_t features)
{
	const uint64_t changed = (features ^ p->features) & ~(1ULL << 26);

	if (features & ~kernel.features)
		return -EOPNOTSUPP;
	if (changed && (p->ring[0].backend >= 0 || p->ring[1].backend >= 0))
		return -EBUSY;
	p->features = features;
	return 0;
}

static int vhost_ioctl(struct kernel_pair *p, unsigned long request, void *arg)
{
	const struct vhost_memory *mem = arg;

	if (request == VHOST_GET_FEATURES) {
		*(uint64_t *)arg = kernel.features;
		return 0;
	}
	if (request == VHOST_SET_OWNER) {
		p->owned = true;
		return 0;
	}
	if (!p->owned)
		return -EPERM;
	switch (request) {
	case VHOST_SET_FEATURES:
		return set_features(p, *(const uint64_t *)arg);
	case VHOST_SET_MEM_TABLE:
		if (mem->nregions > KERNEL_REGIONS)
			return -E2BIG;
		p->nr_regions = mem->nregions;
		memcpy(p->region, mem->regions, mem->nregions * sizeof(p->region[0]));
		return 0;
	case VHOST_SET_LOG_BASE:
		p->log = *(uint64_t *)arg;
		return 0;
	}
	return ring_ioctl(p, request, arg);
}

static int tap_ioctl(struct kernel_pair *p, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;

	switch (request) {
	case TUNSETIFF:
		if (strstr(ifr->ifr_name, "%d"))
			strcpy(ifr->ifr_name, "vdu7");
		return 0;
	case TUNSETQUEUE:
		p->queue_on = ifr->ifr_flags & IFF_ATTACH_QUEUE;
		return 0;
	}
	/* A queue that is detached belongs to no tap. */
	if (!p->queue_on)
		return complain("ioctl of a detached queue");
	switch (request) {
	case TUNSETOFFLOAD:
		kernel.offload = (unsigned long)arg;
		return 0;
	case TUNSETVNETHDRSZ:
		kernel.hdr_len = *(int *)arg;
		return 0;
	case TUNSETVNETLE:
		return 0;
	}
	return -EINVAL;
}

static int net_ioctl(unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;

	switch (request) {
	case SIOCBRADDIF:
		snprintf(kernel.bridge, sizeof(kernel.bridge), "%s", ifr->ifr_name);
		return 0;
	case SIOCGIFFLAGS:
		ifr->ifr_flags = kernel.up ? IFF_UP : 0;
		return 0;
	case SIOCSIFFLAGS:
		kernel.up = ifr->ifr_flags & IFF_UP;
		return 0;
	}
	return -EINVAL;
}

static int dispatch(int fd, unsigned long request, void *arg)
{
	unsigned int i;

	for (i = 0; i < KERNEL_PAIRS; i++) {
		if (fd == kernel.pair[i].vhost)
			return vhost_ioctl(&kernel.pair[i], request, arg);
		if (fd == kernel.pair[i].tap)
			return tap_ioctl(&kernel.pair[i], request, arg);
	}
	return net_ioctl(request, arg);
}

int vdd_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	pthread_mutex_lock(&lock);
	if (++kernel.calls == kernel.fail_at) {
		kernel.failed = request;
		ret = -ENOMEM;
	} else {
		ret = dispatch(fd, request, arg);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}
