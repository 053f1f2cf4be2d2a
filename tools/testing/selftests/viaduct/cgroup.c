// SPDX-License-Identifier: GPL-2.0-only
/* A cgroup of a test, in a hierarchy mounted for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../lib/vguest/wait.h"
#include "cgroup.h"

static int write_file(const char *dir, const char *file, const char *value)
{
	char path[96];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

const char *cgroup_open(struct cgroup *c, const char *controller)
{
	char value[32];

	*c = (struct cgroup){ .root = "/tmp/vd-cgroup.XXXXXX" };
	if (!mkdtemp(c->root))
		return "mkdtemp";
	if (mount("none", c->root, "cgroup2", 0, NULL))
		return "cannot mount cgroup2";
	if (controller) {
		snprintf(value, sizeof(value), "+%s", controller);
		c->has_controller = !write_file(c->root, "cgroup.subtree_control",
						value);
	}
	snprintf(c->path, sizeof(c->path), "%s/vd-%d", c->root, getpid());
	return mkdir(c->path, 0755) ? "cannot make a cgroup" : NULL;
}

int cgroup_close(struct cgroup *c)
{
	uint64_t deadline = vg_deadline_ms(10000);
	int ret;

	for (;;) {
		ret = rmdir(c->path) ? -errno : 0;
		if (ret != -EBUSY || vg_expired(deadline))
			break;
		poll(NULL, 0, 10);
	}
	umount(c->root);
	rmdir(c->root);
	return ret;
}

int cgroup_write(struct cgroup *c, const char *file, const char *value)
{
	return write_file(c->path, file, value);
}

int cgroup_join(struct cgroup *c, pid_t pid)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", pid);
	return cgroup_write(c, "cgroup.procs", value);
}

long cgroup_read(struct cgroup *c, const char *file, const char *key)
{
	char path[96], line[128];
	long value = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", c->path, file);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (value == -ENOENT && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key));
	fclose(f);
	return value;
}
