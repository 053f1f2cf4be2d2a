// SPDX-License-Identifier: GPL-2.0-only
/* Messages on standard error, which a service manager puts into its log. */
#include <stdarg.h>
#include <stdio.h>

#include "print.h"

/**
 * vdd_print() - print a message
 * @fmt: its format
 *
 * Several processes print: a line must be one write.
 */
void vdd_print(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "viaductd: %s\n", line);
}
