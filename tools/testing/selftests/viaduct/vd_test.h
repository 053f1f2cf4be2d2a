/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_TEST_H
#define VD_TEST_H

/*
 * The kernel's own test harness, with a main() that exits with status 4 when
 * there is no device, and comparisons that allow the intended deviations.
 */

#include <errno.h>
#include <kselftest_harness.h>

#include "../../../lib/vguest/dev.h"
#include "../../../lib/vguest/wait.h"
#include "deviations.h"

/* Emulated and instrumented kernels need longer than the harness's limit. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/*
 * @want is the result of the reference. On another device the result that the
 * table of deviations has for @id is accepted as well.
 */
static inline long vd_want(const char *id, long want, long got)
{
	unsigned int i;

	if (vg_dev_is_reference())
		return want;
	for (i = 0; i < ARRAY_SIZE(vd_deviations); i++)
		if (!strcmp(vd_deviations[i].id, id) && got != want &&
		    vd_deviations[i].viaduct == got) {
			/* scripts/test lists these. */
			printf("# DEVIATION %s: %s\n", id,
			       vd_deviations[i].reason);
			fflush(stdout);
			return got;
		}
	return want;
}

#define EXPECT_CALL(id, want, call) do { \
	long _got = (call); \
	EXPECT_EQ(vd_want(id, want, _got), _got) { \
		TH_LOG("%s: %s = %ld, not %d", id, #call, _got, (int)(want)); \
	} \
} while (0)

/* For functions that return NULL or what went wrong. */
#define ASSERT_FINE(call) do { \
	const char *_why = (call); \
	ASSERT_EQ(NULL, _why) { TH_LOG("%s", _why); } \
} while (0)

#define EXPECT_FINE(call) do { \
	const char *_why = (call); \
	EXPECT_EQ(NULL, _why) { TH_LOG("%s", _why); } \
} while (0)

/* The limits of the cases are deadlines, too. */
static inline void vd_stretch_timeouts(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= vg_time_scale();
}

/* @why_: NULL, or why none of the program's cases can run. */
#define VD_TEST_MAIN_UNLESS(why_) \
	static void __attribute__((constructor)) \
	__constructor_order_last(void) \
	{ \
		if (!__constructor_order) \
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	} \
	int main(int argc, char **argv) \
	{ \
		const char *why = why_; \
		\
		if (why) { \
			printf("TAP version 13\n1..0 # SKIP %s\n", why); \
			return KSFT_SKIP; \
		} \
		if (access(vg_dev_path(), R_OK | W_OK)) { \
			printf("TAP version 13\n1..0 # SKIP %s: %s\n", \
			       vg_dev_path(), strerror(errno)); \
			return KSFT_SKIP; \
		} \
		vd_stretch_timeouts(); \
		return test_harness_run(argc, argv); \
	}

#define VD_TEST_MAIN VD_TEST_MAIN_UNLESS(NULL)

#endif
