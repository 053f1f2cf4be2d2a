// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: test [PART]... runs the cases with one of the parts in their names; 1 if one
 * has failed, or there is none.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define TEST_DEADLINE	120

static struct test_case *first, **last = &first;

void test_register(struct test_case *c)
{
	*last = c;
	last = &c->next;
}

static int wanted(const struct test_case *c, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(c->name, argv[i]))
			return 1;
	return argc == 1;
}

static int run(const struct test_case *c, int nr)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(TEST_DEADLINE);
		c->run();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	if (status && WIFSIGNALED(status))
		printf("# signal %d\n", WTERMSIG(status));
	printf("%s %d %s\n", status ? "not ok" : "ok", nr, c->name);
	return !!status;
}

int main(int argc, char **argv)
{
	const struct test_case *c;
	int nr = 0, failed = 0;

	printf("KTAP version 1\n");
	for (c = first; c; c = c->next)
		if (wanted(c, argc, argv))
			failed += run(c, ++nr);
	printf("1..%d\n# %d passed, %d failed\n", nr, nr - failed, failed);
	return failed || !nr;
}
