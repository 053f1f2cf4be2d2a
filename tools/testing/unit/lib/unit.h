/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test runner: cases register themselves, each begins with empty user
 * memory and no injected failure, and must end with all windows closed and
 * all memory freed. Output is KTAP.
 */
#ifndef UNIT_H
#define UNIT_H

#include <linux/types.h>
#include <errno.h>
#include <stdarg.h>

struct unit_case {
	const char *name;
	void (*run)(void);
	struct unit_case *next;
};

void unit_register(struct unit_case *c);
/* Ends the case that runs. */
void unit_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* True if the shim ends the program during @fn, which runs in a child. */
bool unit_dies(void (*fn)(void));
/* True when @fn ends the program in any way. */
bool unit_crashes(void (*fn)(void));

#define TEST(test)						\
	static void test(void);					\
	static struct unit_case test##_case = {			\
		.name = #test,					\
		.run = test,					\
	};							\
	__attribute__((constructor))				\
	static void test##_register(void)			\
	{							\
		unit_register(&test##_case);			\
	}							\
	static void test(void)

#define CHECK(cond) do {					\
	if (!(cond))						\
		unit_fail(__FILE__, __LINE__, "%s", #cond);	\
} while (0)

#define CHECK_EQ(seen, want) do {				\
	long long __seen = (long long)(seen);			\
	long long __want = (long long)(want);			\
								\
	if (__seen != __want)					\
		unit_fail(__FILE__, __LINE__,			\
			  "%s is %lld (%#llx), not %lld (%#llx)", \
			  #seen, __seen, __seen, __want, __want); \
} while (0)

#endif
