/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>

/* Callers are in a PID namespace that the server does not see: CUSE calls them 0. */
extern bool kernel_hides_callers;

#endif
