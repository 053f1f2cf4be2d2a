/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_TEXT_H
#define VIADUCT_TEXT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A whole small file into @buf, of which the last byte becomes 0: its length, or
 * -errno. The path is printf-like.
 */
ssize_t text_read(char *buf, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Copies @src, cut to fit; what is not printable ASCII becomes '?'. */
void text_copy(char *dst, size_t room, const char *src);
/* Copies the value of the line "NAME:" of @text; "" if there is none. */
void text_line(char *dst, size_t room, const char *text, const char *name);

#endif
