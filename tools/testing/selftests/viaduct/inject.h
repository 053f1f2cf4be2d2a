/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_INJECT_H
#define VD_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Faults of allocations and user copies, injected into one thread. Needs a kernel
 * with fault injection (scripts/debug-kernel).
 */

/* Opens the knob of @tid: a descriptor, or -1 with the reason in @why. */
int inject_open(pid_t tid, const char **why);
/* The @nth operation that can fail in the thread fails; 0 for none. */
void inject_arm(int fd, unsigned int nth);
/* Whether the fault was injected; none is pending afterwards. */
bool inject_disarm(int fd);

#endif
