/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User access on plain memory.
 *
 * Every address comes from a translation, which has checked it, so that nothing
 * is checked here, and no access fails. The memory may shrink under this
 * process: see sigbus.h.
 */
#ifndef PLAIN_LINUX_UACCESS_H
#define PLAIN_LINUX_UACCESS_H

#include <asm/barrier.h>
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#define plain_window(ptr)	((void)(ptr), 1)

#define access_ok(ptr, len)			((void)(len), plain_window(ptr))
#define user_access_begin(ptr, len)		access_ok(ptr, len)
#define user_access_end()			do { } while (0)
#define user_read_access_begin(ptr, len)	access_ok(ptr, len)
#define user_read_access_end()			do { } while (0)
#define user_write_access_begin(ptr, len)	access_ok(ptr, len)
#define user_write_access_end()			do { } while (0)

/* Guest memory has any alignment: a scattered buffer may begin anywhere. */
#define plain_word(ptr)							\
	((volatile struct { __typeof__(*(ptr)) word; }			\
	  __attribute__((packed, may_alias)) *)(ptr))->word

#define unsafe_get_user(x, ptr, label) do {				\
	(x) = (__typeof__(x))plain_word(ptr);				\
	if (0)								\
		goto label;						\
} while (0)

#define unsafe_put_user(x, ptr, label) do {				\
	plain_word(ptr) = (x);						\
	if (0)								\
		goto label;						\
} while (0)

#define get_user(x, ptr)	((x) = (__typeof__(x))plain_word(ptr), 0)
#define put_user(x, ptr)	(plain_word(ptr) = (x), 0)

static inline unsigned long copy_from_user(void *dst, const void *src,
					   size_t len)
{
	/* Or the compiler warns of lengths that the caller rules out. */
	__asm__("" : "+r" (len));
	memcpy(dst, src, len);
	return 0;
}

static inline unsigned long copy_to_user(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return 0;
}

#endif
