/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_PIN_H
#define VD_PIN_H

/* VIADUCT_WORKER_PER_RING, by several callers and for owners of both kinds. */

#include <stdbool.h>
#include <sys/types.h>

#define OTHER_ID	65534

int per_ring(int fd);

/* Changes of a process, for call_as() and idler_start(): 0 or an error. */
int become_nobody(void);
int stay_root(void);
int be_root_of_a_namespace(void);
int drop_capabilities(void);
/* The result of per_ring() in a process that has first called @become. */
int call_as(int (*become)(void), int fd);

/* An owner without packets that has called @become. */
struct idler {
	pid_t pid;
	int dev;
};

/* @limit: RLIMIT_NPROC. @is_dumpable: its user may trace it. */
bool idler_start(struct idler *i, int kind, int (*become)(void),
		 unsigned long limit, bool is_dumpable);
void idler_stop(struct idler *i);

#endif
