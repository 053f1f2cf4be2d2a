/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_INFO_H
#define VD_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The content of /proc/self/fdinfo for a device, from one read. */
struct info {
	char text[8192];
};

bool info_read(struct info *i, int fd);
/* The value behind "viaduct-@key:", up to the end of the line; NULL if none. */
const char *info_value(const struct info *i, const char *key);
/* The first number of it; INT64_MIN without such a key. */
int64_t info_number(const struct info *i, const char *key);
/* Of ring @q, 0 for rx, 1 for tx. */
int64_t info_ring(const struct info *i, unsigned int q, const char *key);

/* The same, read again from @fd. */
int64_t info_now(int fd, const char *key);
int64_t info_ring_now(int fd, unsigned int q, const char *key);
/* Whether it reaches @least within ten seconds. */
bool info_ring_reaches(int fd, unsigned int q, const char *key, int64_t least);
/* Whether ring @q is in that state. */
bool info_ring_is(int fd, unsigned int q, const char *key, const char *value);

#endif
