// SPDX-License-Identifier: GPL-2.0-only
/*
 * VIADUCT_WORKER_PER_RING for an owner that is stopped, frozen or killed meanwhile: the
 * wait is bounded, can be killed, and leaves the state as it was.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "pin_fixture.h"

static bool stops(struct owner *o)
{
	uint64_t deadline = vg_deadline_ms(5000);
	pid_t tid = vg_worker_find(o->pid);

	if (kill(o->pid, SIGSTOP))
		return false;
	while (owner_has_thread(o->pid, tid) &&
	       owner_thread_state(tid) != 'T' && !vg_expired(deadline))
		poll(NULL, 0, 1);
	return !vg_expired(deadline);
}

/* The wait for the thread of a stopped owner is bounded, and nothing changes. */
TEST_F(pin, stopped_owner)
{
	struct owner *o = &self->owner;
	uint64_t limit;

	NEEDS_CALL();
	ASSERT_TRUE(stops(o));
	limit = vg_deadline_ms(20000);
	EXPECT_EQ(variant->kind ? -ETIMEDOUT : 0, per_ring(o->dev));
	EXPECT_FALSE(vg_expired(limit));
	if (variant->kind)
		check_one_worker(_metadata, o->dev);
	ASSERT_EQ(0, kill(o->pid, SIGCONT));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	/* The call that was given up has no effect later. */
	if (variant->kind)
		check_one_worker(_metadata, o->dev);
	EXPECT_EQ(0, per_ring(o->dev));
	check_two_workers(_metadata, o->dev);
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
}

TEST_F(pin, frozen_owner)
{
	struct owner *o = &self->owner;
	struct cgroup c;

	NEEDS_CALL();
	ASSERT_FINE(cgroup_open(&c, NULL));
	ASSERT_EQ(0, cgroup_join(&c, o->pid));
	ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "1"));
	EXPECT_EQ(variant->kind ? -ETIMEDOUT : 0, per_ring(o->dev));
	ASSERT_EQ(0, cgroup_write(&c, "cgroup.freeze", "0"));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	EXPECT_EQ(0, per_ring(o->dev));
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
	owner_stop(o);
	o->pid = 0;
	EXPECT_EQ(0, cgroup_close(&c));
}

/* A caller that waits for the thread of a stopped owner can be killed. */
TEST_F(pin, killed_caller)
{
	struct owner *o = &self->owner;
	struct owner caller = { .dev = -1 };
	int status;

	NEEDS_CALL();
	if (!variant->kind)
		SKIP(return, "the wait is for a thread of the owner");
	ASSERT_TRUE(stops(o));
	caller.pid = fork();
	if (!caller.pid)
		_exit(-per_ring(o->dev));
	poll(NULL, 0, 300);
	ASSERT_EQ(0, kill(caller.pid, SIGKILL));
	ASSERT_TRUE(owner_ends(&caller, 2000, &status));
	EXPECT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(0, kill(o->pid, SIGCONT));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	check_one_worker(_metadata, o->dev);
	EXPECT_EQ(0, per_ring(o->dev));
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
}

static int call_without_end(void *arg)
{
	struct owner *o = arg;

	for (;;) {
		int ret = per_ring(o->dev);

		if (ret)
			_exit(-ret);
	}
}

/* A thread that has ended may be in /proc for a moment. */
static bool worker_goes(pid_t owner, unsigned int id)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (vg_worker_find_id(owner, id) && !vg_expired(deadline))
		sched_yield();
	return !vg_worker_find_id(owner, id);
}

/* The owner is killed at any moment of a call, which must end; no worker may be left. */
TEST_F(pin, owner_is_killed_meanwhile)
{
	struct owner caller;
	int i, status;

	NEEDS_CALL();
	owner_stop(&self->owner);
	self->owner.pid = 0;
	vg_fork_from_owner = variant->kind;
	for (i = 0; i < 60; i++) {
		struct idler o;

		ASSERT_TRUE(idler_start(&o, variant->kind, stay_root,
					RLIM_INFINITY, true));
		caller = (struct owner){ .dev = o.dev, .pid = fork() };
		if (!caller.pid)
			call_without_end(&caller);
		/* A call takes some 100 us. */
		usleep(i * 20);
		ASSERT_EQ(0, kill(o.pid, SIGKILL));
		ASSERT_TRUE(owner_ends(&caller, 10000, &status));
		EXPECT_EQ(ESRCH, WEXITSTATUS(status));
		waitpid(o.pid, NULL, 0);
		close(o.dev);
		EXPECT_EQ(0, vg_worker_settle(o.pid, 0));
		EXPECT_TRUE(worker_goes(o.pid, 1));
	}
}

VD_TEST_MAIN
