// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page fault blocks a job of a kernel thread, and a call waits for that job. A
 * caller that is killed must not block: this fault must be aborted, and no other.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"
#include "owner.h"
#include "uffd.h"

#define NEEDS_ABORT() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "the reference does not abort page faults"); \
} while (0)

static struct rig rig;
static struct view view;

/*
 * Transmission is blocked by a page fault, and a call waits for it. After that
 * reception has a frame to deliver, and must fault in its pages.
 */
static const char *block_one_of_two(pid_t *caller, uint64_t *page)
{
	const char *why = uffd_make_it_wait(&rig, &view, VG_TX);
	struct virtio_net_hdr hdr;
	uint64_t again;
	uint8_t frame[2048];
	size_t len;

	if (why)
		return why;
	if (!uffd_take(page))
		return "no page fault to be read";
	*caller = fork();
	if (!*caller)
		_exit(-vg_set_features(rig.net.fd, rig.net.features));
	poll(NULL, 0, 200);
	len = stream_frame(&rig, VG_RX, 0, frame, &hdr);
	why = rig_far_send(&rig, frame, len, &hdr);
	/* Waking the worker for a job makes it fault on the same page again. */
	while (!why && vg_wait_fd(uffd, POLLIN, vg_deadline_ms(200)) > 0)
		if (!uffd_take(&again) || again != *page)
			why = "reception does not wait";
	if (!why && waitpid(*caller, NULL, WNOHANG))
		why = "the call does not wait";
	return why;
}

FIXTURE(blocked)
{
	pid_t caller;
	uint64_t page;
};

FIXTURE_SETUP(blocked)
{
	NEEDS_UFFD();
	/* Only a kernel thread's wait ends when the caller alone is killed. */
	vg_fork_from_owner = 0;
	NEEDS_ABORT();
	ASSERT_FINE(uffd_set_up(&rig, &view));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_FINE(block_one_of_two(&self->caller, &self->page));
}

FIXTURE_TEARDOWN(blocked)
{
	if (self->caller)
		rig_close(&rig);
}

/*
 * The page for which transmission waits does not come. The others come after @late
 * ms; if this is not 0, reception must wait for one, and the caller must not end.
 */
static void kill_caller(struct __test_metadata *_metadata, pid_t pid,
			unsigned int late)
{
	struct owner caller = { .pid = pid, .dev = -1 };
	struct stream s = stream_make(&rig, VG_RX, 50);
	int status;
	pthread_t t;

	s.sent = 1;
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_LT(0, vg_wait_fd(rig.net.err[VG_TX], POLLIN, vg_deadline_ms(5000)));
	if (late) {
		poll(NULL, 0, late);
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
		ASSERT_LT(0, vg_wait_fd(uffd, POLLIN, vg_deadline_ms(0)));
	}
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	EXPECT_TRUE(owner_ends(&caller, 5000, &status));
	EXPECT_EQ(1, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

/* A caller that is killed ends the wait of one ring, and of no other. */
TEST_F(blocked, killed_caller_breaks_one_ring)
{
	NEEDS_ABORT();
	kill_caller(_metadata, self->caller, 0);
}

static int place(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set);
}

static volatile bool placed;

/* Once transmission has failed, the caller's processor is busy for *@arg ms. */
static void *delay_the_caller(void *arg)
{
	struct sched_param lowest = { .sched_priority = 1 };
	const unsigned int *ms = arg;
	uint64_t end;

	if (place(0, 1) || sched_setscheduler(0, SCHED_FIFO, &lowest))
		abort();
	placed = true;
	if (vg_wait_fd(rig.net.err[VG_TX], POLLIN, vg_deadline_ms(10000)) <= 0)
		return arg;
	end = vg_now_ns() + *ms * 1000000ULL;
	while (!vg_expired(end))
		;
	return NULL;
}

/* The caller can run @busy ms after the end of its wait, while reception is blocked. */
static void kill_slow_caller(struct __test_metadata *_metadata, pid_t pid,
			     unsigned int busy, unsigned int late)
{
	void *failed;
	pthread_t t;

	ASSERT_EQ(0, place(vg_worker_find(getpid()), 0));
	ASSERT_EQ(0, place(pid, 1));
	ASSERT_EQ(0, pthread_create(&t, NULL, delay_the_caller, &busy));
	while (!placed)
		poll(NULL, 0, 1);
	kill_caller(_metadata, pid, late);
	ASSERT_EQ(0, pthread_join(t, &failed));
	EXPECT_EQ(NULL, failed);
}

/* Other load would delay what must come in time. */
#define NEEDS_TIME() do { \
	if (get_nprocs() < 2 || !getenv("VD_TIMED")) \
		SKIP(return, "VD_TIMED=1, on an idle machine with two processors"); \
} while (0)

/* Reception is blocked at two checks, 250 ms apart; the caller does not wait for it. */
TEST_F(blocked, slow_killed_caller)
{
	NEEDS_ABORT();
	NEEDS_TIME();
	kill_slow_caller(_metadata, self->caller, 700, 600);
}

/* The caller then waits for reception: its page is late, but comes before a check. */
TEST_F(blocked, killed_caller_of_both)
{
	NEEDS_ABORT();
	NEEDS_TIME();
	kill_slow_caller(_metadata, self->caller, 50, 150);
}

/* When a caller's processor is busy, in ms after @begin. */
struct load {
	uint64_t begin;
	unsigned int window[2][2];
};

