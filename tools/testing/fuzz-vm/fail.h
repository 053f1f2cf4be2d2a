/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_FAIL_H
#define FZ_FAIL_H

#include <stdbool.h>

/* A fault of the calling thread is armed, for the operation that follows. */
bool fz_fail_is_armed(void);
void fz_fail_disarm(void);

#endif
