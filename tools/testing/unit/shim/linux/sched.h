/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include "umem.h"

/* It may sleep, which a user-access window forbids. */
#define cond_resched()	umem_assert_closed("cond_resched()")

#endif
