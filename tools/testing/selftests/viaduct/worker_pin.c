// SPDX-License-Identifier: GPL-2.0-only
/*
 * VIADUCT_WORKER_PER_RING: another process gives a running owner a second
 * worker, and processors to both. The required permissions, and limits.
 * worker_pin_stop.c has owners that stop or die meanwhile, worker_pin_move.c a
 * checked stream.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "cgroup.h"
#include "pin_fixture.h"

TEST_F(pin, gives_tx_its_own_worker)
{
	struct owner *o = &self->owner;
	pid_t tid;

	NEEDS_CALL();
	check_one_worker(_metadata, o->dev);
	ASSERT_EQ(0, per_ring(o->dev));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	check_two_workers(_metadata, o->dev);
	tid = info_now(o->dev, "worker-1");
	EXPECT_EQ(tid, vg_worker_find_id(o->pid, 1));
	EXPECT_EQ(variant->kind, owner_has_thread(o->pid, tid));
	EXPECT_LT(0, vg_worker_runtime(tid));
	/* With two workers nothing changes. */
	EXPECT_EQ(0, per_ring(o->dev));
	check_two_workers(_metadata, o->dev);
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
}

/* The processors of one worker can be set alone. */
TEST_F(pin, takes_processors)
{
	struct owner *o = &self->owner;
	cpu_set_t set, its;
	pid_t tid;

	NEEDS_CALL();
	ASSERT_EQ(0, per_ring(o->dev));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	tid = info_now(o->dev, "worker-1");
	CPU_ZERO(&set);
	CPU_SET(1, &set);
	ASSERT_EQ(0, sched_setaffinity(tid, sizeof(set), &set));
	ASSERT_EQ(0, sched_getaffinity(tid, sizeof(its), &its));
	EXPECT_TRUE(CPU_EQUAL(&set, &its));
	ASSERT_EQ(0, sched_getaffinity(info_now(o->dev, "worker-0"),
				       sizeof(its), &its));
	EXPECT_FALSE(CPU_EQUAL(&set, &its));
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
}

