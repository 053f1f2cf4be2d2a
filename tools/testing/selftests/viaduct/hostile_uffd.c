// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory whose faults a program answers (userfaultfd): late, or not at all.
 * The device waits and then goes on where it was, without a loss; others do
 * not wait with it; whoever ends the client ends the wait.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "rig.h"
#include "vd_test.h"
#include "view.h"
#include "worker.h"

#define PAGE	4096
#define LATE_MS	100

static struct rig rig;
static struct view view;
static int uffd = -1;

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_MINOR_SHMEM };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0)
		return -errno;
	return ioctl(uffd, UFFDIO_API, &api) ? -errno : 0;
}

#define NEEDS_UFFD() do { \
	int _ret = uffd_open(); \
	if (_ret) \
		SKIP(return, "no userfaultfd for shared memory: %s", \
		     strerror(-_ret)); \
} while (0)

static const char *set_up(void)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	if (!why)
		why = view_split(&view, &rig);
	return why ? why : rig_start(&rig);
}

/*
 * The device's view asks us from now on, for each page, once: the pages stay
 * in their file, but no page table knows them any more.
 */
static const char *ask_for_all(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct uffdio_register reg = {
			.range = { (uintptr_t)view.dev[i],
				   rig.net.mem.region[i].size },
			.mode = UFFDIO_REGISTER_MODE_MINOR,
		};

		if (ioctl(uffd, UFFDIO_REGISTER, &reg))
			return rig_fail(&rig, "UFFDIO_REGISTER: %s",
					strerror(errno));
		if (madvise(view.dev[i], reg.range.len, MADV_DONTNEED))
			return "madvise";
	}
	return NULL;
}

/* Answers one question, if there is one: whether there was. */
static bool answer(void)
{
	struct uffdio_continue cont = { .range.len = PAGE };
	struct uffd_msg msg;

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return false;
	cont.range.start = msg.arg.pagefault.address & ~(PAGE - 1ULL);
	if (!ioctl(uffd, UFFDIO_CONTINUE, &cont))
		return true;
	/* Asked twice: a worker that is woken for a job looks again. */
	if (errno != EEXIST)
		abort();
	ioctl(uffd, UFFDIO_WAKE, &cont.range);
	return true;
}

static volatile bool stop;
static unsigned int nr_answers;

static void *answer_late(void *arg)
{
	while (!stop) {
		if (vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10)) <= 0)
			continue;
		poll(NULL, 0, LATE_MS);
		nr_answers += answer();
	}
	return arg;
}

static void *answer_now(void *arg)
{
	while (!stop)
		if (vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10)) > 0)
			answer();
	return arg;
}

static const char *both_ways(struct rig *r, unsigned int nr)
{
	struct stream s[2] = { stream_make(r, VG_TX, nr),
			       stream_make(r, VG_RX, nr) };

	return stream_run(s, 2);
}

/* Nobody answers, and the device waits: seen by its question. */
static const char *make_it_wait(unsigned int q)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	size_t len = stream_frame(&rig, q, 0, frame, &hdr);
	const char *why = ask_for_all();

	if (why)
		return why;
	if (q == VG_RX)
		why = rig_far_send(&rig, frame, len, &hdr);
	else if (vg_net_xmit(&rig.net, &hdr, frame, len, &vg_layout_plain))
		why = "no room in the ring";
	vg_ring_kick_always(&rig.net.ring[q]);
	if (!why && vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10000)) <= 0)
		why = "the device asks for no page";
	return why;
}

/* The frame that had to wait, and all that follow it. */
static const char *go_on(unsigned int q)
{
	struct stream s = stream_make(&rig, q, 50);

	s.sent = 1;
	return stream_run(&s, 1);
}

TEST(late)
{
	pthread_t t;
	int i;

	NEEDS_UFFD();
	ASSERT_FINE(set_up());
	ASSERT_FINE(both_ways(&rig, 20));
	ASSERT_EQ(0, pthread_create(&t, NULL, answer_late, NULL));
	for (i = 0; i < 2; i++) {
		ASSERT_FINE(ask_for_all());
		EXPECT_FINE(both_ways(&rig, 15));
	}
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	/* Twice two rings of three areas, and buffers. */
	EXPECT_LT(12, nr_answers);
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	rig_close(&rig);
}

FIXTURE(wait)
{
	int unused;
};

