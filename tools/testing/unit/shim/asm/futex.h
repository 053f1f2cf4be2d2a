/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_FUTEX_H
#define SHIM_ASM_FUTEX_H

#include <errno.h>
#include <linux/futex.h>

#include "umem.h"

/* The kernel's includes <linux/futex.h>, which uses a mutex it does not include. */
#ifndef SHIM_LINUX_MUTEX_H
#error include <linux/mutex.h> first
#endif

/*
 * The one operation that is used; it opens a window of its own. It may be
 * disturbed by other processors, as on arm64, and nothing is done then.
 */
static inline int arch_futex_atomic_op_inuser(int op, u32 arg, int *old,
					      u32 *addr)
{
	if (op != FUTEX_OP_OR)
		umem_die("futex operation %d is not known here", op);
	if (umem_or_is_disturbed())
		return -EAGAIN;
	return umem_or((u64)(uintptr_t)addr, arg, old) ? 0 : -EFAULT;
}

#endif
