// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner that is stopped, frozen, or closes its device on a processor that a
 * real-time worker may take.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "owner.h"

FIXTURE(pause)
{
	struct owner owner;
};

FIXTURE_VARIANT(pause)
{
	int kind;
};

FIXTURE_VARIANT_ADD(pause, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(pause, kthread) { .kind = 0 };

FIXTURE_SETUP(pause)
{
	NEEDS_KIND(variant->kind);
	ASSERT_FINE(owner_start(&self->owner, variant->kind));
}

FIXTURE_TEARDOWN(pause)
{
	if (self->owner.pid)
		owner_stop(&self->owner);
}

static bool gets_state(pid_t tid, char state, unsigned int ms)
{
	uint64_t deadline = vg_deadline_ms(ms);

	while (owner_thread_state(tid) != state) {
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* A thread is in state T for a moment before it leaves the processor. */
static uint64_t settled_runtime(pid_t tid)
{
	uint64_t deadline = vg_deadline_ms(5000), before, now = 0;

	do {
		before = now;
		poll(NULL, 0, 10);
		now = vg_worker_runtime(tid);
	} while (now != before && !vg_expired(deadline));
	return now;
}

/* Stopped with packets on their way; none is lost, and none moves meanwhile. */
TEST_F(pause, stopped)
{
	pid_t tid = vg_worker_find(self->owner.pid);
	uint64_t ran;
	int i;

	NEEDS_KIND(variant->kind);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, kill(self->owner.pid, SIGSTOP));
		ASSERT_TRUE(gets_state(self->owner.pid, 'T', 5000));
		EXPECT_EQ(variant->kind, gets_state(tid, 'T', variant->kind ?
							      5000 : 100));
		ran = settled_runtime(tid);
		poll(NULL, 0, 50);
		if (variant->kind)
			EXPECT_EQ(ran, vg_worker_runtime(tid));
		ASSERT_EQ(0, kill(self->owner.pid, SIGCONT));
		ASSERT_FINE(owner_ask(&self->owner, OWNER_LOAD));
	}
}

static bool freezes(struct cgroup *c, unsigned int ms)
{
	uint64_t deadline = vg_deadline_ms(ms);

	while (cgroup_read(c, "cgroup.events", "frozen ") != 1) {
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* The worker was created in another cgroup than the one it is moved to. */
TEST_F(pause, frozen)
{
	struct cgroup c;
	int i;

	NEEDS_KIND(variant->kind);
	ASSERT_FINE(cgroup_open(&c, NULL));
	ASSERT_EQ(0, cgroup_join(&c, self->owner.pid));
	for (i = 0; i < 10; i++) {
		/* Under load, and idle. */
		ASSERT_FINE(owner_ask(&self->owner,
				      i % 2 ? OWNER_IDLE : OWNER_LOAD));
		ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "1"));
		EXPECT_TRUE(freezes(&c, 1000));
		ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "0"));
		ASSERT_FINE(owner_ask(&self->owner, OWNER_LOAD));
	}
	owner_stop(&self->owner);
	self->owner.pid = 0;
	EXPECT_EQ(0, cgroup_close(&c));
}

static int become_owner_in(struct cgroup *c, int say, int hear)
{
	int fd = abi_open();
	char b = 'y';

	if (cgroup_join(c, 0) || vg_set_owner(fd) || write(say, &b, 1) != 1)
		return 1;
	return read(hear, &b, 1) < 0;
}

/*
 * A worker that is created in the cgroup of its owner freezes with it if it is a
 * thread of the owner. A kernel thread cannot freeze, and the cgroup waits for it.
 */
TEST_F(pause, frozen_where_it_was_created)
{
	int up[2], down[2], status;
	struct cgroup c;
	pid_t pid;
	char b;

	NEEDS_KIND(variant->kind);
	vg_fork_from_owner = variant->kind;
	ASSERT_FINE(cgroup_open(&c, NULL));
	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(down));
	pid = fork();
	if (!pid) {
		close(down[1]);
		_exit(become_owner_in(&c, up[1], down[0]));
	}
	ASSERT_EQ(1, read(up[0], &b, 1));
	ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "1"));
	EXPECT_EQ(variant->kind, freezes(&c, 1000));
	ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "0"));
	close(down[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, cgroup_close(&c));
}

static void set_rt_runtime(const char *us)
{
	int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);

	if (fd < 0 || write(fd, us, strlen(us)) < 0)
		abort();
	close(fd);
}

static void pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set))
		abort();
}

static volatile bool closed;
static int device;

static void *close_it(void *arg)
{
	pin(0, 0);
	close(device);
	closed = true;
	return arg;
}

/* Milliseconds that a close() takes beside a real-time worker, 5000 at most. */
static unsigned int time_close(void)
{
	struct sched_param lowest = { .sched_priority = 1 }, none = { 0 };
	pthread_t t;
	pid_t tid;
	int ms;

	closed = false;
	device = abi_owned();
	tid = vg_worker_find(getpid());
	pin(tid, 0);
	if (sched_setscheduler(tid, SCHED_FIFO, &lowest) ||
	    pthread_create(&t, NULL, close_it, NULL))
		abort();
	for (ms = 0; ms < 5000 && !closed; ms += 10)
		poll(NULL, 0, 10);
	if (!closed)
		sched_setscheduler(tid, SCHED_OTHER, &none);
	pthread_join(t, NULL);
	return ms;
}

static const char *const rt_runtimes[] = { "950000", "-1" };

/* The best of three: other machines may run on the processors. */
TEST_F(pause, real_time_worker_lets_close)
{
	struct sched_param high = { .sched_priority = 50 };
	unsigned int i, n, ms, best;

	NEEDS_KIND(variant->kind);
	vg_fork_from_owner = variant->kind;
	owner_stop(&self->owner);
	self->owner.pid = 0;
	for (i = 0; i < ARRAY_SIZE(rt_runtimes); i++) {
		set_rt_runtime(rt_runtimes[i]);
		pin(0, 1);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK,
						&high));
		best = UINT32_MAX;
		for (n = 0; n < 3 && best > 500; n++) {
			ms = time_close();
			best = ms < best ? ms : best;
		}
		EXPECT_GE(500, best) {
			TH_LOG("sched_rt_runtime_us %s: %u ms", rt_runtimes[i],
			       best);
		}
	}
	set_rt_runtime("950000");
}

VD_TEST_MAIN
