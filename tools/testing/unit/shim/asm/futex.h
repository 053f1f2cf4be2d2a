/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_FUTEX_H
#define SHIM_ASM_FUTEX_H

#include <errno.h>
#include <linux/futex.h>

#include "umem.h"

/* The one operation that is asked for; it opens a window of its own. */
static inline int arch_futex_atomic_op_inuser(int op, u32 arg, int *old,
					      u32 *addr)
{
	if (op != FUTEX_OP_OR)
		umem_die("futex operation %d is not known here", op);
	return umem_or((u64)(uintptr_t)addr, arg, old) ? 0 : -EFAULT;
}

#endif
