// SPDX-License-Identifier: GPL-2.0-only
/* usage: unit [PART]... runs the cases with one of the parts in their names. */
#include <linux/slab.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "umem.h"
#include "unit.h"

static struct unit_case *unit_first;
static struct unit_case **unit_last = &unit_first;
static jmp_buf unit_out;

void unit_register(struct unit_case *c)
{
	*unit_last = c;
	unit_last = &c->next;
}

void unit_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	longjmp(unit_out, 1);
}

/* The status of a child that runs @fn; its messages are expected, and discarded. */
static int unit_status(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (freopen("/dev/null", "w", stderr))
			fn();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : 0;
}

bool unit_dies(void (*fn)(void))
{
	int status = unit_status(fn);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

bool unit_crashes(void (*fn)(void))
{
	return unit_status(fn);
}

static bool unit_run(struct unit_case *c)
{
	umem_reset();
	slab_reset();
	if (setjmp(unit_out))
		return false;
	c->run();
	umem_settle();
	if (slab_nr_live()) {
		printf("# %ld allocations were not freed\n", slab_nr_live());
		return false;
	}
	return true;
}

static bool unit_is_wanted(const struct unit_case *c, char **part)
{
	if (!*part)
		return true;
	for (; *part; part++)
		if (strstr(c->name, *part))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int nr = 0, failed = 0;
	struct unit_case *c;

	(void)argc;
	for (c = unit_first; c; c = c->next)
		nr += unit_is_wanted(c, argv + 1);
	printf("KTAP version 1\n1..%u\n", nr);
	nr = 0;
	for (c = unit_first; c; c = c->next) {
		bool ok;

		if (!unit_is_wanted(c, argv + 1))
			continue;
		ok = unit_run(c);
		failed += !ok;
		printf("%s %u - %s\n", ok ? "ok" : "not ok", ++nr, c->name);
		fflush(stdout);
	}
	umem_reset();
	printf("# %u passed, %u failed\n", nr - failed, failed);
	return nr && !failed ? 0 : 1;
}
