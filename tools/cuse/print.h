/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the server. */
#ifndef VDC_PRINT_H
#define VDC_PRINT_H

/* Prints at most 20 lines a second: clients cause them. */
void vdc_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
