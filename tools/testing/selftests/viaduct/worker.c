// SPDX-License-Identifier: GPL-2.0-only
/* Finding a device's worker and asking how long it has run. */
#define _GNU_SOURCE
#include <sched.h>
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../lib/vguest/wait.h"
#include "worker.h"

static int find_in(const char *dir, const char *name, pid_t *tid)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int nr = 0;

	while (d && (e = readdir(d))) {
		char path[300], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s/comm", dir, e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", comm) == 1 && !strcmp(comm, name)) {
			*tid = atoi(e->d_name);
			nr++;
		}
		fclose(f);
	}
	if (d)
		closedir(d);
	return nr;
}

static int find(pid_t owner, pid_t *tid)
{
	char name[32], tasks[32];

	snprintf(name, sizeof(name), "vhost-%d", owner);
	snprintf(tasks, sizeof(tasks), "/proc/%d/task", owner);
	return find_in("/proc", name, tid) + find_in(tasks, name, tid);
}

pid_t worker_find_id(pid_t owner, unsigned int id)
{
	char name[32];
	pid_t tid = 0;

	snprintf(name, sizeof(name), "vhost-%d-%u", owner, id);
	find_in("/proc", name, &tid);
	return tid;
}

int worker_count(pid_t owner)
{
	pid_t tid;

	return find(owner, &tid);
}

int worker_settle(pid_t owner, int want)
{
	uint64_t deadline = vg_deadline_ms(2000);
	int nr = worker_count(owner);

	while (nr != want && !vg_expired(deadline)) {
		sched_yield();
		nr = worker_count(owner);
	}
	return nr;
}

pid_t worker_find(pid_t owner)
{
	pid_t tid = 0;

	find(owner, &tid);
	return tid;
}

/* Time that it has run so far, in nanoseconds. */
static uint64_t worker_runtime(pid_t tid)
{
	char path[64];
	uint64_t ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

uint64_t worker_unrest(pid_t tid)
{
	uint64_t before, ran = 1;
	int i;

	for (i = 0; i < 10 && ran; i++) {
		before = worker_runtime(tid);
		/* Nothing to watch is no proof of rest. */
		if (!before)
			return UINT64_MAX;
		poll(NULL, 0, 100);
		ran = worker_runtime(tid) - before;
	}
	return ran;
}
