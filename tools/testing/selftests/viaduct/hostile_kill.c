// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that is killed while its device waits for memory that a program
 * provides, another one or the client itself: the client and its worker must
 * end.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "info.h"
#include "owner.h"
#include "uffd.h"
#include "vd_test.h"

static struct rig rig;
static struct view view;

FIXTURE(killed)
{
	int unused;
};

FIXTURE_VARIANT(killed)
{
	unsigned int q;
	int kind;		/* of the worker, as vg_fork_from_owner */
};

FIXTURE_VARIANT_ADD(killed, tx) { .q = VG_TX, .kind = -1 };
FIXTURE_VARIANT_ADD(killed, rx) { .q = VG_RX, .kind = -1 };
FIXTURE_VARIANT_ADD(killed, tx_kthread) { .q = VG_TX, .kind = 0 };
FIXTURE_VARIANT_ADD(killed, rx_kthread) { .q = VG_RX, .kind = 0 };

FIXTURE_SETUP(killed)
{
	vg_fork_from_owner = variant->kind;
	NEEDS_UFFD();
	close(uffd);
}

FIXTURE_TEARDOWN(killed)
{
}

/* Descriptors of a client that the test copies, by the client's numbers. */
struct client_fds {
	int uffd;
	int dev;
};

/*
 * The receive ring's worker polls, and watches the transmit ring, which belongs
 * to another worker, when all of the device's memory starts to fault. One worker
 * waits then, or both.
 */
static const char *wait_while_polling(void)
{
	struct vhost_vring_state s = { .index = VG_RX, .num = 10000000 };
	uint32_t tx[2] = { VG_TX };

	if (vg_ioctl(rig.net.fd, VG_NEW_WORKER, &tx[1]))
		return "NEW_WORKER";
	if (vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, tx))
		return "ATTACH_VRING_WORKER";
	if (vg_ioctl(rig.net.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s))
		return "SET_VRING_BUSYLOOP_TIMEOUT";
	/* A poll watches the other ring only if that is idle when it begins. */
	poll(NULL, 0, 200);
	vg_eventfd_add(rig.net.kick[VG_RX], 1);
	poll(NULL, 0, 100);
	if (uffd_ask_for_all(&rig, &view))
		return "userfaultfd";
	return vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10000)) > 0 ? NULL :
								    "no wait";
}

#define NR_FRAMES	10

static bool polls, only_waits, has_frames;

static const char *make_it_wait(unsigned int q)
{
	if (polls)
		return wait_while_polling();
	return has_frames ? uffd_make_frames_wait(&rig, &view, q, NR_FRAMES) :
			    uffd_make_it_wait(&rig, &view, q);
}

/*
 * A client with a device that waits: it reports its descriptors, and then does
 * nothing until it is killed, or makes a call that waits for the handler.
 */
static void client(int say, unsigned int q, bool uffd_first, bool calls)
{
	struct client_fds fds;
	const char *why = NULL;

	if (uffd_first && uffd_open())
		why = "userfaultfd";
	if (!why)
		why = uffd_set_up(&rig, &view);
	if (!why && !uffd_first && uffd_open())
		why = "userfaultfd";
	if (!why)
		why = uffd_both_ways(&rig, 20);
	if (!why)
		why = make_it_wait(q);
	if (why) {
		printf("# %s\n", why);
		fflush(stdout);
		uffd = -1;
	}
	fds = (struct client_fds){ .uffd = uffd, .dev = rig.net.fd };
	if (write(say, &fds, sizeof(fds)) != sizeof(fds))
		_exit(1);
	if (calls && !only_waits)
		vg_set_backend(rig.net.fd, q, -1);
	for (;;)
		pause();
}

