// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory with faults that a program resolves (userfaultfd) late or never. The
 * device waits and then continues without a loss; other devices do not wait.
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

#include "../../../lib/vguest/worker.h"
#include "uffd.h"
#include "vd_test.h"

#define PAGE	vg_page()
#define LATE_MS	100

static struct rig rig;
static struct view view;

static unsigned int nr_answers;

static void *answer_late(void *arg)
{
	while (!uffd_stop) {
		if (vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10)) <= 0)
			continue;
		poll(NULL, 0, LATE_MS);
		nr_answers += uffd_answer();
	}
	return arg;
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
	ASSERT_FINE(uffd_set_up(&rig, &view));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_EQ(0, pthread_create(&t, NULL, answer_late, NULL));
	for (i = 0; i < 2; i++) {
		ASSERT_FINE(uffd_ask_for_all(&rig, &view));
		EXPECT_FINE(uffd_both_ways(&rig, 15));
	}
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	/* Twice two rings of three areas, and buffers. */
	EXPECT_LT(12, nr_answers);
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	rig_close(&rig);
}

/* Resolves faults up to that of the page of @at, which the device then waits for. */
static bool wait_at(const void *at)
{
	uint64_t deadline = vg_deadline_ms(10000), page;

	while (vg_wait_fd(uffd, POLLIN, deadline) > 0) {
		if (!uffd_take(&page))
			continue;
		if (page == ((uintptr_t)at & ~(PAGE - 1ULL)))
			return true;
		uffd_continue(page);
	}
	return false;
}

/*
 * A chain that the driver adds while the device enables kicks, so that none is
 * sent for it. In a split ring of 512 the event index has a page of its own.
 */
TEST(added_while_kicks_are_enabled)
{
	struct vg_net_opts o = {
		.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
		.num = { [VG_TX] = 512 },
	};
	struct vg_ring *r = &rig.net.ring[VG_TX];
	const void *event;
	unsigned int quiet;
	struct stream tx;
	pthread_t t;

	NEEDS_UFFD();
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(view_split(&view, &rig));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_FINE(uffd_ask_for_all(&rig, &view));
	event = view_of(&view, r->packed ? (void *)r->device_event :
					   (void *)&r->used->ring[r->num]);
	tx = stream_make(&rig, VG_TX, 2);
	tx.window = 1;
	ASSERT_LE(0, stream_step(&tx));
	ASSERT_TRUE(wait_at(event));
	tx.window = 2;
	quiet = r->nr_quiet_kicks;
	ASSERT_LE(0, stream_step(&tx));
	ASSERT_EQ(2, tx.sent);
	EXPECT_EQ(quiet + 1, r->nr_quiet_kicks);
	ASSERT_EQ(0, pthread_create(&t, NULL, uffd_answer_now, NULL));
	uffd_continue((uintptr_t)event & ~(PAGE - 1ULL));
	EXPECT_FINE(stream_run(&tx, 1));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	rig_close(&rig);
}

/* Resolves the faults outside the transmit ring. */
static void *answer_others(void *arg)
{
	uint64_t page;

	while (!uffd_stop)
		if (vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10)) > 0 &&
		    uffd_take(&page) && !uffd_is_of_ring(arg, &view, page))
			uffd_continue(page);
	return NULL;
}

/*
 * Busy polling for packets also checks the transmit ring, but must not wait for
 * its pages.
 */
TEST(ring_that_is_polled_beside)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct vhost_vring_state busy = { VG_RX, 100000 };
	uint32_t attach[2] = { VG_TX };
	struct stream rx;
	pthread_t t;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has one worker for both rings");
	NEEDS_UFFD();
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VG_NEW_WORKER, &attach[1]));
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, attach));
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &busy));
	ASSERT_FINE(view_split(&view, &rig));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_FINE(uffd_ask_for_all(&rig, &view));
	ASSERT_EQ(0, pthread_create(&t, NULL, answer_others,
				    &rig.net.ring[VG_TX]));
	rx = stream_make(&rig, VG_RX, 50);
	rx.window = 1;
	EXPECT_FINE(stream_run(&rx, 1));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	close(uffd);
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
	ASSERT_FINE(uffd_set_up(&rig, &view));
	ASSERT_FINE(uffd_both_ways(&rig, 20));
	ASSERT_FINE(uffd_make_it_wait(&rig, &view, variant->q));
}

FIXTURE_TEARDOWN(wait)
{
	rig_close(&rig);
}

/* Closing the descriptor resolves all faults, now and later. */
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
	EXPECT_FINE(uffd_both_ways(&other, 100));
	rig_close(&other);
	/* A worker that waits uses no time. */
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	close(uffd);
	EXPECT_FINE(go_on(variant->q));
}

static volatile int detached = 1;

static void *detach(void *arg)
{
	detached = vg_set_backend(rig.net.fd, *(unsigned int *)arg, -1);
	return NULL;
}

/* A detach waits until the device has ended what it has begun. */
TEST_F(wait, detach_waits_too)
{
	struct vg_ring *r = &rig.net.ring[variant->q];
	unsigned int q = variant->q, base;
	pthread_t t[2];

	ASSERT_EQ(0, pthread_create(&t[0], NULL, detach, &q));
	poll(NULL, 0, LATE_MS);
	EXPECT_EQ(1, detached);
	ASSERT_EQ(0, pthread_create(&t[1], NULL, uffd_answer_now, NULL));
	ASSERT_EQ(0, pthread_join(t[0], NULL));
	EXPECT_EQ(0, detached);
	ASSERT_EQ(0, vg_get_vring_base(rig.net.fd, q, &base));
	EXPECT_EQ(r->packed ? base >> 16 : le16toh(r->used->idx),
		  base & 0xffff);
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, q, rig.backend));
	EXPECT_FINE(go_on(q));
	uffd_stop = true;
	ASSERT_EQ(0, pthread_join(t[1], NULL));
}

VD_TEST_MAIN
