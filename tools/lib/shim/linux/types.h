/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's names of __u32 and the other types of the installed header. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

/* Annotations for sparse, which does not check these programs. */
#define __user
#define __force

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif

#endif
