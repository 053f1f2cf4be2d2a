// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers of a running owner are separated and moved between processors a
 * hundred times, while numbered frames go both ways: none is lost or reordered.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "pin_fixture.h"

#define NR_MOVES	100

static uint64_t packets[2];

static void count(int dev)
{
	packets[VG_RX] = info_ring_now(dev, VG_RX, "packets");
	packets[VG_TX] = info_ring_now(dev, VG_TX, "packets");
}

/* All frames so far were in order, and some have moved since count(). */
static void check_stream(struct __test_metadata *_metadata, struct owner *o,
			 int nr)
{
	uint64_t rx = packets[VG_RX], tx = packets[VG_TX];

	ASSERT_FINE(owner_ask(o, OWNER_LOAD));
	count(o->dev);
	EXPECT_LT(rx + nr, packets[VG_RX]);
	EXPECT_LT(tx + nr, packets[VG_TX]);
	printf("# %d moves, %llu frames received, %llu transmitted\n", nr,
	       (unsigned long long)(packets[VG_RX] - rx),
	       (unsigned long long)(packets[VG_TX] - tx));
	fflush(stdout);
}

static int place(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set);
}

/* Whether the processor is the only one that the thread may run on. */
static bool is_placed(pid_t tid, int cpu)
{
	cpu_set_t its;

	return !sched_getaffinity(tid, sizeof(its), &its) &&
	       CPU_COUNT(&its) == 1 && CPU_ISSET(cpu, &its);
}

TEST_F(pin, between_processors)
{
	struct owner *o = &self->owner;
	pid_t rx, tx;
	int i;

	NEEDS_CALL();
	count(o->dev);
	ASSERT_EQ(0, per_ring(o->dev));
	rx = info_now(o->dev, "worker-0");
	tx = info_now(o->dev, "worker-1");
	for (i = 0; i < NR_MOVES; i++) {
		ASSERT_EQ(0, place(rx, i % 2));
		ASSERT_EQ(0, place(tx, i / 2 % 2));
		poll(NULL, 0, 5);
	}
	check_stream(_metadata, o, NR_MOVES);
}

/* The ring goes back, and the second worker is created anew for each move. */
TEST_F(pin, to_another_worker)
{
	struct owner *o = &self->owner;
	int i;

	NEEDS_CALL();
	count(o->dev);
	for (i = 0; i < NR_MOVES; i++) {
		ASSERT_EQ(0, per_ring(o->dev));
		ASSERT_EQ(1, info_ring_now(o->dev, VG_TX, "worker"));
		ASSERT_FINE(owner_ask(o, OWNER_MERGE));
		check_one_worker(_metadata, o->dev);
	}
	check_stream(_metadata, o, NR_MOVES);
	owner_stop(o);
	EXPECT_EQ(0, vg_worker_settle(o->pid, 0));
	EXPECT_EQ(0, vg_worker_find_id(o->pid, 1));
	o->pid = 0;
}

static int run(char *const argv[])
{
	pid_t child = fork();
	int status;

	if (!child) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* build/tools/viaduct beside build/selftests, or $VD_TOOL, if it runs here. */
static bool find_tool(char *path, size_t room)
{
	const char *given = getenv("VD_TOOL");
	char self[PATH_MAX] = "";

	if (!given && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	if (given)
		snprintf(path, room, "%s", given);
	else
		snprintf(path, room, "%s/../tools/viaduct", dirname(self));
	return !run((char *[]){ path, "--version", NULL });
}

static int run_pin(char *tool, pid_t pid, int rx, int tx)
{
	char owner[16], rx_cpu[8], tx_cpu[8];

	snprintf(owner, sizeof(owner), "%d", pid);
	snprintf(rx_cpu, sizeof(rx_cpu), "%d", rx);
	snprintf(tx_cpu, sizeof(tx_cpu), "%d", tx);
	return run((char *[]){ tool, "pin", owner, "--rx", rx_cpu,
			       "--tx", tx_cpu, NULL });
}

/* An emulated machine takes a second to run a program beside two busy threads. */
static int nr_commands(void)
{
	const char *given = getenv("VD_PIN_COMMANDS");

	return given ? atoi(given) : 10;
}

TEST_F_TIMEOUT(pin, by_the_command, 600)
{
	struct owner *o = &self->owner;
	char tool[PATH_MAX + 32];
	int i, nr = nr_commands();
	pid_t rx, tx;

	NEEDS_CALL();
	if (!find_tool(tool, sizeof(tool)))
		SKIP(return, "no command viaduct: make -C tools/viaduct, or VD_TOOL");
	count(o->dev);
	ASSERT_EQ(0, run_pin(tool, o->pid, 0, 1));
	rx = info_now(o->dev, "worker-0");
	tx = info_now(o->dev, "worker-1");
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, run_pin(tool, o->pid, i % 2, i / 2 % 2));
		EXPECT_TRUE(is_placed(rx, i % 2));
		EXPECT_TRUE(is_placed(tx, i / 2 % 2));
	}
	EXPECT_EQ(INT64_MIN, info_now(o->dev, "worker-2"));
	check_stream(_metadata, o, nr);
	/* Processors that are not there: nothing moves. */
	EXPECT_EQ(1, run_pin(tool, o->pid, 0, 1000));
	EXPECT_TRUE(is_placed(rx, (nr - 1) % 2));
	EXPECT_TRUE(is_placed(tx, (nr - 1) / 2 % 2));
}

/* An error leaves the device with one worker, on the processors that it had. */
TEST_F(pin, command_fails)
{
	struct owner *o = &self->owner;
	char tool[PATH_MAX + 32];
	cpu_set_t before, after;
	pid_t tid;

	NEEDS_CALL();
	if (!find_tool(tool, sizeof(tool)))
		SKIP(return, "no command viaduct: make -C tools/viaduct, or VD_TOOL");
	tid = info_now(o->dev, "worker-0");
	ASSERT_EQ(0, sched_getaffinity(tid, sizeof(before), &before));
	EXPECT_EQ(1, run_pin(tool, o->pid, 0, 1000));
	EXPECT_EQ(1, run_pin(tool, o->pid, 1000, 0));
	EXPECT_EQ(1, run_pin(tool, getpid(), 0, 0));
	ASSERT_EQ(0, sched_getaffinity(tid, sizeof(after), &after));
	EXPECT_TRUE(CPU_EQUAL(&before, &after));
	check_one_worker(_metadata, o->dev);
	EXPECT_FINE(owner_ask(o, OWNER_LOAD));
}

VD_TEST_MAIN
