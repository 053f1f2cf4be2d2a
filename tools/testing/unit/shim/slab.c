// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's allocation functions, on top of malloc(). */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <stdlib.h>
#include <string.h>

#include "umem.h"

static unsigned int slab_countdown;
static long slab_live;

static void *slab_alloc(size_t size, gfp_t gfp, int fill)
{
	void *ptr;

	/* The kernel's may sleep, which a user-access window forbids. */
	umem_assert_closed("an allocation");
	if (!gfp)
		umem_die("allocation without flags");
	if (slab_countdown && !--slab_countdown)
		return NULL;
	ptr = malloc(size);
	if (!ptr)
		return NULL;
	memset(ptr, fill, size);
	slab_live++;
	return ptr;
}

void *kvzalloc(size_t size, gfp_t gfp)
{
	return slab_alloc(size, gfp, 0);
}

/* Memory that is not cleared must not look as if it were. */
void *kvmalloc_array(size_t nr, size_t size, gfp_t gfp)
{
	size_t total;

	if (check_mul_overflow(nr, size, &total))
		return NULL;
	return slab_alloc(total, gfp, 0xa5);
}

void kvfree(const void *ptr)
{
	umem_assert_closed("a free");
	if (ptr)
		slab_live--;
	free((void *)ptr);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	return slab_alloc(size, gfp, 0xa5);
}

void kfree(const void *ptr)
{
	kvfree(ptr);
}

void slab_fail_nth(unsigned int nth)
{
	slab_countdown = nth;
}

long slab_nr_live(void)
{
	return slab_live;
}

void slab_reset(void)
{
	slab_countdown = 0;
	slab_live = 0;
}
