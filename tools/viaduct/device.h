/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_DEVICE_H
#define VIADUCT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Open devices as /proc shows them (Documentation/fdinfo.rst). */

#define NR_RINGS	2
#define NR_BATCH_SIZES	8
#define MAX_KEYS	128

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Rings by the ABI's index. */
extern const char * const ring_name[NR_RINGS];
/* Classes of viaduct-RING-batches. */
extern const char * const batch_size[NR_BATCH_SIZES];

struct key {
	char name[40];		/* without "viaduct-" */
	char value[96];
};

struct worker {
	unsigned int id;
	pid_t tid;
	char kind[12];		/* thread, kthread, dead */
	char policy[12];	/* other, fifo:50, ...; "" if the thread is gone */
	int cpu;		/* the last one that it ran on */
	char cpus[64];		/* those allowed for it */
	char cgroup[256];	/* path in the unified hierarchy */
	double cpu_seconds;	/* CPU time so far */
};

struct device {
	pid_t pid;		/* a process that holds it, its owner if possible */
	int fd;			/* its descriptor there */
	uint64_t id;
	bool is_owner;		/* @pid is the owner */
	char vm[64];		/* name of the VM, or of the process */
	char iface[32];		/* interface of the backend, or "-" */
	struct key key[MAX_KEYS];
	unsigned int nr_keys;
	struct worker worker[4];
	unsigned int nr_workers;
};

struct devices {
	struct device *device;	/* by number of the device */
	size_t nr;
	size_t nr_unreadable;	/* processes with unreadable descriptors */
};

/* "" if there is no such key. */
const char *device_text(const struct device *d, const char *key);
/* Of ring @ring. */
const char *ring_text(const struct device *d, int ring, const char *key);
/* 0 if there is no such key. */
uint64_t device_number(const struct device *d, const char *key);
uint64_t ring_number(const struct device *d, int ring, const char *key);
/* All packets lost in a ring, for any reason. */
uint64_t ring_drops(const struct device *d, int ring);
/* Fills @nr, zeroes if there are none. */
void ring_batches(const struct device *d, int ring, uint64_t *nr);
const struct worker *ring_worker(const struct device *d, int ring);
double device_cpu_seconds(const struct device *d);

#endif
