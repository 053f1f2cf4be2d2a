/* SPDX-License-Identifier: GPL-2.0-only */
/* Definitions that nearly every kernel header includes. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <endian.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)

#define u64_to_user_ptr(x)	((void __user *)(uintptr_t)(u64)(x))

#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)
#define le64_to_cpu(x)		le64toh(x)
#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)
#define cpu_to_le64(x)		htole64(x)

#endif
