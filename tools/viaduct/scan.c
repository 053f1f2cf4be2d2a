// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding open devices: descriptors in /proc with a link to a device node, and
 * with the module's keys in fdinfo. Processes end and descriptors are closed
 * meanwhile, and are skipped then.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan.h"
#include "text.h"
#include "vm.h"
#include "vm_name.h"

bool scan_has_module(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/module/viaduct", root);
	return !access(path, F_OK);
}

bool scan_has_process(const char *root, pid_t pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc/%d", root, pid);
	return !access(path, F_OK);
}

static void parse_stat(const char *stat, struct worker *w)
{
	/* Fields 3 to 41 of proc(5): utime, stime, processor, priority, policy. */
	static const char format[] =
		"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d %u %u";
	static const char * const policy[] = {
		"other", "fifo", "rr", "batch", "4", "idle", "deadline", "ext",
	};
	unsigned long utime, stime;
	unsigned int prio, sched;
	const char *at;

	/* The name may hold blanks and brackets. */
	at = strrchr(stat, ')');
	if (!at || sscanf(at + 2, format, &utime, &stime, &w->cpu, &prio,
			  &sched) != 5)
		return;
	w->cpu_seconds = (double)(utime + stime) / sysconf(_SC_CLK_TCK);
	if (sched >= ARRAY_SIZE(policy))
		snprintf(w->policy, sizeof(w->policy), "%u", sched);
	else if (prio)
		snprintf(w->policy, sizeof(w->policy), "%s:%u", policy[sched],
			 prio % 100);
	else
		snprintf(w->policy, sizeof(w->policy), "%s", policy[sched]);
}

/* Whether @list, names with commas between them and a colon after, has "cpu". */
static bool has_cpu(const char *list)
{
	size_t len;

	for (; *list && *list != ':'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",:");
		if (len == 3 && !strncmp(list, "cpu", 3))
			return true;
	}
	return false;
}

/*
 * Lines of "ID:CONTROLLERS:PATH". CPU time is accounted in the hierarchy with the CPU
 * controller: one of version 1 if there is such a line, else the unified one. The
 * kernel lists the latter ("0::PATH") last, and only if it has been mounted.
 */
static void set_cgroup(struct worker *w, const char *text)
{
	const char *list, *path;
	bool is_cpu = false;

	while (!is_cpu && (list = strchr(text, ':')) &&
	       (path = strchr(list + 1, ':'))) {
		is_cpu = has_cpu(list + 1);
		if (is_cpu || path == list + 1)
			text_line(w->cgroup, sizeof(w->cgroup), path, "");
		text = path + strcspn(path, "\n");
	}
}

void scan_worker(const char *root, pid_t owner, struct worker *w)
{
	char dir[64], text[4096];

	/* A kernel thread is a process of its own. */
	snprintf(dir, sizeof(dir), "%d/task/%d", owner, w->tid);
	if (strcmp(w->kind, "thread"))
		snprintf(dir, sizeof(dir), "%d", w->tid);
	w->cpu = -1;
	if (!w->tid || text_read(text, sizeof(text), "%s/proc/%s/stat", root,
				 dir) <= 0)
		return;
	parse_stat(text, w);
	text_read(text, sizeof(text), "%s/proc/%s/status", root, dir);
	text_line(w->cpus, sizeof(w->cpus), text, "Cpus_allowed_list");
	text_read(text, sizeof(text), "%s/proc/%s/cgroup", root, dir);
	set_cgroup(w, text);
}

static void add_worker(struct device *d, const char *key, const char *value)
{
	struct worker *w = &d->worker[d->nr_workers];

	if (d->nr_workers == ARRAY_SIZE(d->worker) ||
	    sscanf(key, "worker-%u", &w->id) != 1 ||
	    sscanf(value, "%d %11s", &w->tid, w->kind) != 2)
		return;
	d->nr_workers++;
}

/* The keys of a device; false if @text is not the module's. */
static bool parse_info(struct device *d, char *text)
{
	char *line, *save, *value;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct key *k = &d->key[d->nr_keys];

		if (strncmp(line, "viaduct-", 8) || d->nr_keys == MAX_KEYS)
			continue;
		value = strstr(line, ":\t");
		if (!value)
			continue;
		*value = 0;
		value += 2;
		text_copy(k->name, sizeof(k->name), line + 8);
		text_copy(k->value, sizeof(k->value), value);
		d->nr_keys++;
		add_worker(d, k->name, k->value);
	}
	d->id = device_number(d, "device");
	return d->nr_keys;
}

static bool is_node(const char *target)
{
	const char *name = strrchr(target, '/');

	return name && (!strcmp(name, "/viaduct-net") ||
			!strcmp(name, "/vhost-net"));
}

/* Adds the device unless it is known; the owner is preferred as its holder. */
static int add_device(struct devices *found, struct device *d)
{
	struct device *old;
	size_t i;

	for (i = 0; i < found->nr; i++) {
		old = &found->device[i];
		if (old->id != d->id)
			continue;
		if (d->is_owner && !old->is_owner)
			*old = *d;
		return 0;
	}
	old = realloc(found->device, (found->nr + 1) * sizeof(*old));
	if (!old)
		return -ENOMEM;
	found->device = old;
	found->device[found->nr++] = *d;
	return 0;
}

bool scan_descriptor(const char *root, pid_t pid, int fd, struct device *d)
{
	char text[16384];

	*d = (struct device){ .pid = pid, .fd = fd };
	return text_read(text, sizeof(text), "%s/proc/%d/fdinfo/%d", root, pid,
			 fd) > 0 && parse_info(d, text);
}

static int read_device(const char *root, pid_t pid, int fd,
		       struct devices *found)
{
	char path[PATH_MAX];
	struct device d;
	unsigned int i;

	if (!scan_descriptor(root, pid, fd, &d))
		return 0;
	/* The owner is a thread of the process, perhaps not its first. */
	snprintf(path, sizeof(path), "%s/proc/%d/task/%d", root, pid,
		 (int)device_number(&d, "owner"));
	d.is_owner = !access(path, F_OK);
	vm_name(root, pid, d.vm, sizeof(d.vm));
	vm_interface(root, &d);
	for (i = 0; i < d.nr_workers; i++)
		scan_worker(root, pid, &d.worker[i]);
	return add_device(found, &d);
}

static int scan_process(const char *root, pid_t pid, struct devices *found)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent *e;
	int err = 0;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%d/fd", root, pid);
	dir = opendir(path);
	if (!dir) {
		found->nr_unreadable += errno == EACCES || errno == EPERM;
		return 0;
	}
	while (!err && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, target,
			       sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (is_node(target))
			err = read_device(root, pid, atoi(e->d_name), found);
	}
	closedir(dir);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int scan_devices(const char *root, pid_t only, struct devices *found)
{
	char path[PATH_MAX];
	struct dirent *e;
	int err = 0;
	DIR *dir;

	*found = (struct devices){ 0 };
	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return -errno;
	if (only)
		err = scan_process(root, only, found);
	else
		while (!err && (e = readdir(dir)))
			if (atoi(e->d_name) > 0)
				err = scan_process(root, atoi(e->d_name),
						   found);
	closedir(dir);
	if (found->nr)
		qsort(found->device, found->nr, sizeof(*found->device),
		      compare);
	return err;
}

void scan_free(struct devices *found)
{
	free(found->device);
	*found = (struct devices){ 0 };
}
