// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fdinfo/FD: every documented key is present while packets move, each
 * counter counts what it is documented to count, a reader does not wait for a
 * blocked ring, and no address is shown.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../lib/vguest/worker.h"
#include "info.h"
#include "owner.h"
#include "uffd.h"
#include "vd_test.h"

static const char * const device_keys[] = {
	"device", "owner", "worker-0", "offered-features", "features",
	"backend-features", "mem-regions", "mem-bytes", "iotlb-entries",
};

static const char * const ring_keys[] = {
	"state", "error", "worker", "in-run", "ifindex", "format", "size",
	"next-avail", "used", "chains-in-hand", "kicks-enabled", "packets",
	"bytes", "drop-short", "drop-oversize", "drop-header", "drop-fault",
	"drop-socket", "back-pressure", "kicks", "kicks-suppressed",
	"interrupts", "interrupts-suppressed", "wakeups", "runs",
	"iotlb-misses", "log-lost", "breaks", "batches", "direct",
};

static const char * const rx_keys[] = {
	"direct-xdp", "recvmsg", "packets-in-hand",
};

static struct rig rig;
static struct view view;

static const char *begin(uint64_t features)
{
	struct vg_net_opts o = {
		.features = features | VG_BIT(VG_F_VERSION_1),
	};
	const char *why = rig_open(&rig, RIG_TAP, &o);

	return why ? why : rig_start(&rig);
}

#define BEGIN(features) do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "the reference shows nothing"); \
	ASSERT_FINE(begin(features)); \
} while (0)

static int64_t ring_now(unsigned int q, const char *key)
{
	return info_ring_now(rig.net.fd, q, key);
}

static bool reaches(unsigned int q, const char *key, int64_t least)
{
	return info_ring_reaches(rig.net.fd, q, key, least);
}

static bool is(unsigned int q, const char *key, const char *value)
{
	return info_ring_is(rig.net.fd, q, key, value);
}

static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

/* The number of keys that are missing. */
static unsigned int nr_missing(const struct info *i)
{
	unsigned int k, q, missing = 0;

	for (k = 0; k < ARRAY_SIZE(device_keys); k++)
		missing += !info_value(i, device_keys[k]);
	for (k = 0; k < ARRAY_SIZE(ring_keys); k++)
		for (q = 0; q < 2; q++)
			missing += info_ring(i, q, ring_keys[k]) == INT64_MIN;
	for (k = 0; k < ARRAY_SIZE(rx_keys); k++)
		missing += info_ring(i, VG_RX, rx_keys[k]) == INT64_MIN;
	return missing;
}

static unsigned int nr_lines(const struct info *i)
{
	const char *at = i->text;
	unsigned int nr = 0;

	while ((at = strstr(at, "viaduct-"))) {
		at++;
		nr++;
	}
	return nr;
}

struct reader {
	volatile bool stop;
	unsigned int nr, missing, backward, in_hand;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	int64_t last[2] = {}, now;
	struct info i;
	unsigned int q;

	while (!r->stop && info_read(&i, rig.net.fd)) {
		r->nr++;
		r->missing += nr_missing(&i);
		for (q = 0; q < 2; q++) {
			now = info_ring(&i, q, "packets");
			r->backward += now < last[q];
			r->in_hand += info_ring(&i, q, "chains-in-hand") > 256;
			last[q] = now;
		}
	}
	return NULL;
}

TEST(every_key_under_traffic)
{
	struct reader r = {};
	struct stream s[2];
	struct info i;
	pthread_t t;

	BEGIN(0);
	ASSERT_EQ(0, pthread_create(&t, NULL, read_on, &r));
	s[0] = stream_make(&rig, VG_TX, 5000);
	s[1] = stream_make(&rig, VG_RX, 5000);
	EXPECT_FINE(stream_run(s, 2));
	r.stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	TH_LOG("%u reads", r.nr);
	EXPECT_LT(10, r.nr);
	EXPECT_EQ(0, r.missing);
	EXPECT_EQ(0, r.backward);
	EXPECT_EQ(0, r.in_hand);
	/* And no key that is not listed above. */
	ASSERT_TRUE(info_read(&i, rig.net.fd));
	EXPECT_EQ(ARRAY_SIZE(device_keys) + 2 * ARRAY_SIZE(ring_keys) +
		  ARRAY_SIZE(rx_keys), nr_lines(&i));
}

/* Addresses of the client and of the kernel. */
TEST(no_addresses)
{
	unsigned int k;
	uint64_t bad[4];
	struct info i;
	char *at, *end;

	BEGIN(0);
	bad[0] = (uintptr_t)rig.net.mem.region[0].hva;
	bad[1] = (uintptr_t)rig.net.mem.region[1].hva;
	bad[2] = (uintptr_t)rig.net.ring[VG_TX].desc;
	bad[3] = (uintptr_t)rig.net.ring[VG_RX].used;
	ASSERT_TRUE(info_read(&i, rig.net.fd));
	for (at = i.text; *at; at = end > at ? end : at + 1) {
		uint64_t v = strtoull(at, &end, 0);

		EXPECT_GT(0xffff800000000000ULL, v);
		for (k = 0; k < ARRAY_SIZE(bad); k++)
			EXPECT_NE(bad[k], v);
	}
}

