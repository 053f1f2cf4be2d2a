/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

/* The engine uses no mutex; <asm/futex.h> checks that this was included first. */

#endif
