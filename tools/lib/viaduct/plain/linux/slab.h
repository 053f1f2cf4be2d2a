/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PLAIN_LINUX_SLAB_H
#define PLAIN_LINUX_SLAB_H

#include <linux/types.h>
#include <stdlib.h>

#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0

#define kvzalloc(size, gfp)		calloc(1, size)
#define kvmalloc_array(nr, size, gfp)	calloc(nr, size)
#define kvfree(ptr)			free(ptr)
#define kmalloc(size, gfp)		malloc(size)
#define kfree(ptr)			free(ptr)

#endif
