// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the host while packets move: processors go off and on, user space is
 * frozen as for a suspend, the owner changes its cgroup, or is killed at any point.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "owner.h"
#include "rig.h"

#define ROUNDS		10
#define CPU1_ONLINE	"/sys/devices/system/cpu/cpu1/online"

FIXTURE(event)
{
	struct owner owner;
};

FIXTURE_VARIANT(event)
{
	int kind;
};

FIXTURE_VARIANT_ADD(event, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(event, kthread) { .kind = 0 };

FIXTURE_SETUP(event)
{
	NEEDS_KIND(variant->kind);
	ASSERT_FINE(owner_start(&self->owner, variant->kind));
}

FIXTURE_TEARDOWN(event)
{
	if (self->owner.pid)
		owner_stop(&self->owner);
}

/* 0 or -errno. */
static int set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int place(pid_t tid, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(tid, sizeof(cpus), &cpus);
}

/* The kernel moves a thread off a processor that goes off. */
TEST_F(event, processor_goes_off_and_on)
{
	pid_t tid = vg_worker_find(self->owner.pid);
	int i;

	NEEDS_KIND(variant->kind);
	if (access(CPU1_ONLINE, W_OK))
		SKIP(return, "no second processor that can go off");
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, place(tid, 1));
		ASSERT_FINE(owner_ask(&self->owner, OWNER_LOAD));
		ASSERT_EQ(0, set(CPU1_ONLINE, "0"));
		EXPECT_FINE(owner_ask(&self->owner, OWNER_LOAD));
		ASSERT_EQ(0, set(CPU1_ONLINE, "1"));
		EXPECT_FINE(owner_ask(&self->owner, OWNER_LOAD));
	}
}

/*
 * The first step of a suspend, and back. A kernel thread goes on meanwhile. The
 * further steps would take the file system of the tests' own VM away.
 */
TEST_F(event, user_space_is_frozen)
{
	int i;

	NEEDS_KIND(variant->kind);
	if (set("/sys/power/pm_test", "freezer"))
		SKIP(return, "the kernel has no tests of suspend (CONFIG_PM_DEBUG)");
	for (i = 0; i < ROUNDS; i++) {
		/* Seconds for which all stays frozen. */
		ASSERT_EQ(0, set("/sys/module/suspend/parameters/pm_test_delay",
				 i ? "0" : "1"));
		ASSERT_FINE(owner_ask(&self->owner,
				      i % 2 ? OWNER_IDLE : OWNER_LOAD));
		EXPECT_EQ(0, set("/sys/power/state", "freeze"));
		EXPECT_FINE(owner_ask(&self->owner, OWNER_LOAD));
	}
	EXPECT_EQ(0, set("/sys/power/pm_test", "none"));
}

TEST_F(event, owner_changes_its_cgroup)
{
	struct cgroup outer, inner;
	int i;

	NEEDS_KIND(variant->kind);
	ASSERT_FINE(cgroup_open(&outer, NULL));
	inner = outer;
	ASSERT_GT(sizeof(inner.path), strlen(outer.path) + 2);
	strcat(inner.path, "/b");
	ASSERT_EQ(0, mkdir(inner.path, 0755));
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, cgroup_join(i % 2 ? &outer : &inner,
					 self->owner.pid));
		EXPECT_FINE(owner_ask(&self->owner, OWNER_LOAD));
	}
	owner_stop(&self->owner);
	self->owner.pid = 0;
	EXPECT_EQ(0, rmdir(inner.path));
	EXPECT_EQ(0, cgroup_close(&outer));
}

FIXTURE(killed)
{
	int rounds;
};

FIXTURE_VARIANT(killed)
{
	int kind;
};

FIXTURE_VARIANT_ADD(killed, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(killed, kthread) { .kind = 0 };

FIXTURE_SETUP(killed)
{
	const char *env = getenv("VD_OWNER_KILLS");

	self->rounds = env ? atoi(env) : 20;
}

FIXTURE_TEARDOWN(killed)
{
}

static void move_packets(int kind)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	static struct rig rig;
	struct stream s[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vg_fork_from_owner = kind;
	if (rig_open(&rig, RIG_TAP, &o) || rig_start(&rig))
		_exit(1);
	stream_endless(s, &rig);
	while (!stream_load(s, 50))
		;
	_exit(2);
}

/* Milliseconds until there is a worker. */
static unsigned int time_set_up(pid_t pid)
{
	uint64_t begin = vg_now_ns(), deadline = vg_deadline_ms(10000);

	while (!vg_worker_find(pid) && !vg_expired(deadline))
		poll(NULL, 0, 1);
	return (vg_now_ns() - begin) / 1000000 + 1;
}

/* While it is set up, or at work. VD_OWNER_KILLS times (20). */
TEST_F_TIMEOUT(killed, at_any_point, 600)
{
	unsigned int seed = 1, at_work = 0, set_up = 0;
	int i, status;
	pid_t pid;

	NEEDS_KIND(variant->kind);
	for (i = 0; i < self->rounds; i++) {
		pid = fork();
		if (!pid)
			move_packets(variant->kind);
		if (!set_up)
			set_up = time_set_up(pid);
		else
			poll(NULL, 0, rand_r(&seed) % (2 * set_up));
		at_work += vg_worker_find(pid) > 0;
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(0, vg_worker_settle(pid, 0));
	}
	printf("# %d kills, %u of them with a worker\n", i, at_work);
	fflush(stdout);
	EXPECT_LT(0, at_work);
}

VD_TEST_MAIN
