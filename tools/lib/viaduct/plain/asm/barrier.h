/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers between this process and the guest's processors. */
#ifndef PLAIN_ASM_BARRIER_H
#define PLAIN_ASM_BARRIER_H

#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

#endif
