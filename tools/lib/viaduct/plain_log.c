// SPDX-License-Identifier: GPL-2.0-only
/* Where this thread may log, for the engine's futex operation. */
#include <asm/futex.h>

__thread struct plain_range plain_log
	__attribute__((tls_model("initial-exec")));
