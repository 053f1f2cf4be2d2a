/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the daemon. */
#ifndef VDD_PRINT_H
#define VDD_PRINT_H

void vdd_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
