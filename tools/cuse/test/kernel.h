/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>

/* Callers are in a PID namespace of their own: FUSE gives 0 as their process. */
extern bool kernel_hides_callers;

#endif
