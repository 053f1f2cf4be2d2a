/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_CGROUP_H
#define VD_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* A cgroup (version 2) of a test. */
struct cgroup {
	char root[32];		/* where the hierarchy is mounted */
	char path[48];
	bool has_controller;	/* the one that was named at cgroup_open() */
};

/* @controller: "pids", "memory", or NULL. NULL or why there is no cgroup. */
const char *cgroup_open(struct cgroup *c, const char *controller);
/* Waits up to ten seconds for the last process to be gone; 0 or -errno. */
int cgroup_close(struct cgroup *c);
/* 0 or -errno. */
int cgroup_write(struct cgroup *c, const char *file, const char *value);
/* @pid 0: the caller. */
int cgroup_join(struct cgroup *c, pid_t pid);
/* The number after @key in @file; for @key "", that of its only line. */
long cgroup_read(struct cgroup *c, const char *file, const char *key);

#endif