FIXTURE_VARIANT(wait)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(wait, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(wait, rx) { .q = VG_RX };

FIXTURE_SETUP(wait)
{
	NEEDS_UFFD();
	ASSERT_FINE(set_up());
	ASSERT_FINE(both_ways(&rig, 20));
	ASSERT_FINE(make_it_wait(variant->q));
}

FIXTURE_TEARDOWN(wait)
{
	rig_close(&rig);
}

/* Closing the descriptor is an answer to all questions, now and later. */
TEST_F(wait, ends_with_the_descriptor)
{
	close(uffd);
	EXPECT_FINE(go_on(variant->q));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[variant->q]));
}

TEST_F(wait, others_do_not_wait)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct rig other;

	ASSERT_FINE(rig_open_here(&other, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&other));
	EXPECT_FINE(both_ways(&other, 100));
	rig_close(&other);
	/* Waiting costs nothing. */
	EXPECT_EQ(0, worker_unrest(worker_find(getpid())));
	close(uffd);
	EXPECT_FINE(go_on(variant->q));
}

static volatile int detached = 1;

static void *detach(void *arg)
{
	detached = vg_set_backend(rig.net.fd, *(unsigned int *)arg, -1);
	return NULL;
}

/* What the device has begun it ends before it lets go. */
TEST_F(wait, detach_waits_too)
{
	struct vg_ring *r = &rig.net.ring[variant->q];
	unsigned int q = variant->q, base;
	pthread_t t[2];

	ASSERT_EQ(0, pthread_create(&t[0], NULL, detach, &q));
	poll(NULL, 0, LATE_MS);
	EXPECT_EQ(1, detached);
	ASSERT_EQ(0, pthread_create(&t[1], NULL, answer_now, NULL));
	ASSERT_EQ(0, pthread_join(t[0], NULL));
	EXPECT_EQ(0, detached);
	ASSERT_EQ(0, vg_get_vring_base(rig.net.fd, q, &base));
	EXPECT_EQ(le16toh(r->used->idx), base);
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, q, rig.backend));
	EXPECT_FINE(go_on(q));
	stop = true;
	ASSERT_EQ(0, pthread_join(t[1], NULL));
}

FIXTURE(killed)
{
	int unused;
};

FIXTURE_VARIANT(killed)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(killed, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(killed, rx) { .q = VG_RX };

FIXTURE_SETUP(killed)
{
	NEEDS_UFFD();
	close(uffd);
}

FIXTURE_TEARDOWN(killed)
{
}

/* A client that says so, and then does nothing until it is killed. */
static void client(int say, unsigned int q, bool uffd_first)
{
	const char *why = NULL;

	if (uffd_first && uffd_open())
		why = "userfaultfd";
	if (!why)
		why = set_up();
	if (!why && !uffd_first && uffd_open())
		why = "userfaultfd";
	if (!why)
		why = both_ways(&rig, 20);
	if (!why)
		why = make_it_wait(q);
	if (why) {
		printf("# %s\n", why);
		uffd = -1;
	}
	if (write(say, &uffd, sizeof(uffd)) != sizeof(uffd))
		_exit(1);
	for (;;)
		pause();
}

/* Ends within the time, or is past helping. */
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

static pid_t start_client(unsigned int q, bool uffd_first)
{
	pid_t pid;
	int p[2];

	uffd = -1;
	if (pipe(p))
		return -1;
	pid = fork();
	if (!pid)
		client(p[1], q, uffd_first);
	if (read(p[0], &uffd, sizeof(uffd)) != sizeof(uffd))
		uffd = -1;
	/* We hold its descriptor, too: the client cannot be left waiting. */
	if (uffd >= 0)
		uffd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0),
			       uffd, 0);
	return pid;
}

/* Whoever else could answer has to, or has to close. */
TEST_F(killed, ends_with_the_last_descriptor)
{
	pid_t pid = start_client(variant->q, false);

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	close(uffd);
	EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, worker_settle(pid, 0));
}

TEST_F(killed, ends_when_answered)
{
	pid_t pid = start_client(variant->q, false);
	pthread_t t;

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, pthread_create(&t, NULL, answer_now, NULL));
	EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, worker_settle(pid, 0));
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

/*
 * Nobody answers. A process that ends closes what it opened last first: here
 * the device, while the descriptor that could end the wait is still open.
 */
TEST_F(killed, ends_unanswered)
{
	pid_t pid = start_client(variant->q, true);
	bool ended;
	pthread_t t;

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ended = ends(pid);
	/* Leave nothing behind that cannot be killed. */
	ASSERT_EQ(0, pthread_create(&t, NULL, answer_now, NULL));
	if (!ended)
		EXPECT_TRUE(ends(pid));
	EXPECT_EQ(0, worker_settle(pid, 0));
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	if (!ended && vg_dev_is_reference())
		SKIP(return, "the reference's worker cannot be killed");
	EXPECT_TRUE(ended);
}

VD_TEST_MAIN
