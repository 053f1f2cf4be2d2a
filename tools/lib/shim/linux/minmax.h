/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

/* Like the kernel's, these do not compile when the types differ. */
#define shim_pick(a, b, op) ({					\
	__typeof__(a) __a = (a);				\
	__typeof__(b) __b = (b);				\
	(void)(&__a == &__b);					\
	__a op __b ? __a : __b; })

#define min(a, b)		shim_pick(a, b, <)
#define max(a, b)		shim_pick(a, b, >)
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))

#define swap(a, b) do {						\
	__typeof__(a) __tmp = (a);				\
	(a) = (b);						\
	(b) = __tmp;						\
} while (0)

#endif
