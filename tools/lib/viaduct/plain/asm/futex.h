/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PLAIN_ASM_FUTEX_H
#define PLAIN_ASM_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <linux/types.h>

/**
 * struct plain_range - memory that a thread may log to
 * @start: address of the first byte
 * @len: size in bytes; 0 if there is no dirty log
 *
 * In the kernel an access beyond the log faults. Here it must be prevented:
 * the thread sets the range before it calls an engine function that logs.
 */
struct plain_range {
	u64 start;
	u64 len;
};

extern __thread struct plain_range plain_log
	__attribute__((tls_model("initial-exec")));

static inline int arch_futex_atomic_op_inuser(int op, u32 arg, int *old,
					      u32 *addr)
{
	u64 off = (u64)(uintptr_t)addr - plain_log.start;

	if (op != FUTEX_OP_OR || off >= plain_log.len ||
	    plain_log.len - off < sizeof(*addr))
		return -EFAULT;
	*old = __atomic_fetch_or(addr, arg, __ATOMIC_SEQ_CST);
	return 0;
}

#endif
