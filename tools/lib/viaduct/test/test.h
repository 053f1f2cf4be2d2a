/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test runner. Each case runs in a process of its own, with a deadline,
 * so that a crash or a hang is the failure of one case. Output is KTAP.
 */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

void test_register(struct test_case *c);

#define TEST(test)						\
	static void test(void);					\
	static struct test_case test##_case = {			\
		.name = #test,					\
		.run = test,					\
	};							\
	__attribute__((constructor))				\
	static void test##_register(void)			\
	{							\
		test_register(&test##_case);			\
	}							\
	static void test(void)

#define FAIL(...) do {						\
	printf("# %s:%d: ", __FILE__, __LINE__);		\
	printf(__VA_ARGS__);					\
	putchar('\n');						\
	exit(1);						\
} while (0)

#define CHECK(cond) do {					\
	if (!(cond))						\
		FAIL("%s", #cond);				\
} while (0)

#define CHECK_EQ(seen, want) do {				\
	long long __seen = (long long)(seen);			\
	long long __want = (long long)(want);			\
								\
	if (__seen != __want)					\
		FAIL("%s is %lld (%#llx), not %lld (%#llx)",	\
		     #seen, __seen, __seen, __want, __want);	\
} while (0)

#endif
