// SPDX-License-Identifier: GPL-2.0-only
/*
 * viaduct pin: workers and their processors for a running VM.
 *
 * Workers belong to the device's owner. A process that may trace the owner can take
 * a copy of the descriptor and have a second worker created on the owner's behalf.
 * Everything that can fail is tried first, on the first worker, so that an error
 * leaves the processors as they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/viaduct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "cpus.h"
#include "scan.h"

/* A device to be placed, through a copy of its descriptor. */
struct target {
	int fd;
	uint64_t id;
	struct device now;	/* as read from @fd */
	struct cpus old[4];	/* processors of its workers */
	unsigned int nr_old;
};

static int refuse_cpus(const struct target *t, const struct worker *w,
		       const char *list, int err)
{
	switch (-err) {
	case EPERM:
		return complain("device %" PRIu64 ": no permission to place worker %u, thread %d; run as root",
				t->id, w->id, w->tid);
	case EINVAL:
		return complain("device %" PRIu64 ": processors %s are not all online and in the cpuset of worker %u, thread %d",
				t->id, list, w->id, w->tid);
	}
	return complain("device %" PRIu64 ": worker %u, thread %d, processors %s: %s",
			t->id, w->id, w->tid, list, strerror(-err));
}

static int place(const struct target *t, const struct worker *w,
		 const char *list)
{
	struct cpus cpus;
	int err;

	cpus_parse(&cpus, list);
	err = cpus_set(&cpus, w->tid);
	return err ? refuse_cpus(t, w, list, err) : 0;
}

static void restore(const struct target *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_old; i++)
		cpus_set(&t->old[i], t->now.worker[i].tid);
}

/* Try each worker on each list that it may get, then restore its processors. */
static int try_all(struct target *t, const struct options *o)
{
	const char *lists[3] = { o->all, o->rx, o->tx };
	unsigned int i, l;
	int status = 0;

	for (i = 0; i < t->now.nr_workers && !status; i++) {
		const struct worker *w = &t->now.worker[i];
		int err = cpus_get(&t->old[i], w->tid);

		if (err)
			return refuse_cpus(t, w, "?", err);
		t->nr_old++;
		for (l = 0; l < ARRAY_SIZE(lists) && !status; l++)
			if (lists[l])
				status = place(t, w, lists[l]);
	}
	restore(t);
	return status;
}

static int refuse_workers(const struct target *t, int err)
{
	switch (err) {
	case EPERM:
	case ENOTTY:
	case EFAULT:
		return complain("device %" PRIu64 ": no permission to add a worker, or the module is older than this command; run as root",
				t->id);
	case ETIMEDOUT:
		return complain("device %" PRIu64 ": the worker does not respond; is the process stopped or frozen?",
				t->id);
	case ESRCH:
		return complain("device %" PRIu64 ": its owner has ended",
				t->id);
	case EAGAIN:
	case ENOMEM:
		return complain("device %" PRIu64 ": no second worker: the process has reached its limit of threads (RLIMIT_NPROC, pids.max), or memory is short",
				t->id);
	}
	return complain("device %" PRIu64 ": no second worker: %s", t->id,
			strerror(err));
}

/* A worker for each ring; reads the state anew. */
static int separate(struct target *t)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	int i;

	if (ioctl(t->fd, VIADUCT_WORKER_PER_RING))
		return refuse_workers(t, errno);
	/* A thread of a process that is stopped has no id before it has run. */
	for (i = 0; i < 100; i++) {
		const struct worker *rx, *tx;

		if (!scan_descriptor("", getpid(), t->fd, &t->now))
			break;
		rx = ring_worker(&t->now, 0);
		tx = ring_worker(&t->now, 1);
		if (rx && rx->tid && tx && tx->tid)
			return 0;
		nanosleep(&pause, NULL);
	}
	return complain("device %" PRIu64 ": its workers do not run; is the process stopped or frozen?",
			t->id);
}

static int apply(struct target *t, const struct options *o)
{
	unsigned int i;
	int status = 0;

	if (!o->all) {
		status = separate(t);
		return status ?:
		       place(t, ring_worker(&t->now, 0), o->rx) ?:
		       place(t, ring_worker(&t->now, 1), o->tx);
	}
	for (i = 0; i < t->now.nr_workers && !status; i++)
		status = place(t, &t->now.worker[i], o->all);
	return status;
}

/* A copy of the descriptor that the scan has found. */
static int take(struct target *t, const struct device *d, int pidfd)
{
	t->id = d->id;
	t->fd = syscall(SYS_pidfd_getfd, pidfd, d->fd, 0);
	if (t->fd < 0 && errno == EPERM)
		return complain("process %d may not be traced; run as root",
				d->pid);
	if (t->fd < 0)
		return complain("process %d, descriptor %d: %s", d->pid, d->fd,
				strerror(errno));
	if (!scan_descriptor("", getpid(), t->fd, &t->now) ||
	    t->now.id != d->id)
		return complain("device %" PRIu64 " has been closed", d->id);
	return 0;
}

static bool is_wanted(const struct device *d, const struct options *o)
{
	return d->is_owner && (!o->device || d->id == o->device);
}

static int pin(const struct options *o, const struct devices *found,
	       struct target *target, int pidfd)
{
	size_t i, nr = 0;
	int status = 0;

	for (i = 0; i < found->nr && !status; i++)
		if (is_wanted(&found->device[i], o))
			status = take(&target[nr++], &found->device[i], pidfd);
	if (!status && !nr && o->device)
		status = complain("process %d does not own device %" PRIu64,
				  o->pid, o->device);
	else if (!status && !nr)
		status = complain("process %d owns no device, it only holds some",
				  o->pid);
	for (i = 0; i < nr && !status; i++)
		status = try_all(&target[i], o);
	for (i = 0; i < nr && !status; i++)
		status = apply(&target[i], o);
	for (i = 0; i < nr; i++)
		if (target[i].fd >= 0)
			close(target[i].fd);
	return status;
}

static int show(const struct options *o)
{
	struct devices found;
	int err = scan_devices("", o->pid, &found);

	if (err)
		return complain("/proc: %s", strerror(-err));
	err = cmd_workers(o, &found);
	scan_free(&found);
	return err;
}

int cmd_pin(const struct options *o, const struct devices *found)
{
	struct target *target;
	int pidfd, status;

	if (*o->roots[0])
		return complain("pin: on the running system only, not with --root");
	pidfd = syscall(SYS_pidfd_open, o->pid, 0);
	if (pidfd < 0)
		return complain("process %d: %s", o->pid, strerror(errno));
	target = calloc(found->nr, sizeof(*target));
	if (!target)
		return complain("%s", strerror(ENOMEM));
	status = pin(o, found, target, pidfd);
	free(target);
	close(pidfd);
	return status ?: show(o);
}