TEST(device)
{
	struct info i;
	uint64_t bytes = 0;
	unsigned int k;
	char workers[64];
	pid_t tid;

	BEGIN(VG_NET_F_MRG);
	settle();
	ASSERT_TRUE(info_read(&i, rig.net.fd));
	for (k = 0; k < rig.net.mem.nr; k++)
		bytes += rig.net.mem.region[k].size;
	EXPECT_EQ(getpid(), info_number(&i, "owner"));
	EXPECT_EQ(rig.net.features, info_number(&i, "features"));
	EXPECT_EQ(rig.net.offered, info_number(&i, "offered-features"));
	EXPECT_EQ(rig.net.mem.nr, info_number(&i, "mem-regions"));
	EXPECT_EQ(bytes, info_number(&i, "mem-bytes"));
	tid = vg_worker_find(getpid());
	snprintf(workers, sizeof(workers), "%d %s\n", tid,
		 owner_has_thread(getpid(), tid) ? "thread" : "kthread");
	EXPECT_EQ(0, strncmp(workers, info_value(&i, "worker-0"),
			     strlen(workers)));
	EXPECT_EQ(NULL, info_value(&i, "worker-1"));
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	EXPECT_TRUE(is(VG_TX, "state", "stopped"));
	ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
	ASSERT_TRUE(info_read(&i, rig.net.fd));
	EXPECT_EQ(0, info_number(&i, "owner"));
	EXPECT_EQ(0, info_number(&i, "mem-regions"));
	EXPECT_EQ(0, info_number(&i, "features"));
	EXPECT_EQ(NULL, info_value(&i, "worker-0"));
	EXPECT_EQ(-1, info_ring(&i, VG_TX, "worker"));
}

TEST(second_worker)
{
	uint32_t w[2] = { VG_TX }, id = 0; /* ring, worker */

	BEGIN(0);
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VG_NEW_WORKER, &id));
	w[1] = id;
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, w));
	ASSERT_TRUE(reaches(VG_TX, "runs", 1));
	EXPECT_EQ(vg_worker_find_id(getpid(), id),
		  info_now(rig.net.fd, "worker-1"));
	EXPECT_EQ(1, ring_now(VG_TX, "worker"));
	EXPECT_EQ(0, ring_now(VG_RX, "worker"));
}

TEST(ring_state)
{
	int64_t used[2];
	unsigned int q;

	BEGIN(0);
	for (q = 0; q < 2; q++)
		used[q] = ring_now(q, "used");
	ASSERT_FINE(uffd_both_ways(&rig, 300));
	settle();
	for (q = 0; q < 2; q++) {
		struct vg_ring *r = &rig.net.ring[q];

		EXPECT_TRUE(is(q, "state", "running"));
		EXPECT_TRUE(is(q, "format", r->packed ? "packed" : "split"));
		EXPECT_EQ(r->num, ring_now(q, "size"));
		EXPECT_EQ(rig.tap.ifindex, ring_now(q, "ifindex"));
		EXPECT_EQ(300, ring_now(q, "packets"));
		EXPECT_EQ((used[q] + 300) & 0xffff, ring_now(q, "used"));
		EXPECT_EQ(ring_now(q, "used"), ring_now(q, "next-avail"));
		EXPECT_EQ(0, ring_now(q, "chains-in-hand"));
		EXPECT_EQ(0, ring_now(q, "in-run"));
	}
	EXPECT_EQ(1, ring_now(VG_TX, "kicks-enabled"));
}

/* Waits for the blocked ring while it holds the device's mutex. */
static void *set_call(void *arg)
{
	return (void *)(long)vg_set_vring_call(rig.net.fd, VG_TX, -1);
}

TEST(blocked_ring_can_be_read)
{
	pthread_t t, answers;
	int64_t runs;
	void *ret;
	int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference shows nothing");
	NEEDS_UFFD();
	ASSERT_FINE(uffd_set_up(&rig, &view));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_FINE(uffd_make_it_wait(&rig, &view, VG_TX));
	runs = ring_now(VG_TX, "runs");
	ASSERT_EQ(0, pthread_create(&t, NULL, set_call, NULL));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(1, ring_now(VG_TX, "in-run"));
		EXPECT_EQ(runs, ring_now(VG_TX, "runs"));
		EXPECT_EQ(20, ring_now(VG_TX, "packets"));
	}
	/* The call has not come back: it still waits for the ring. */
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(t, &ret));
	ASSERT_EQ(0, pthread_create(&answers, NULL, uffd_answer_now, NULL));
	ASSERT_EQ(0, pthread_join(t, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_TRUE(reaches(VG_TX, "packets", 21));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(answers, NULL));
	rig_close(&rig);
}

/* As in a container: a PID namespace and a /proc of its own. */
static int inside(void)
{
	struct info i;
	int fd;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return 2;
	fd = vg_dev_open(NULL);
	if (fd < 0 || vg_set_owner(fd) || !info_read(&i, fd))
		return 3;
	return info_number(&i, "owner") == 1 ? 0 : 1;
}

TEST(ids_of_the_namespace)
{
	int status;
	pid_t pid;

	if (vg_dev_is_reference())
		SKIP(return, "the reference shows nothing");
	ASSERT_EQ(0, unshare(CLONE_NEWPID | CLONE_NEWNS));
	pid = fork();
	if (!pid)
		_exit(inside());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* A process that may not trace the holder may not read it. */
TEST(not_for_everybody)
{
	int status;
	pid_t pid;

	BEGIN(0);
	pid = fork();
	if (!pid) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", getppid(),
			 rig.net.fd);
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(open(path, O_RDONLY) >= 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

VD_TEST_MAIN
