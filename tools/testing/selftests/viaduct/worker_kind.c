// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kind of thread of a worker, and its consequences: scheduling, namespaces,
 * limits. The in-tree driver is the oracle where it has the kind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "owner.h"

#define OTHER_ID	65534

FIXTURE(kind)
{
	int fd;
};

FIXTURE_VARIANT(kind)
{
	int kind;
};

FIXTURE_VARIANT_ADD(kind, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(kind, kthread) { .kind = 0 };

FIXTURE_SETUP(kind)
{
	NEEDS_KIND(variant->kind);
	vg_fork_from_owner = variant->kind;
	self->fd = abi_open();
}

FIXTURE_TEARDOWN(kind)
{
	close(self->fd);
}

TEST_F(kind, as_chosen)
{
	pid_t tid;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, vg_set_owner(self->fd));
	tid = vg_worker_find(getpid());
	ASSERT_NE(0, tid);
	EXPECT_EQ(variant->kind, owner_has_thread(getpid(), tid));
	ASSERT_EQ(0, vg_reset_owner(self->fd));
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

static void count_signal(int sig)
{
}

/*
 * Creation of a thread fails while a signal is pending: the call is restarted. The
 * signal arrives at another time in each call, in steps of 2 us.
 */
TEST_F(kind, signals_do_not_fail_set_owner)
{
	struct itimerval once = {}, never = {};
	struct sigaction sa = { .sa_handler = count_signal };
	int i, err = 0, fd;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	for (i = 0; i < 1500 && !err; i++) {
		fd = abi_open();
		once.it_value.tv_usec = 1 + i % 500 * 2;
		setitimer(ITIMER_REAL, &once, NULL);
		err = vg_set_owner(fd);
		setitimer(ITIMER_REAL, &never, NULL);
		close(fd);
	}
	if (err == -ENOMEM && vg_dev_is_reference())
		SKIP(return, "the reference's SET_OWNER fails with ENOMEM");
	EXPECT_EQ(0, err);
}

TEST_F(kind, further_ones_alike)
{
	uint32_t id, nr = 1;

	NEEDS_KIND(variant->kind);
	if (vg_dev_is_reference())
		SKIP(return, "not offered for network devices");
	ASSERT_EQ(0, vg_set_owner(self->fd));
	while (!vg_ioctl(self->fd, VG_NEW_WORKER, &id)) {
		EXPECT_EQ(nr, id);
		EXPECT_EQ(variant->kind,
			  owner_has_thread(getpid(),
					   vg_worker_find_id(getpid(), id)));
		nr++;
	}
	EXPECT_EQ(4, nr);
	EXPECT_EQ(-ENOSPC, vg_ioctl(self->fd, VG_NEW_WORKER, &id));
}

/* A thread of the owner is scheduled like it, a kernel thread by default. */
TEST_F(kind, scheduling)
{
	struct sched_param p = { 0 };
	cpu_set_t set, its;
	pid_t tid;

	NEEDS_KIND(variant->kind);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_BATCH, &p));
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, 5));
	ASSERT_EQ(0, vg_set_owner(self->fd));
	tid = vg_worker_find(getpid());
	ASSERT_EQ(0, sched_getaffinity(tid, sizeof(its), &its));
	EXPECT_EQ(variant->kind, CPU_EQUAL(&set, &its));
	EXPECT_EQ(variant->kind ? SCHED_BATCH : SCHED_OTHER,
		  sched_getscheduler(tid));
	EXPECT_EQ(variant->kind ? 5 : 0, getpriority(PRIO_PROCESS, tid));
}

static int count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int nr = 0;

	while (d && (e = readdir(d)))
		nr += e->d_name[0] != '.';
	return nr;
}

/* Process 1 of a PID namespace, with its own /proc. */
static int in_pid_namespace(int fd)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return 100;
	if (vg_set_owner(fd))
		return 101;
	return count_threads();
}

TEST_F(kind, pid_namespace)
{
	int status;
	pid_t pid;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid)
		_exit(in_pid_namespace(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(1 + variant->kind, WEXITSTATUS(status));
}

enum { NR_DEVS = 30, LIMIT = 20 };

static int devs[NR_DEVS];

static int own_all(int *err)
{
	int i;

	for (i = 0; i < NR_DEVS; i++) {
		*err = vg_set_owner(devs[i]);
		if (*err)
			break;
	}
	return i;
}

static pid_t fork_and_wait(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid;
}

/* Another user, with one process and a limit of LIMIT. */
static void as_nobody(struct __test_metadata *_metadata, int kind)
{
	struct rlimit r = { LIMIT, LIMIT };
	int i, err;

	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &r));
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(OTHER_ID));
	ASSERT_EQ(0, setuid(OTHER_ID));
	EXPECT_EQ(LIMIT - 1, own_all(&err));
	EXPECT_EQ(kind ? -ENOMEM : -EAGAIN, err);
	/* The workers count against what else the user can create. */
	EXPECT_EQ(-1, fork_and_wait());
	/* Neither a failed call nor an ended thread leaves anything behind. */
	ASSERT_EQ(0, vg_reset_owner(devs[0]));
	EXPECT_EQ(0, vg_worker_settle(getpid(), LIMIT - 2) - (LIMIT - 2));
	EXPECT_EQ(0, vg_set_owner(devs[LIMIT]));
	EXPECT_EQ(kind ? -ENOMEM : -EAGAIN, vg_set_owner(devs[0]));
	for (i = 0; i < NR_DEVS; i++)
		close(devs[i]);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
	EXPECT_LT(0, fork_and_wait());
}

TEST_F(kind, counts_in_rlimit_nproc)
{
	int i;

	NEEDS_KIND(variant->kind);
	if (vg_dev_is_reference() && !variant->kind)
		SKIP(return, "the reference's kernel threads count for no user");
	for (i = 0; i < NR_DEVS; i++)
		devs[i] = abi_open();
	as_nobody(_metadata, variant->kind);
}

TEST_F(kind, root_is_exempt)
{
	struct rlimit r = { 1, 1 };

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &r));
	EXPECT_EQ(0, vg_set_owner(self->fd));
	EXPECT_EQ(1, vg_worker_count(getpid()));
}

static int own_under_limit(struct cgroup *c)
{
	int i, err, nr;

	for (i = 0; i < NR_DEVS; i++)
		devs[i] = abi_open();
	if (cgroup_join(c, 0))
		return 100;
	nr = own_all(&err);
	if (err && err != -ENOMEM)
		return 101;
	return nr;
}

/* The pids controller counts threads of processes, and no kernel threads. */
TEST_F(kind, pids_controller)
{
	struct cgroup c;
	int status;
	pid_t pid;

	NEEDS_KIND(variant->kind);
	ASSERT_FINE(cgroup_open(&c, "pids"));
	if (!c.has_controller)
		SKIP(goto out, "no pids controller in the unified hierarchy");
	ASSERT_EQ(0, cgroup_write(&c, "pids.max", "4"));
	pid = fork();
	if (!pid)
		_exit(own_under_limit(&c));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(variant->kind ? 3 : NR_DEVS, WEXITSTATUS(status));
out:
	EXPECT_EQ(0, cgroup_close(&c));
}

VD_TEST_MAIN
