/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_CPUS_H
#define VIADUCT_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#define MAX_CPUS	8192

/* A set of processors. */
struct cpus {
	cpu_set_t set[MAX_CPUS / CPU_SETSIZE];
};

/* A list such as "2", "0-3" or "0-3,8"; false if it is not one. */
bool cpus_parse(struct cpus *cpus, const char *list);
/* Those that thread @tid may run on: 0 or -errno. */
int cpus_get(struct cpus *cpus, pid_t tid);
/*
 * Lets thread @tid run on these, all of them: 0 or -errno, with the old ones in
 * place. -EINVAL: one of them is not online, or not in the thread's cpuset.
 */
int cpus_set(const struct cpus *cpus, pid_t tid);

#endif
