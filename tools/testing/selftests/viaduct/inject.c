// SPDX-License-Identifier: GPL-2.0-only
/* Faults injected into one thread, by its fail-nth in proc. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"

static bool knob(const char *name, const char *value)
{
	char path[128];
	int fd, len = strlen(value);
	bool done;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	fd = open(path, O_WRONLY);
	done = fd >= 0 && write(fd, value, len) == len;
	close(fd);
	return done;
}

int inject_open(pid_t tid, const char **why)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	fd = open(path, O_RDWR);
	if (fd < 0) {
		*why = "this kernel has no /proc/PID/fail-nth (needs the debug kernel)";
		return -1;
	}
	/* By default allocations that may wait do not fail. */
	if (!knob("failslab/ignore-gfp-wait", "N") ||
	    !knob("fail_page_alloc/ignore-gfp-wait", "N") ||
	    !knob("fail_page_alloc/min-order", "0")) {
		close(fd);
		*why = "debugfs has no failslab and fail_page_alloc";
		return -1;
	}
	/* One report a fault would drown the console. */
	knob("failslab/verbose", "0");
	knob("fail_page_alloc/verbose", "0");
	knob("fail_usercopy/verbose", "0");
	return fd;
}

void inject_arm(int fd, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	/* A pending fault of the calling thread can make this write fail, once. */
	if (pwrite(fd, text, len, 0) != len && pwrite(fd, text, len, 0) != len)
		abort();
}

bool inject_disarm(int fd)
{
	char text[16] = "";
	/* If the read fails, it met the fault, which was still pending. */
	bool was_spent = pread(fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	inject_arm(fd, 0);
	return was_spent;
}
