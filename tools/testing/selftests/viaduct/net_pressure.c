// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tap with IFF_BACKPRESSURE, which stops its queue when its ring is full
 * until packets are taken out, flooded through its queueing discipline while
 * the guest is slow: nothing hangs, and frames stay in order, also when the
 * ring is stopped and started or the owner killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"

#define NR_FRAMES	20000
#define SEED		7
#define IN_HAND		64	/* packets that a device takes at a time */
#define REFERENCE	"/dev/vhost-net"

static struct vg_tap tap;

struct sender {
	pthread_t thread;
	int fd;
	atomic_ullong sent;
	int failed;	/* errno once it has ended; EAGAIN: it stood still */
};

/* Through the queueing discipline, blocking: a full queue makes it wait. */
static int sender_socket(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_ifindex = tap.ifindex };
	const struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		abort();
	return fd;
}

static void *sender_run(void *arg)
{
	struct virtio_net_hdr hdr;
	struct sender *s = arg;
	uint8_t frame[256];

	while (s->sent < NR_FRAMES) {
		size_t len = 60 + s->sent % 100;

		vg_frame_build(frame, len, s->sent, SEED, false, &hdr);
		if (send(s->fd, frame, len, 0) == (ssize_t)len)
			s->sent++;
		else if (errno == ENOBUFS)
			sched_yield();
		else
			break;
	}
	s->failed = s->sent < NR_FRAMES ? errno : 0;
	return NULL;
}

static void sender_start(struct sender *s)
{
	*s = (struct sender){ .fd = sender_socket() };
	if (pthread_create(&s->thread, NULL, sender_run, s))
		abort();
}

static int sender_end(struct sender *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	return s->failed;
}

/* Frames for which the tap's ring had no room. */
static unsigned long long dropped(void)
{
	FILE *f = fopen("/proc/thread-self/net/dev", "r");
	unsigned long long drops = 0;
	char line[512], found[32];

	if (!f)
		abort();
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu",
			   found, &drops) == 2 && !strcmp(found, tap.name))
			break;
	fclose(f);
	return drops;
}

struct receiver {
	struct vg_net net;
	uint64_t next;		/* the first number that may come now */
	uint64_t lost;
	const char *why;
};

static bool receiver_open(struct receiver *r)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) |
					     VG_BIT(VG_F_EVENT_IDX) };

	*r = (struct receiver){ 0 };
	return !vg_net_open(&r->net, &o) &&
	       !vg_net_start(&r->net, tap.fd, -1);
}

static bool receiver_take(struct receiver *r)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];
	uint64_t seq;
	ssize_t len = vg_net_recv(&r->net, &mrg, frame, sizeof(frame));

	if (!len)
		return false;
	r->why = len < 0 ? "the device broke the rules" :
		 vg_frame_check(frame, len, SEED, &seq);
	if (!r->why && seq < r->next)
		r->why = "a frame came twice or late";
	if (r->why)
		return false;
	r->lost += seq - r->next;
	r->next = seq + 1;
	return true;
}

/* A slow guest takes frames until @end has come, or none comes any more. */
static void receiver_run(struct receiver *r, uint64_t end)
{
	const struct timespec nap = { .tv_nsec = 500000 };
	unsigned int i;

	while (r->next < end && !r->why) {
		vg_net_fill(&r->net);
		if (!vg_ring_wait(&r->net.ring[VG_RX], vg_deadline_ms(10000))) {
			r->why = "no frame for ten seconds";
			return;
		}
		for (i = 0; i < 32 && receiver_take(r); i++)
			;
		nanosleep(&nap, NULL);
	}
}

static const char *set_up(void)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[60];

	if (!vg_tap_can(VG_IFF_BACKPRESSURE))
		return "this kernel's taps have no back-pressure";
	/* Fills the pool of frame.c before two threads use it. */
	vg_frame_build(frame, sizeof(frame), 0, SEED, false, &hdr);
	if (vg_netns_enter() ||
	    vg_tap_open_flags(&tap, 12, VG_IFF_BACKPRESSURE))
		abort();
	return NULL;
}

#define SET_UP() do { \
	const char *_why = set_up(); \
	if (_why) \
		SKIP(return, "%s", _why); \
} while (0)

