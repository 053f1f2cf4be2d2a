// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many devices at once, all with traffic, and the state after they are closed:
 * threads, descriptors, files and memory must be back to where they were after
 * a first round, which fills the caches.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define NR		200	/* devices */
#define NR_CLOSERS	20
#define FRAMES		8	/* each way through each of them */
#define LOST_KIB	6144	/* 30 KiB a device would be found */
#define LOST_FILES	100	/* the kernel's count is not an exact one */

static struct rig rig[NR];
static struct stream stream[NR][2];

static unsigned int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Open files of the whole machine. */
static long nr_files(void)
{
	FILE *f = fopen("/proc/sys/fs/file-nr", "r");
	long n = 0;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static const char *open_all(void)
{
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
			    VG_BIT(VG_F_EVENT_IDX),
		.num = { 16, 16 },
	};
	const char *why = NULL;
	unsigned int i, d;

	for (i = 0; i < NR && !why; i++) {
		why = rig_open_here(&rig[i], RIG_TAP, &o);
		if (!why)
			why = rig_start(&rig[i]);
		for (d = 0; d < 2; d++)
			stream[i][d] = stream_make(&rig[i], d, FRAMES);
	}
	return why;
}

/* One step of each in turn, so that all are active together. */
static const char *run_all(void)
{
	uint64_t deadline = vg_deadline_ms(30000);
	unsigned int i, done = 0;

	while (done < 2 * NR) {
		for (i = 0, done = 0; i < 2 * NR; i++) {
			struct stream *s = &stream[i / 2][i % 2];

			if (s->got < s->count && stream_step(s) < 0)
				return s->rig->why;
			done += s->got == s->count;
		}
		if (vg_expired(deadline))
			return rig_fail(&rig[0], "%u of %u streams have ended",
					done, 2 * NR);
		sched_yield();
	}
	return NULL;
}

static void *close_share(void *arg)
{
	struct rig *r = arg;

	for (; r < rig + NR; r += NR_CLOSERS)
		rig_close(r);
	return NULL;
}

/* A close takes several grace periods; in threads they overlap. */
static void close_all(void)
{
	pthread_t t[NR_CLOSERS];
	unsigned int i;

	for (i = 0; i < NR_CLOSERS; i++)
		if (pthread_create(&t[i], NULL, close_share, &rig[i]))
			abort();
	for (i = 0; i < NR_CLOSERS; i++)
		pthread_join(t[i], NULL);
}

/* Opens, uses and closes all devices. */
static void round_of_all(struct __test_metadata *_metadata)
{
	unsigned int fds = count_entries("/proc/self/fd");

	ASSERT_FINE(open_all());
	EXPECT_EQ(NR, vg_worker_count(getpid()));
	EXPECT_FINE(run_all());
	close_all();
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
	EXPECT_EQ(fds, count_entries("/proc/self/fd"));
}

TEST(many_devices_leave_nothing)
{
	struct rlimit files = { 65536, 65536 };
	long available, opened, lost = LONG_MAX;
	unsigned int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, vg_netns_enter());
	round_of_all(_metadata);
	opened = nr_files();
	/* A leak costs memory in each round, a cache only in the first one or two. */
	for (i = 0; i < 3 && lost >= LOST_KIB; i++) {
		available = stats_memory_settled();
		round_of_all(_metadata);
		lost = available - stats_memory_settled();
		TH_LOG("%ld KiB more in use than before", lost);
	}
	/* KASAN keeps freed memory for a while; on such kernels kmemleak finds leaks. */
	if (access("/sys/kernel/debug/kmemleak", F_OK))
		EXPECT_GT(LOST_KIB, lost);
	EXPECT_GT(LOST_FILES, nr_files() - opened);
}

VD_TEST_MAIN
