/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_OVERFLOW_H
#define SHIM_LINUX_OVERFLOW_H

#include <linux/types.h>

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

/* SIZE_MAX, which no allocation satisfies, when it does not fit. */
static inline size_t shim_struct_size(size_t head, size_t each, size_t nr)
{
	size_t tail, sum;

	if (check_mul_overflow(each, nr, &tail) ||
	    check_add_overflow(head, tail, &sum))
		return SIZE_MAX;
	return sum;
}

#define struct_size(p, member, nr) \
	shim_struct_size(sizeof(*(p)), sizeof(*(p)->member), nr)

#endif
