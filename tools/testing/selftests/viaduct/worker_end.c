// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of an owner while another process holds its device. A worker that is
 * a thread of the owner ends with it, and the device is dead; a kernel thread
 * continues. Either way calls return, and the last close leaves nothing behind.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "owner.h"

FIXTURE(end)
{
	struct owner owner;
};

FIXTURE_VARIANT(end)
{
	int kind;
};

FIXTURE_VARIANT_ADD(end, task) { .kind = 1 };
FIXTURE_VARIANT_ADD(end, kthread) { .kind = 0 };

FIXTURE_SETUP(end)
{
	NEEDS_KIND(variant->kind);
	ASSERT_FINE(owner_start(&self->owner, variant->kind));
}

FIXTURE_TEARDOWN(end)
{
	if (self->owner.pid)
		owner_stop(&self->owner);
}

/* The process of @o has ended or runs another program; the test holds the device. */
static void check_what_is_left(struct __test_metadata *_metadata,
			       struct owner *o, int kind)
{
	uint64_t features, since;

	EXPECT_EQ(!kind, vg_worker_settle(o->pid, !kind));
	EXPECT_EQ(0, vg_get_features(o->dev, &features));
	EXPECT_EQ(0, vg_set_features(o->dev, 0));
	EXPECT_EQ(-EPERM, vg_set_vring_num(o->dev, VG_RX, 256));
	EXPECT_EQ(-EPERM, vg_set_log_fd(o->dev, -1));
	EXPECT_EQ(-EBUSY, vg_set_owner(o->dev));
	since = vg_deadline_ms(2000);
	close(o->dev);
	o->dev = -1;
	EXPECT_FALSE(vg_expired(since));
	EXPECT_EQ(0, vg_worker_settle(o->pid, 0));
}

TEST_F(end, killed)
{
	int status;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, kill(self->owner.pid, SIGKILL));
	ASSERT_TRUE(owner_ends(&self->owner, 5000, &status));
	check_what_is_left(_metadata, &self->owner, variant->kind);
}

TEST_F(end, exits)
{
	int status;

	NEEDS_KIND(variant->kind);
	owner_tell(&self->owner, OWNER_EXIT);
	ASSERT_TRUE(owner_ends(&self->owner, 5000, &status));
	EXPECT_TRUE(WIFEXITED(status));
	check_what_is_left(_metadata, &self->owner, variant->kind);
}

static bool becomes(pid_t pid, const char *name)
{
	uint64_t deadline = vg_deadline_ms(5000);
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (!vg_expired(deadline) && strcmp(comm, name)) {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%31s", comm) != 1)
			*comm = '\0';
		if (f)
			fclose(f);
		poll(NULL, 0, 1);
	}
	return !strcmp(comm, name);
}

TEST_F(end, becomes_another_program)
{
	NEEDS_KIND(variant->kind);
	owner_tell(&self->owner, OWNER_EXEC);
	ASSERT_TRUE(becomes(self->owner.pid, "sleep"));
	check_what_is_left(_metadata, &self->owner, variant->kind);
	EXPECT_TRUE(becomes(self->owner.pid, "sleep"));
}

/* A kernel thread ignores the signal; on a thread of the owner it kills the owner. */
TEST_F(end, worker_is_killed)
{
	int status;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, kill(vg_worker_find(self->owner.pid), SIGKILL));
	if (!variant->kind) {
		EXPECT_FINE(owner_ask(&self->owner, OWNER_LOAD));
		return;
	}
	ASSERT_TRUE(owner_ends(&self->owner, 5000, &status));
	EXPECT_TRUE(WIFSIGNALED(status));
	check_what_is_left(_metadata, &self->owner, variant->kind);
}

/* The kernel reports the kill with a call trace, as it reports its own faults. */
TEST_F(end, out_of_memory)
{
	struct cgroup c;
	int status;

	NEEDS_KIND(variant->kind);
	if (!getenv("VD_WITH_OOM"))
		SKIP(return, "VD_WITH_OOM=1, and hostvm --allow 'Call Trace'");
	ASSERT_FINE(cgroup_open(&c, "memory"));
	if (!c.has_controller)
		SKIP(goto out, "no memory controller in the unified hierarchy");
	ASSERT_EQ(0, cgroup_join(&c, self->owner.pid));
	ASSERT_EQ(0, cgroup_write(&c, "memory.max", "32M"));
	owner_tell(&self->owner, OWNER_SWELL);
	ASSERT_TRUE(owner_ends(&self->owner, 30000, &status));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_EQ(1, cgroup_read(&c, "memory.events", "oom_kill "));
	check_what_is_left(_metadata, &self->owner, variant->kind);
out:
	cgroup_close(&c);
}

/* Another process with the memory of the owner. */
struct relative {
	int dev, hear;
	int result;
};

static int command_the_dead(void *arg)
{
	struct relative *r = arg;
	char c;
	int i;

	/* End of file: the owner is dead. */
	if (read(r->hear, &c, 1))
		_exit(1);
	for (i = 0; i < 3; i++) {
		if (abi_set_table(r->dev))
			_exit(2);
		if (vg_set_vring_num(r->dev, VG_TX, 256))
			_exit(3);
		if (vg_set_backend(r->dev, VG_TX, -1))
			_exit(4);
		if (vg_set_log_fd(r->dev, -1))
			_exit(5);
	}
	if (vg_reset_owner(r->dev) || vg_worker_settle(getppid(), 0))
		_exit(6);
	/* The device works again with a new owner. */
	if (vg_set_owner(r->dev) || vg_worker_count(getpid()) != 1)
		_exit(7);
	_exit(0);
}

/* Reports the relative's pid, and stays until it is killed. */
static void have_a_relative(int kind, int say, int hear)
{
	static char stack[65536] __attribute__((aligned(16)));
	static struct relative r;
	pid_t pid;

	vg_fork_from_owner = kind;
	r.dev = abi_owned();
	r.hear = hear;
	/* CLONE_PARENT: the child of the test, which outlives its sibling. */
	pid = clone(command_the_dead, stack + sizeof(stack),
		    CLONE_VM | CLONE_PARENT | SIGCHLD, &r);
	if (write(say, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	for (;;)
		pause();
}

TEST_F(end, commands_to_a_dead_device)
{
	int up[2], down[2], status = -1;
	struct owner relative = { .dev = -1 };
	pid_t pid;

	NEEDS_KIND(variant->kind);
	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(down));
	pid = fork();
	if (!pid) {
		close(down[1]);
		have_a_relative(variant->kind, up[1], down[0]);
	}
	ASSERT_EQ(sizeof(pid), read(up[0], &relative.pid, sizeof(pid)));
	ASSERT_LT(0, relative.pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	close(down[1]);
	ASSERT_TRUE(owner_ends(&relative, 10000, &status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, vg_worker_settle(relative.pid, 0));
}

VD_TEST_MAIN
