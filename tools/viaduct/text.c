// SPDX-License-Identifier: GPL-2.0-only
/* Small files of /proc and /sys. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

ssize_t text_read(char *buf, size_t room, const char *fmt, ...)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n = 0;
	va_list ap;
	int fd;

	buf[0] = 0;
	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < room - 1 && (n = read(fd, buf + len, room - 1 - len)) > 0)
		len += n;
	n = n < 0 ? -errno : (ssize_t)len;
	close(fd);
	buf[len] = 0;
	return n;
}

void text_copy(char *dst, size_t room, const char *src)
{
	size_t i;

	for (i = 0; i < room - 1 && src[i]; i++)
		dst[i] = src[i] < ' ' || src[i] > '~' ? '?' : src[i];
	dst[i] = 0;
}

void text_line(char *dst, size_t room, const char *text, const char *name)
{
	size_t len = strlen(name), n;

	dst[0] = 0;
	while (text && (strncmp(text, name, len) || text[len] != ':')) {
		text = strchr(text, '\n');
		text += !!text;
	}
	if (!text)
		return;
	text += len + 1;
	text += strspn(text, " \t");
	n = strcspn(text, "\n");
	if (n > room - 1)
		n = room - 1;
	memcpy(dst, text, n);
	dst[n] = 0;
}