static void *load_the_processor(void *arg)
{
	struct sched_param lowest = { .sched_priority = 1 };
	const struct load *load = arg;
	unsigned int i;
	uint64_t now;

	if (place(0, 1) || sched_setscheduler(0, SCHED_FIFO, &lowest))
		abort();
	for (i = 0; i < 2; i++) {
		while ((now = vg_now_ns()) < load->begin + load->window[i][0] * 1000000ULL)
			poll(NULL, 0, 1);
		while (now < load->begin + load->window[i][1] * 1000000ULL)
			now = vg_now_ns();
	}
	return NULL;
}

static void sleep_until(const struct load *load, unsigned int ms)
{
	while (vg_now_ns() < load->begin + ms * 1000000ULL)
		poll(NULL, 0, 1);
}

struct busy_caller {
	pid_t pid;
	struct load load;
	pthread_t loader;
};

/* As long as a real-time thread may run without a break. */
static void set_rt_runtime(const char *us)
{
	FILE *f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "w");

	if (!f || fputs(us, f) < 0 || fclose(f))
		abort();
}

FIXTURE(frame)
{
	struct busy_caller caller;
	uint32_t worker;
};

FIXTURE_SETUP(frame)
{
	NEEDS_UFFD();
	vg_fork_from_owner = 0;
	NEEDS_ABORT();
	NEEDS_TIME();
	set_rt_runtime("-1");
	ASSERT_FINE(uffd_set_up(&rig, &view));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_EQ(0, place(vg_worker_find(getpid()), 0));
	if (vg_ioctl(rig.net.fd, VG_NEW_WORKER, &self->worker))
		self->worker = 0;
	ASSERT_FINE(uffd_make_frames_wait(&rig, &view, VG_TX, 1));
}

FIXTURE_TEARDOWN(frame)
{
	if (!self->caller.pid)
		return;
	set_rt_runtime("950000");
	rig_close(&rig);
}

/* Its wait begins; it is killed; its processor is busy at times. */
static void kill_busy_caller(struct __test_metadata *_metadata,
			     struct busy_caller *c)
{
	poll(NULL, 0, 200);
	ASSERT_EQ(0, waitpid(c->pid, NULL, WNOHANG));
	ASSERT_EQ(0, place(c->pid, 1));
	c->load.begin = vg_now_ns();
	ASSERT_EQ(0, kill(c->pid, SIGKILL));
	ASSERT_EQ(0, pthread_create(&c->loader, NULL, load_the_processor, &c->load));
}

/* From now on all pages come, and no ring may be broken. */
static void end_well(struct __test_metadata *_metadata, struct busy_caller *c)
{
	struct owner caller = { .pid = c->pid, .dev = -1 };
	struct stream s = stream_make(&rig, VG_TX, 50);
	int status;
	pthread_t t;

	s.sent = 1;
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	EXPECT_TRUE(owner_ends(&caller, 5000, &status));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	ASSERT_EQ(0, pthread_join(c->loader, NULL));
}

/*
 * The next run of the job that it waited for waits for the caller, and must not be
 * signalled. The first load lets a run take the mutex once more, so that the caller is
 * handed the mutex after the second signal, at 750 ms or later. The second load is
 * shorter than the time after which a kernel lets other tasks run.
 */
TEST_F(frame, next_run_is_not_aborted)
{
	struct busy_caller *c = &self->caller;

	NEEDS_ABORT();
	NEEDS_TIME();
	c->load.window[0][0] = 50;
	c->load.window[0][1] = 400;
	c->load.window[1][0] = 720;
	c->load.window[1][1] = 1600;
	c->pid = fork();
	if (!c->pid)
		_exit(-vg_set_features(rig.net.fd, rig.net.features));
	kill_busy_caller(_metadata, c);
	sleep_until(&c->load, 1100);
	ASSERT_FINE(uffd_ask_for_all(&rig, &view));
	sleep_until(&c->load, 1550);
	end_well(_metadata, c);
}

static uint32_t move[2];

static int move_reception(void *arg)
{
	move[0] = VG_RX;
	move[1] = *(uint32_t *)arg;
	_exit(!!vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, move));
}

/*
 * A process on the owner's memory waits for all jobs. Those that begin after its wait,
 * at 250 ms, must not be signalled.
 */
TEST_F(frame, job_after_the_wait_is_not_aborted)
{
	static uint8_t stack[65536] __attribute__((aligned(16)));
	struct busy_caller *c = &self->caller;

	NEEDS_ABORT();
	NEEDS_TIME();
	if (!self->worker)
		SKIP(return, "the kernel's interface has one worker");
	c->load.window[0][0] = 100;
	c->load.window[0][1] = 900;
	c->pid = clone(move_reception, stack + sizeof(stack),
		       CLONE_VM | CLONE_FILES | SIGCHLD, &self->worker);
	ASSERT_LT(0, c->pid);
	kill_busy_caller(_metadata, c);
	sleep_until(&c->load, 150);
	ASSERT_FINE(uffd_ask_for_all(&rig, &view));
	sleep_until(&c->load, 880);
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	end_well(_metadata, c);
}

/* If no caller is killed, all wait until the page comes. */
TEST_F(blocked, caller_waits_for_the_answer)
{
	struct owner caller = { .pid = self->caller, .dev = -1 };
	struct stream s[2] = { stream_make(&rig, VG_TX, 50),
			       stream_make(&rig, VG_RX, 50) };
	int status;
	pthread_t t;

	NEEDS_ABORT();
	s[0].sent = 1;
	s[1].sent = 1;
	uffd_continue(self->page);
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	EXPECT_TRUE(owner_ends(&caller, 5000, &status));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_FINE(stream_run(s, 2));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
}

VD_TEST_MAIN
