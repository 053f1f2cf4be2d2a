/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks of a program with one thread: they must be taken and released in turn. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include "umem.h"

typedef struct {
	int is_held;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->is_held = 0;
}

static inline void spin_lock(spinlock_t *lock)
{
	if (lock->is_held)
		umem_die("a spinlock is taken twice");
	umem_assert_closed("spin_lock()");
	lock->is_held = 1;
}

static inline void spin_unlock(spinlock_t *lock)
{
	if (!lock->is_held)
		umem_die("a spinlock is released that is not held");
	lock->is_held = 0;
}

#endif
