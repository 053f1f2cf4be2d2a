// SPDX-License-Identifier: GPL-2.0-only
/* Messages on standard error, which a client must not be able to flood. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "print.h"

#define VDC_LINES	20	/* of each second */

static pthread_mutex_t vdc_print_lock = PTHREAD_MUTEX_INITIALIZER;
static time_t vdc_second;
static unsigned int vdc_lines;

void vdc_print(const char *fmt, ...)
{
	char line[512];
	struct timespec now;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&vdc_print_lock);
	if (now.tv_sec != vdc_second) {
		if (vdc_lines > VDC_LINES)
			fprintf(stderr, "viaduct-cuse: %u more lines\n",
				vdc_lines - VDC_LINES);
		vdc_second = now.tv_sec;
		vdc_lines = 0;
	}
	if (++vdc_lines <= VDC_LINES)
		fprintf(stderr, "viaduct-cuse: %s\n", line);
	pthread_mutex_unlock(&vdc_print_lock);
}
