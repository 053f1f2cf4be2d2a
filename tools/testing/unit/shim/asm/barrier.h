/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers order what this process does, and are noted in the access trace. */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#include <stdatomic.h>

#include "umem.h"

#define smp_mb() do {						\
	atomic_thread_fence(memory_order_seq_cst);		\
	umem_note(UMEM_MB, 0);					\
} while (0)

#define smp_rmb() do {						\
	atomic_thread_fence(memory_order_acquire);		\
	umem_note(UMEM_RMB, 0);					\
} while (0)

#define smp_wmb() do {						\
	atomic_thread_fence(memory_order_release);		\
	umem_note(UMEM_WMB, 0);					\
} while (0)

#endif
