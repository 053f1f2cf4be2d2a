// SPDX-License-Identifier: GPL-2.0-only
/* Reading a device's fdinfo. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../lib/vguest/wait.h"
#include "info.h"

bool info_read(struct info *i, int fd)
{
	size_t len = 0;
	char path[64];
	ssize_t n;
	int f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = open(path, O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return false;
	while ((n = read(f, i->text + len, sizeof(i->text) - 1 - len)) > 0)
		len += n;
	i->text[len] = 0;
	close(f);
	return !n && len < sizeof(i->text) - 1;
}

const char *info_value(const struct info *i, const char *key)
{
	char line[80];
	const char *at;

	snprintf(line, sizeof(line), "\nviaduct-%s:\t", key);
	at = strstr(i->text, line);
	return at ? at + strlen(line) : NULL;
}

int64_t info_number(const struct info *i, const char *key)
{
	const char *value = info_value(i, key);

	return value ? strtoll(value, NULL, 0) : INT64_MIN;
}

int64_t info_ring(const struct info *i, unsigned int q, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", q ? "tx" : "rx", key);
	return info_number(i, name);
}

int64_t info_now(int fd, const char *key)
{
	struct info i;

	return info_read(&i, fd) ? info_number(&i, key) : INT64_MIN;
}

int64_t info_ring_now(int fd, unsigned int q, const char *key)
{
	struct info i;

	return info_read(&i, fd) ? info_ring(&i, q, key) : INT64_MIN;
}

bool info_ring_reaches(int fd, unsigned int q, const char *key, int64_t least)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (info_ring_now(fd, q, key) < least) {
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

bool info_ring_is(int fd, unsigned int q, const char *key, const char *value)
{
	size_t len = strlen(value);
	const char *got = NULL;
	char name[64];
	struct info i;

	snprintf(name, sizeof(name), "%s-%s", q ? "tx" : "rx", key);
	if (info_read(&i, fd))
		got = info_value(&i, name);
	return got && !strncmp(got, value, len) && got[len] == '\n';
}
