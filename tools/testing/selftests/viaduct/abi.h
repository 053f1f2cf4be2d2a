/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_ABI_H
#define VD_ABI_H

/* States that the ABI tests start from. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "../../../lib/vguest/net.h"
#include "../../../lib/vguest/tap.h"
#include "vd_test.h"

#define EXPECT_RET(want, call) EXPECT_CALL("", want, call)

#define EXPECT_IOCTL(want, fd, cmd, arg) do { \
	long _ret = vg_ioctl(fd, cmd, arg); \
	EXPECT_EQ(want, _ret) { \
		TH_LOG("ioctl %#lx gives %ld", cmd, _ret); \
	} \
} while (0)

/* A device without an owner. Aborts if it cannot be opened. */
static inline int abi_open(void)
{
	int fd = vg_dev_open(NULL);

	if (fd < 0) {
		printf("# cannot open %s: %s\n", vg_dev_path(), strerror(-fd));
		abort();
	}
	return fd;
}

static inline int abi_owned(void)
{
	int fd = abi_open();

	if (vg_set_owner(fd)) {
		printf("# cannot own %s\n", vg_dev_path());
		abort();
	}
	return fd;
}

/* The end of mapped memory: bytes after it cannot be read. */
static inline void *abi_edge(void)
{
	uint8_t *map = mmap(NULL, 2 * vg_page(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || munmap(map + vg_page(), vg_page()))
		abort();
	return map + vg_page();
}

/* A table of one region over a page that stays mapped: 0 or -errno. */
static inline int abi_set_table(int fd)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} t = { .head.nregions = 1,
		.region = { .memory_size = sizeof(page),
			    .userspace_addr = (uintptr_t)page } };

	return vg_set_mem_table(fd, &t.head);
}

/* The running kernel is of series @major.@minor or newer. */
static inline bool abi_kernel_has(unsigned int major, unsigned int minor)
{
	unsigned int a, b;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		abort();
	return a > major || (a == major && b >= minor);
}

static inline bool abi_kernel_is_6_1(void)
{
	return !abi_kernel_has(6, 2);
}

/* A tap in a namespace of its own. */
static inline int abi_tap(void)
{
	struct vg_tap tap;

	if (vg_netns_enter() || vg_tap_open(&tap, 12, false)) {
		printf("# no tap: %s\n", strerror(errno));
		abort();
	}
	return tap.fd;
}

static inline struct vg_net abi_net(uint64_t features)
{
	struct vg_net_opts o = { .features = features };
	struct vg_net n;
	int ret = vg_net_open(&n, &o);

	if (ret) {
		printf("# no driver: %s\n", strerror(-ret));
		abort();
	}
	return n;
}

#endif