/* An idle worker is used: the call works at the limit of four workers, too. */
TEST_F(pin, uses_an_idle_worker)
{
	int fd, nr = 1;
	uint32_t id;

	NEEDS_CALL();
	vg_fork_from_owner = variant->kind;
	fd = abi_owned();
	while (!vg_ioctl(fd, VG_NEW_WORKER, &id))
		nr++;
	EXPECT_EQ(4, nr);
	EXPECT_EQ(0, per_ring(fd));
	EXPECT_EQ(0, info_ring_now(fd, VG_RX, "worker"));
	EXPECT_EQ(1, info_ring_now(fd, VG_TX, "worker"));
	id = 1;
	EXPECT_EQ(-EBUSY, vg_ioctl(fd, VG_FREE_WORKER, &id));
	close(fd);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

TEST_F(pin, needs_a_living_owner)
{
	int fd, status;

	NEEDS_CALL();
	fd = abi_open();
	EXPECT_EQ(-EPERM, per_ring(fd));
	close(fd);
	ASSERT_EQ(0, kill(self->owner.pid, SIGKILL));
	ASSERT_TRUE(owner_ends(&self->owner, 5000, &status));
	EXPECT_EQ(-ESRCH, per_ring(self->owner.dev));
	EXPECT_EQ(INT64_MIN, info_now(self->owner.dev, "worker-1"));
}

TEST_F(pin, not_for_another_program)
{
	char path[64], comm[32] = "";
	uint64_t deadline = vg_deadline_ms(5000);
	FILE *f;

	NEEDS_CALL();
	owner_tell(&self->owner, OWNER_EXEC);
	snprintf(path, sizeof(path), "/proc/%d/comm", self->owner.pid);
	while (strcmp(comm, "sleep") && !vg_expired(deadline)) {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%31s", comm) != 1)
			*comm = 0;
		if (f)
			fclose(f);
	}
	EXPECT_EQ(-ESRCH, per_ring(self->owner.dev));
}

/* The owner runs as root. */
TEST_F(pin, not_for_strangers)
{
	int dev = self->owner.dev;

	NEEDS_CALL();
	EXPECT_EQ(-EPERM, call_as(become_nobody, dev));
	EXPECT_EQ(-EPERM, call_as(be_root_of_a_namespace, dev));
	/* The same user, with fewer privileges. */
	EXPECT_EQ(-EPERM, call_as(drop_capabilities, dev));
	check_one_worker(_metadata, dev);
	EXPECT_EQ(0, call_as(stay_root, dev));
	check_two_workers(_metadata, dev);
}

TEST_F(pin, for_the_same_user)
{
	struct idler i;

	NEEDS_CALL();
	ASSERT_TRUE(idler_start(&i, variant->kind, become_nobody,
				RLIM_INFINITY, true));
	EXPECT_EQ(0, call_as(become_nobody, i.dev));
	check_two_workers(_metadata, i.dev);
	idler_stop(&i);
}

/* A process that may not be traced, not even by its user. */
TEST_F(pin, not_if_it_is_not_dumpable)
{
	struct idler i;

	NEEDS_CALL();
	ASSERT_TRUE(idler_start(&i, variant->kind, become_nobody,
				RLIM_INFINITY, false));
	EXPECT_EQ(-EPERM, call_as(become_nobody, i.dev));
	check_one_worker(_metadata, i.dev);
	EXPECT_EQ(0, call_as(stay_root, i.dev));
	idler_stop(&i);
}

/* Privileges over the owner's namespace are enough, those of another one are not. */
TEST_F(pin, owner_in_a_user_namespace)
{
	struct idler i;

	NEEDS_CALL();
	ASSERT_TRUE(idler_start(&i, variant->kind, be_root_of_a_namespace,
				RLIM_INFINITY, true));
	EXPECT_EQ(-EPERM, call_as(become_nobody, i.dev));
	EXPECT_EQ(-EPERM, call_as(be_root_of_a_namespace, i.dev));
	EXPECT_EQ(0, call_as(stay_root, i.dev));
	idler_stop(&i);
}

/* The owner's limits apply, also for a caller that has none. */
TEST_F(pin, counts_in_rlimit_nproc)
{
	struct rlimit more = { 10, 10 };
	struct idler i;

	NEEDS_CALL();
	/* The process, and its first worker. */
	ASSERT_TRUE(idler_start(&i, variant->kind, become_nobody, 2, true));
	EXPECT_EQ(variant->kind ? -ENOMEM : -EAGAIN, per_ring(i.dev));
	check_one_worker(_metadata, i.dev);
	EXPECT_EQ(0, vg_worker_find_id(i.pid, 1));
	ASSERT_EQ(0, prlimit(i.pid, RLIMIT_NPROC, &more, NULL));
	EXPECT_EQ(0, per_ring(i.dev));
	check_two_workers(_metadata, i.dev);
	idler_stop(&i);
}

/* The caller's own limit does not matter. */
static int have_no_process_left(void)
{
	struct rlimit r = { 0, 0 };

	return setrlimit(RLIMIT_NPROC, &r) || become_nobody();
}

TEST_F(pin, limit_of_the_caller)
{
	struct idler i;

	NEEDS_CALL();
	ASSERT_TRUE(idler_start(&i, variant->kind, become_nobody, 10, true));
	EXPECT_EQ(0, call_as(have_no_process_left, i.dev));
	idler_stop(&i);
}

/* The worker is in the owner's cgroup; a thread of the owner counts in its pids.max. */
TEST_F(pin, in_the_owners_cgroup)
{
	struct owner *o = &self->owner;
	struct cgroup c;
	char line[128] = "";
	char path[64];
	FILE *f;

	NEEDS_CALL();
	ASSERT_FINE(cgroup_open(&c, "pids"));
	ASSERT_EQ(0, cgroup_join(&c, o->pid));
	if (c.has_controller) {
		ASSERT_EQ(0, cgroup_write(&c, "pids.max", "2"));
		EXPECT_EQ(variant->kind ? -ENOMEM : 0, per_ring(o->dev));
		if (variant->kind)
			check_one_worker(_metadata, o->dev);
		EXPECT_FINE(owner_ask(o, OWNER_LOAD));
		ASSERT_EQ(0, cgroup_write(&c, "pids.max", "3"));
	}
	EXPECT_EQ(0, per_ring(o->dev));
	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	snprintf(path, sizeof(path), "/proc/%d/cgroup",
		 (int)info_now(o->dev, "worker-1"));
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f) && strncmp(line, "0::", 3))
		;
	fclose(f);
	EXPECT_NE(NULL, strstr(line, strrchr(c.path, '/'))) {
		TH_LOG("%s is not %s", line, c.path);
	}
	owner_stop(o);
	o->pid = 0;
	EXPECT_EQ(0, cgroup_close(&c));
}

VD_TEST_MAIN