/* Whether the process ends within five seconds. */
static bool ends(pid_t pid)
{
	uint64_t deadline = vg_deadline_ms(5000);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* @dev, unless NULL, gets a copy of the device's descriptor; the client makes a call. */
static pid_t start_client(unsigned int q, bool uffd_first, int *dev)
{
	struct client_fds fds;
	int p[2], pidfd;
	pid_t pid;

	uffd = -1;
	if (pipe(p))
		return -1;
	pid = fork();
	if (!pid)
		client(p[1], q, uffd_first, dev);
	if (read(p[0], &fds, sizeof(fds)) != sizeof(fds) || fds.uffd < 0)
		return pid;
	/* With its descriptor, the test can end the client's wait. */
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	uffd = syscall(SYS_pidfd_getfd, pidfd, fds.uffd, 0);
	if (dev)
		*dev = syscall(SYS_pidfd_getfd, pidfd, fds.dev, 0);
	return pid;
}

/* Another process that holds the descriptor must answer, or close it. */
TEST_F(killed, ends_with_the_last_descriptor)
{
	pid_t pid = start_client(variant->q, false, NULL);

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	close(uffd);
	EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
}

TEST_F(killed, ends_when_answered)
{
	pid_t pid = start_client(variant->q, false, NULL);
	pthread_t t;

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

/*
 * No answer. A process that ends closes its latest descriptor first: here the
 * device, while the descriptor that could end the wait is still open.
 */
TEST_F(killed, ends_unanswered)
{
	pid_t pid = start_client(variant->q, true, NULL);
	bool ended;
	pthread_t t;

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ended = ends(pid);
	/* Resolve the faults, so that a client that has not ended can be killed. */
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	if (!ended)
		EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	if (!ended && vg_dev_is_reference())
		SKIP(return, "the reference's worker cannot be killed");
	EXPECT_TRUE(ended);
}

/*
 * Killed in a call that waits for the handler, while the test holds the device:
 * the call ends, and the worker, if it is a kernel thread, is idle.
 */
static void kill_in_a_call(struct __test_metadata *_metadata, unsigned int q)
{
	int dev = -1;
	pid_t pid = start_client(q, true, &dev);
	bool ended;
	pthread_t t;

	ASSERT_LE(0, uffd);
	ASSERT_LE(0, dev);
	/* Time to make the call; a client that is killed before ends as well. */
	poll(NULL, 0, 200);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ended = ends(pid);
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	if (!ended)
		EXPECT_TRUE(ends(pid));
	if (!polls && vg_worker_find(pid))
		EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(pid)));
	close(dev);
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	if (!ended && vg_dev_is_reference())
		SKIP(return, "the reference's worker cannot be killed");
	EXPECT_TRUE(ended);
}

TEST_F(killed, ends_in_a_call)
{
	kill_in_a_call(_metadata, variant->q);
}

/*
 * A kernel thread gets a signal then, which makes the fault fail. Neither that frame
 * nor later ones may be lost: their memory is present once the faults are resolved.
 */
TEST_F(killed, loses_no_frame)
{
	int dev = -1;
	pthread_t t;
	pid_t pid;

	if (variant->kind)
		SKIP(return, "a thread of the owner ends with it");
	if (vg_dev_is_reference())
		SKIP(return, "the reference has no counters");
	has_frames = true;
	pid = start_client(variant->q, true, &dev);
	ASSERT_LE(0, uffd);
	ASSERT_LE(0, dev);
	poll(NULL, 0, 200);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, info_ring_now(dev, variant->q, "drop-fault"));
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	close(dev);
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

/* Killed in a call where one ring's worker watches the other's ring. */
static void kill_while_it_polls(struct __test_metadata *_metadata)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference has one worker");
	NEEDS_UFFD();
	close(uffd);
	polls = true;
	kill_in_a_call(_metadata, VG_TX);
}

TEST(ends_while_it_polls)
{
	kill_while_it_polls(_metadata);
}

/* The poll yields to other tasks now and then, and starts again. */
TEST(ends_while_it_polls_beside_others)
{
	int i, nr = get_nprocs();
	pid_t spins[nr];

	for (i = 0; i < nr; i++) {
		spins[i] = fork();
		if (spins[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			;
	}
	kill_while_it_polls(_metadata);
	for (i = 0; i < nr; i++) {
		kill(spins[i], SIGKILL);
		waitpid(spins[i], NULL, 0);
	}
}

/*
 * A thread of the owner continues when the page arrives or the owner is killed:
 * until then another process that shares the device waits, and cannot be
 * killed.
 */
TEST(holder_waits_for_the_owner)
{
	pid_t pid, caller;
	int dev = -1;

	NEEDS_KIND(1);
	NEEDS_UFFD();
	close(uffd);
	vg_fork_from_owner = 1;
	only_waits = true;
	pid = start_client(VG_TX, true, &dev);
	ASSERT_LE(0, uffd);
	ASSERT_LE(0, dev);
	caller = fork();
	if (!caller)
		_exit(-vg_set_features(dev, 0));
	poll(NULL, 0, 200);
	ASSERT_EQ(0, kill(caller, SIGKILL));
	poll(NULL, 0, 200);
	EXPECT_EQ(0, waitpid(caller, NULL, WNOHANG));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(ends(pid));
	EXPECT_TRUE(ends(caller));
	close(dev);
	EXPECT_EQ(0, vg_worker_settle(pid, 0));
}

VD_TEST_MAIN