/* One flood; returns the frames that the tap dropped, or -1 with a reason. */
static long flood(const char **why)
{
	unsigned long long before = dropped(), drops;
	struct receiver r;
	struct sender s;
	int failed;

	*why = "no driver";
	if (!receiver_open(&r))
		return -1;
	sender_start(&s);
	receiver_run(&r, NR_FRAMES);
	*why = r.why;
	failed = sender_end(&s);
	if (!*why && failed)
		*why = strerror(failed);
	drops = dropped() - before;
	if (!*why && r.lost != drops) {
		printf("# %llu lost, %llu dropped\n", (unsigned long long)r.lost, drops);
		fflush(stdout);
		*why = "frames lost that the tap has not dropped";
	}
	vg_net_close(&r.net);
	return *why ? -1 : (long)r.lost;
}

/* What the in-tree driver's flood drops here; -1: there is none. */
static long flood_reference(void)
{
	int to_us[2], fd = vg_dev_open(REFERENCE);
	const char *why;
	long drops = -1;
	pid_t pid;

	if (fd < 0 || pipe(to_us))
		return -1;
	close(fd);
	pid = fork();
	if (!pid) {
		setenv("VD_DEVICE", REFERENCE, 1);
		drops = flood(&why);
		_exit(write(to_us[1], &drops, sizeof(drops)) < 0);
	}
	close(to_us[1]);
	if (pid < 0 || read(to_us[0], &drops, sizeof(drops)) < 0)
		drops = -1;
	close(to_us[0]);
	waitpid(pid, NULL, 0);
	return drops;
}

TEST(slow_guest)
{
	long ours, theirs;
	const char *why;

	SET_UP();
	ours = flood(&why);
	ASSERT_LE(0, ours) { TH_LOG("%s", why); }
	theirs = flood_reference();
	TH_LOG("dropped at the tap: %ld, in-tree driver %ld", ours, theirs);
	/* Without that driver no drop is permitted: one sender has no race. */
	EXPECT_LE(ours, theirs < 0 ? 0 : theirs);
}

/* What the device holds when it is stopped goes back into the tap's ring. */
TEST(stopped_and_started)
{
	struct receiver r;
	struct sender s;
	unsigned int i;

	SET_UP();
	ASSERT_TRUE(receiver_open(&r));
	sender_start(&s);
	for (i = 1; i < 20 && !r.why; i++) {
		receiver_run(&r, NR_FRAMES / 20 * i);
		ASSERT_EQ(0, vg_set_backend(r.net.fd, VG_RX, -1));
		while (receiver_take(&r))
			;
		ASSERT_EQ(0, vg_set_backend(r.net.fd, VG_RX, tap.fd));
	}
	receiver_run(&r, NR_FRAMES);
	EXPECT_EQ(NULL, r.why) { TH_LOG("%s", r.why); }
	EXPECT_EQ(0, sender_end(&s));
	TH_LOG("lost in %u stops: %lu", i - 1, (unsigned long)r.lost);
	/* The tap's ring may have no room for them any more. */
	EXPECT_LE(r.lost, IN_HAND * (i - 1));
	vg_net_close(&r.net);
}

TEST(owner_is_killed)
{
	uint64_t deadline = vg_deadline_ms(60000);
	struct receiver r;
	struct sender s;
	pid_t pid;

	SET_UP();
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (receiver_open(&r))
			receiver_run(&r, NR_FRAMES / 2);
		pause();
	}
	sender_start(&s);
	/* Its buffers are full and it takes none: the queue is stopped. */
	while (s.sent < NR_FRAMES / 2 && !vg_expired(deadline))
		sched_yield();
	ASSERT_FALSE(vg_expired(deadline));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_TRUE(receiver_open(&r));
	receiver_run(&r, NR_FRAMES);
	EXPECT_EQ(NULL, r.why) { TH_LOG("%s", r.why); }
	EXPECT_EQ(0, sender_end(&s));
	/* Most frames still come: they were not dropped in the meantime. */
	EXPECT_LT(r.lost, NR_FRAMES / 2 + 2 * IN_HAND + 256);
	vg_net_close(&r.net);
}

VD_TEST_MAIN
