/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stand-in for the kernel's devices: it remembers what the daemon sets, checks the
 * order that the ABI demands, and fails on request.
 */
#ifndef VDD_TEST_KERNEL_H
#define VDD_TEST_KERNEL_H

#include <linux/vhost.h>
#include <stdbool.h>
#include <stdint.h>

#define KERNEL_PAIRS	4
#define KERNEL_REGIONS	16

struct kernel_ring {
	unsigned int num, base;
	struct vhost_vring_addr addr;
	int kick, call, err;
	int backend;		/* a tap, or -1 */
	unsigned int attached;	/* times */
};

struct kernel_pair {
	int vhost, tap;		/* descriptors, or -1 */
	bool owned;
	uint64_t features, log;
	unsigned int nr_regions;
	struct vhost_memory_region region[KERNEL_REGIONS];
	struct kernel_ring ring[2];
	bool queue_on;
};

struct kernel {
	struct kernel_pair pair[KERNEL_PAIRS];
	unsigned int nr_vhost, nr_tap;
	unsigned int offload;
	int hdr_len;
	char bridge[16];
	bool up;
	uint64_t features;	/* that it offers */
	unsigned int calls;	/* ioctls so far */
	unsigned int fail_at;	/* this one fails, 0: none */
	unsigned long failed;	/* its request */
	char complaint[160];	/* the order was wrong */
};

extern struct kernel kernel;

struct vdd_port;

void kernel_reset(void);
/*
 * What the attached rings refer to is mapped, and in the log. Returns NULL, or what is
 * wrong. No message may be in process.
 */
const char *kernel_check(const struct vdd_port *port);

#endif
