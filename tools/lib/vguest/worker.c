// SPDX-License-Identifier: GPL-2.0-only
/* Finding a device's worker, and its CPU time. */
#define _GNU_SOURCE
#include <sched.h>
#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wait.h"
#include "worker.h"

/* Threads in @dir that have @name, or with @more one that begins with @more. */
static int find_in(const char *dir, const char *name, const char *more,
		   pid_t *tid, int room)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int nr = 0;

	while (d && nr < room && (e = readdir(d))) {
		char path[300], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s/comm", dir, e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", comm) == 1 &&
		    (!strcmp(comm, name) ||
		     (more && !strncmp(comm, more, strlen(more)))))
			tid[nr++] = atoi(e->d_name);
		fclose(f);
	}
	if (d)
		closedir(d);
	return nr;
}

static int find(pid_t owner, bool all, pid_t *tid, int room)
{
	char name[32], more[32], tasks[32];
	int nr;

	snprintf(name, sizeof(name), "vhost-%d", owner);
	snprintf(more, sizeof(more), "vhost-%d-", owner);
	snprintf(tasks, sizeof(tasks), "/proc/%d/task", owner);
	nr = find_in("/proc", name, all ? more : NULL, tid, room);
	return nr + find_in(tasks, name, all ? more : NULL, tid + nr, room - nr);
}

int vg_worker_list(pid_t owner, pid_t *tid, int room)
{
	return find(owner, true, tid, room);
}

uint64_t vg_worker_total(pid_t owner)
{
	pid_t tid[VG_MAX_WORKERS];
	int nr = find(owner, true, tid, VG_MAX_WORKERS);
	uint64_t sum = 0;

	while (nr--)
		sum += vg_worker_runtime(tid[nr]);
	return sum;
}

pid_t vg_worker_find_id(pid_t owner, unsigned int id)
{
	char name[32], tasks[32];
	pid_t tid = 0;

	snprintf(name, sizeof(name), "vhost-%d-%u", owner, id);
	snprintf(tasks, sizeof(tasks), "/proc/%d/task", owner);
	if (!find_in("/proc", name, NULL, &tid, 1))
		find_in(tasks, name, NULL, &tid, 1);
	return tid;
}

int vg_worker_count(pid_t owner)
{
	pid_t tid[VG_MAX_WORKERS];

	return find(owner, false, tid, VG_MAX_WORKERS);
}

int vg_worker_settle(pid_t owner, int want)
{
	uint64_t deadline = vg_deadline_ms(10000);
	int nr = vg_worker_count(owner);

	while (nr != want && !vg_expired(deadline)) {
		sched_yield();
		nr = vg_worker_count(owner);
	}
	return nr;
}

pid_t vg_worker_find(pid_t owner)
{
	pid_t tid = 0;

	find(owner, false, &tid, 1);
	return tid;
}

uint64_t vg_worker_runtime(pid_t tid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

uint64_t vg_worker_unrest(pid_t tid)
{
	uint64_t before, ran = 1;
	int i;

	for (i = 0; i < 10 && ran; i++) {
		before = vg_worker_runtime(tid);
		/* Without a thread, nothing shows that it is idle. */
		if (!before)
			return UINT64_MAX;
		poll(NULL, 0, 100);
		ran = vg_worker_runtime(tid) - before;
	}
	return ran;
}
