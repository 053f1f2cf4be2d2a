/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations that can be made to fail, and that are counted. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL		1U
#define GFP_KERNEL_ACCOUNT	2U

void *kvzalloc(size_t size, gfp_t gfp);
void *kvmalloc_array(size_t nr, size_t size, gfp_t gfp);
void kvfree(const void *ptr);
void *kmalloc(size_t size, gfp_t gfp);
void kfree(const void *ptr);

/* For tests: */

/* Let the @nth allocation from now on fail, counted from 1; 0 for none. */
void slab_fail_nth(unsigned int nth);
/* Allocations that were not freed since the last slab_reset(). */
long slab_nr_live(void);
/* Forget what was counted and injected. */
void slab_reset(void);

#endif
