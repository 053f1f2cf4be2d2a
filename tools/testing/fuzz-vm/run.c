// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a program in a process of its own, which is killed when it takes too long, and
 * checks that nothing is left of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/vguest/wait.h"
#include "exec.h"

/* Milliseconds of a program, and of its end after it was killed. */
#define END_LIMIT	30000
/* Milliseconds after which nothing is left of it. */
#define REST_LIMIT	10000

unsigned int fz_run_limit = 2500;

/* Waits for all processes of the program; false if one of them stays. */
static bool reap(pid_t pid)
{
	uint64_t deadline = vg_deadline_ms(END_LIMIT);

	for (;;) {
		pid_t gone;

		kill(-pid, SIGKILL);
		gone = waitpid(-1, NULL, WNOHANG);
		if (gone < 0 && errno == ECHILD)
			return true;
		if (gone)
			continue;
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
}

/* A device that stays open, or the interface of a tap that does. */
static const char *find_rest(void)
{
	int fd = open("/sys/module/viaduct/refcnt", O_RDONLY | O_CLOEXEC);
	char count[16] = "0";

	if (fd >= 0 && read(fd, count, sizeof(count) - 1) < 0)
		count[0] = '0';
	if (fd >= 0)
		close(fd);
	if (atoi(count))
		return "a device stays open";
	/* if_nametoindex() would make the kernel try to load a module of that name. */
	return access("/sys/class/net/vdt0", F_OK) ? NULL : "an interface stays";
}

/* The last references are dropped a moment after the process has ended. */
static const char *await_clean(void)
{
	uint64_t deadline = vg_deadline_ms(REST_LIMIT);
	const char *why;

	while ((why = find_rest()) && !vg_expired(deadline))
		poll(NULL, 0, 1);
	return why;
}

static void child_main(const struct fz_prog *p)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fz_exec(p);
}

static void restore_params(const struct fz_prog *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (fz_ops[p->op[i].code].run == fz_op_param)
			fz_op_param(NULL, (uint64_t[]){ p->op[i].arg[0], 1 });
}

static unsigned int limit_of(const struct fz_prog *p)
{
	unsigned int i, ms = fz_run_limit;

	for (i = 0; i < p->nr; i++)
		if (fz_ops[p->op[i].code].run == fz_op_sleep)
			ms += p->op[i].arg[0] % 10 * 1000;
	return ms;
}

static unsigned int ms_since(uint64_t *start)
{
	uint64_t then = *start;

	*start = vg_now_ns();
	return (*start - then) / 1000000;
}

/* Descendants become children of this process when their parents end. */
const char *fz_run(const struct fz_prog *p, struct fz_time *time)
{
	uint64_t start = vg_now_ns();
	const char *why = NULL;
	int pidfd;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid)
		child_main(p);
	setpgid(pid, pid);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	vg_wait_fd(pidfd, POLLIN, vg_deadline_ms(limit_of(p)));
	close(pidfd);
	time->run = ms_since(&start);
	if (!reap(pid))
		why = "its processes do not end";
	time->end = ms_since(&start);
	if (!why)
		why = await_clean();
	time->rest = ms_since(&start);
	restore_params(p);
	return why;
}
