/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A volatile access to a word is one access. */
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))

#define noinline	__attribute__((noinline))

#endif
