// SPDX-License-Identifier: GPL-2.0-only
/* VIADUCT_WORKER_PER_RING, by several callers and for owners of both kinds. */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <linux/viaduct.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../lib/vguest/dev.h"
#include "pin.h"

int per_ring(int fd)
{
	return vg_ioctl(fd, VIADUCT_WORKER_PER_RING, NULL);
}

int become_nobody(void)
{
	return setgroups(0, NULL) || setgid(OTHER_ID) || setuid(OTHER_ID);
}

int stay_root(void)
{
	return 0;
}

int be_root_of_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &head, none);
}

int call_as(int (*become)(void), int fd)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(become() ? 255 : -per_ring(fd));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -255;
	return -WEXITSTATUS(status);
}

static void idle(struct idler *i, int (*become)(void), unsigned long limit,
		 bool is_dumpable, int up)
{
	struct rlimit r = { limit, limit };
	char c = 'y';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setrlimit(RLIMIT_NPROC, &r) || become() ||
	    prctl(PR_SET_DUMPABLE, is_dumpable) || vg_set_owner(i->dev))
		_exit(1);
	if (write(up, &c, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

bool idler_start(struct idler *i, int kind, int (*become)(void),
		 unsigned long limit, bool is_dumpable)
{
	int up[2];
	char c;

	vg_fork_from_owner = kind;
	i->dev = vg_dev_open(NULL);
	if (i->dev < 0 || pipe(up))
		return false;
	i->pid = fork();
	if (!i->pid)
		idle(i, become, limit, is_dumpable, up[1]);
	close(up[1]);
	return read(up[0], &c, 1) == 1;
}

void idler_stop(struct idler *i)
{
	kill(i->pid, SIGKILL);
	waitpid(i->pid, NULL, 0);
	close(i->dev);
}
