/* SPDX-License-Identifier: GPL-2.0-only */
/* User access on top of the simulated user memory of umem.h. */
#ifndef SHIM_LINUX_UACCESS_H
#define SHIM_LINUX_UACCESS_H

#include <asm/barrier.h>
#include <errno.h>
#include <linux/kernel.h>

#include "umem.h"

#define shim_addr(ptr)		((u64)(uintptr_t)(ptr))

#define access_ok(ptr, len)	umem_access_ok(shim_addr(ptr), len)

#define user_access_begin(ptr, len) \
	umem_begin(shim_addr(ptr), len, UMEM_R | UMEM_W)
#define user_access_end()	umem_end(UMEM_R | UMEM_W)
#define user_read_access_begin(ptr, len) \
	umem_begin(shim_addr(ptr), len, UMEM_R)
#define user_read_access_end()	umem_end(UMEM_R)
#define user_write_access_begin(ptr, len) \
	umem_begin(shim_addr(ptr), len, UMEM_W)
#define user_write_access_end()	umem_end(UMEM_W)

/* A faulting read leaves 0 behind in the kernel; so it does here. */
#define unsafe_get_user(x, ptr, label) do {			\
	u64 __word = 0;						\
	bool __ok = umem_unsafe_read(&__word, shim_addr(ptr),	\
				     sizeof(*(ptr)));		\
								\
	(x) = (__typeof__(x))__word;				\
	if (!__ok)						\
		goto label;					\
} while (0)

#define unsafe_put_user(x, ptr, label) do {			\
	__typeof__(*(ptr)) __word = (x);			\
								\
	if (!umem_unsafe_write(shim_addr(ptr), &__word,		\
			       sizeof(__word)))			\
		goto label;					\
} while (0)

#define get_user(x, ptr) ({					\
	u64 __word = 0;						\
	unsigned long __left = umem_copy_from(&__word,		\
			shim_addr(ptr), sizeof(*(ptr)));	\
								\
	(x) = (__typeof__(x))__word;				\
	__left ? -EFAULT : 0; })

#define put_user(x, ptr) ({					\
	__typeof__(*(ptr)) __word = (x);			\
								\
	umem_copy_to(shim_addr(ptr), &__word, sizeof(__word)) ?	\
		-EFAULT : 0; })

#define copy_from_user(dst, src, len) \
	umem_copy_from(dst, shim_addr(src), len)
#define copy_to_user(dst, src, len) \
	umem_copy_to(shim_addr(dst), src, len)

#endif
