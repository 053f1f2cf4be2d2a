/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel differences, newest first, and nothing else: no other file of the
 * module tests a kernel version. Supported: 6.1 and 6.12 (Debian 12).
 */
#ifndef VD_COMPAT_H
#define VD_COMPAT_H

#include <linux/eventfd.h>
#include <linux/version.h>

/* 6.8 dropped the count from eventfd_signal(): it was 1 everywhere. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
static inline void vd_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#else
static inline void vd_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

#endif
