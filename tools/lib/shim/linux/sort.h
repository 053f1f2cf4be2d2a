/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SORT_H
#define SHIM_LINUX_SORT_H

#include <linux/types.h>
#include <stdlib.h>

/* Neither this nor the kernel's is stable: callers make every key distinct. */
static inline void sort(void *base, size_t num, size_t size,
			int (*cmp)(const void *a, const void *b),
			void (*swap)(void *a, void *b, int size))
{
	(void)swap;
	qsort(base, num, size, cmp);
}

#endif
