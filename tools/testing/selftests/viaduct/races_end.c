// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a device, of an ownership, of the owner, while other threads are
 * in the middle of calls; each is repeated for VD_RACE_MS milliseconds
 * (1000).
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

#define NR_CALLERS	2

static struct rig rig;
static volatile bool stop;
static volatile int device;	/* the descriptor that the callers use */
static struct vhost_memory *table;

static uint64_t race_end(void)
{
	const char *env = getenv("VD_RACE_MS");

	return vg_deadline_ms(env ? atoi(env) : 1000);
}

static const char *set_up(void)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	if (why)
		return why;
	device = rig.net.fd;
	table = vg_mem_table(&rig.net.mem);
	return rig_start(&rig);
}

/*
 * Calls that a client may make. Their results are ignored: the device may have
 * another state, another owner, or be closed meanwhile.
 */
static void *call_on(void *arg)
{
	unsigned int nr = 0, base, q;
	uint64_t f;

	while (!stop) {
		int fd = device;

		q = nr++ % 2;
		vg_get_features(fd, &f);
		vg_set_features(fd, rig.net.features);
		vg_set_mem_table(fd, table);
		vg_get_vring_base(fd, q, &base);
		vg_set_vring_num(fd, q, rig.net.ring[q].num);
		vg_set_vring_base(fd, q, 0);
		vg_set_vring_kick(fd, q, rig.net.kick[q]);
		vg_set_vring_call(fd, q, rig.net.call[q]);
		vg_set_vring_err(fd, q, nr % 3 ? rig.net.err[q] : -1);
		vg_set_log_fd(fd, -1);
		vg_set_backend(fd, q, nr % 5 ? rig.backend : -1);
		vg_eventfd_add(rig.net.kick[q], 1);
	}
	return arg;
}

static void start_callers(pthread_t t[NR_CALLERS])
{
	int i;

	stop = false;
	for (i = 0; i < NR_CALLERS; i++)
		if (pthread_create(&t[i], NULL, call_on, NULL))
			abort();
}

static void stop_callers(pthread_t t[NR_CALLERS])
{
	int i;

	stop = true;
	for (i = 0; i < NR_CALLERS; i++)
		pthread_join(t[i], NULL);
}

/* With a new owner no frame may be lost. */
static const char *is_well(void)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, 100),
			       stream_make(&rig, VG_RX, 100) };
	const char *why = NULL;
	unsigned int q;
	int ret;

	ret = vg_reset_owner(rig.net.fd);
	if (!ret || ret == -EPERM)
		ret = vg_set_owner(rig.net.fd);
	if (!ret)
		ret = vg_set_features(rig.net.fd, rig.net.features);
	if (!ret)
		ret = vg_set_mem_table(rig.net.fd, table);
	for (q = 0; q < 2 && !ret; q++)
		ret = vg_net_set_ring(&rig.net, q);
	for (q = 0; q < 2 && !ret && !why; q++)
		why = rig_restart(&rig, q);
	if (ret)
		return rig_fail(&rig, "new owner: %s", strerror(-ret));
	return why ? why : stream_run(s, 2);
}

/* The descriptor is closed during another thread's ioctl, before or after it. */
TEST(close_during_calls)
{
	uint64_t end = race_end();
	pthread_t t[NR_CALLERS];
	unsigned int q;
	int old;

	ASSERT_FINE(set_up());
	start_callers(t);
	while (!vg_expired(end)) {
		poll(NULL, 0, 1);
		/* A caller may find the next device at the same number. */
		old = device;
		device = -1;
		close(old);
		rig.net.fd = vg_dev_open(NULL);
		ASSERT_LE(0, rig.net.fd);
		ASSERT_EQ(0, vg_set_owner(rig.net.fd));
		ASSERT_EQ(0, vg_set_features(rig.net.fd, rig.net.features));
		ASSERT_EQ(0, vg_set_mem_table(rig.net.fd, table));
		for (q = 0; q < 2; q++)
			ASSERT_EQ(0, vg_net_set_ring(&rig.net, q));
		ASSERT_FINE(rig_start(&rig));
		device = rig.net.fd;
	}
	stop_callers(t);
	EXPECT_EQ(1, vg_worker_settle(getpid(), 1));
	EXPECT_FINE(is_well());
	rig_close(&rig);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

/* The callers use a device that has an owner, or none. */
TEST(reset_owner_during_calls)
{
	uint64_t end = race_end();
	pthread_t t[NR_CALLERS];
	unsigned int nr = 0;

	ASSERT_FINE(set_up());
	start_callers(t);
	while (!vg_expired(end)) {
		ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
		sched_yield();
		ASSERT_EQ(0, vg_set_owner(rig.net.fd));
		sched_yield();
		nr++;
	}
	stop_callers(t);
	EXPECT_LT(5, nr);
	EXPECT_EQ(1, vg_worker_settle(getpid(), 1));
	EXPECT_FINE(is_well());
	rig_close(&rig);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

static void client(int say)
{
	pthread_t t[NR_CALLERS];
	const char *why = set_up();

	if (why)
		printf("# %s\n", why);
	else
		start_callers(t);
	if (write(say, why ? "n" : "y", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

TEST(owner_killed_during_calls)
{
	uint64_t end = race_end();
	unsigned int nr;
	int p[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(p));
	for (nr = 0; nr < 5 || !vg_expired(end); nr++) {
		pid = fork();
		if (!pid)
			client(p[1]);
		ASSERT_EQ(1, read(p[0], &c, 1));
		ASSERT_EQ('y', c);
		poll(NULL, 0, nr % 7);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, vg_worker_settle(pid, 0));
	}
}

VD_TEST_MAIN
