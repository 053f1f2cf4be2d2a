// SPDX-License-Identifier: GPL-2.0-only
/* Operations of processes: time, faults, users, limits, ends. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec.h"
#include "fail.h"

static __thread bool is_armed;

static void write_number(const char *path, uint64_t value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "%llu", (unsigned long long)value);
	close(fd);
}

bool fz_fail_is_armed(void)
{
	return is_armed;
}

/* A fault that is still armed can hit the first write. */
void fz_fail_disarm(void)
{
	write_number("/proc/thread-self/fail-nth", 0);
	write_number("/proc/thread-self/fail-nth", 0);
	is_armed = false;
}

FZ_OP(wait)
{
	poll(NULL, 0, arg[0] < 100 ? arg[0] : 100);
	(void)vm;
}

FZ_OP(sleep)
{
	poll(NULL, 0, arg[0] < 10 ? arg[0] * 1000 : 10000);
	(void)vm;
}

/* The n-th allocation or user copy of the next operation fails. */
FZ_OP(fail)
{
	is_armed = arg[0];
	write_number("/proc/thread-self/fail-nth", arg[0]);
	(void)vm;
}

/* The same for the workers that are threads of this process. */
FZ_OP(fail_worker)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (!fgets(name, sizeof(name), f))
			name[0] = '\0';
		fclose(f);
		snprintf(path, sizeof(path), "/proc/self/task/%s/fail-nth", d->d_name);
		if (!strncmp(name, "vhost-", 6))
			write_number(path, arg[0]);
	}
	if (dir)
		closedir(dir);
	(void)vm;
}

/* Of this thread alone, as the system call does it. */
FZ_OP(uid)
{
	syscall(SYS_setresuid, (uid_t)arg[0], (uid_t)arg[0], (uid_t)arg[0]);
	(void)vm;
}

FZ_OP(limit)
{
	struct rlimit limit = { arg[0], arg[0] };

	setrlimit(RLIMIT_NPROC, &limit);
	(void)vm;
}

static void read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
	if (fd >= 0)
		close(fd);
}

/* What the device shows of itself. */
FZ_OP(show)
{
	struct pollfd p = { .fd = fz_dev(vm, arg[0]), .events = POLLIN };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", p.fd);
	read_all(path);
	read_all("/sys/kernel/debug/viaduct/queues");
	poll(&p, 1, 0);
	lseek(p.fd, 0, SEEK_CUR);
}

FZ_OP(param)
{
	static const char * const files[3] = {
		"/sys/module/viaduct/parameters/rx_direct",
		"/sys/module/viaduct/parameters/rx_direct_xdp",
		"/sys/module/viaduct/parameters/tx_direct",
	};

	write_number(files[arg[0] % 3], arg[1]);
	(void)vm;
}

/* Stops or continues the processes that the program has forked. */
FZ_OP(stop)
{
	unsigned int i;

	for (i = 0; i < vm->nr_children; i++)
		kill(vm->child[i], arg[0] ? SIGSTOP : SIGCONT);
}

static void nothing(int sig)
{
	(void)sig;
}

/* A signal each fifth of a millisecond. */
FZ_OP(signals)
{
	const struct sigaction act = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	suseconds_t us = arg[0] ? 200 : 0;
	const struct itimerval timer = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	(void)vm;
}

/* Into a cgroup of its own in both hierarchies, or back. */
FZ_OP(cgroup)
{
	write_number(arg[0] ? "/sys/fs/cgroup/fz/cgroup.procs" :
			      "/sys/fs/cgroup/cgroup.procs", getpid());
	write_number(arg[0] ? "/sys/fs/cgroup/named/fz/cgroup.procs" :
			      "/sys/fs/cgroup/named/cgroup.procs", getpid());
	(void)vm;
}

/* Memory pressure, as far as shrinkers see it. */
FZ_OP(shrink)
{
	write_number("/proc/sys/vm/drop_caches", 2);
	(void)vm;
	(void)arg;
}

FZ_OP(die)
{
	kill(getpid(), SIGKILL);
	(void)vm;
	(void)arg;
}

/* Another program takes the place of this one, and ends soon. */
FZ_OP(exec)
{
	execl("/proc/self/exe", "fuzz", "idle", NULL);
	(void)vm;
	(void)arg;
}
