/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#include "umem.h"

#define lockdep_assert_held(lock) do {				\
	if (!(lock)->is_held)					\
		umem_die("%s is not held", #lock);		\
} while (0)

#endif
