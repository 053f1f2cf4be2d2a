// SPDX-License-Identifier: GPL-2.0-only
/* Rings on separate workers, and moves between them: nothing is lost. */
#include <pthread.h>
#include <stdlib.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

static struct rig rig;
static volatile bool stop;

#define NEEDS_WORKERS() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "not offered for network devices"); \
} while (0)

static const char *set_up(unsigned int nr)
{
	struct vg_net_opts o = { .features = VG_NET_F_MRG |
					     VG_BIT(VG_F_VERSION_1) |
					     VG_BIT(VG_F_EVENT_IDX) };
	const char *why = rig_open(&rig, RIG_TAP, &o);
	uint32_t id;

	while (!why && nr--)
		if (vg_ioctl(rig.net.fd, VG_NEW_WORKER, &id))
			return "no worker";
	return why;
}

static void attach(uint32_t ring, uint32_t id)
{
	uint32_t w[2] = { ring, id };

	if (vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, w))
		abort();
}

static const char *both_ways(uint64_t nr)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, nr),
			       stream_make(&rig, VG_RX, nr) };

	return stream_run(s, 2);
}

TEST(one_each)
{
	NEEDS_WORKERS();
	ASSERT_FINE(set_up(1));
	attach(VG_TX, 1);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(2000));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find_id(getpid(), 1)));
}

TEST(neither_on_the_first)
{
	uint32_t first = 0;

	NEEDS_WORKERS();
	ASSERT_FINE(set_up(2));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(200));
	attach(VG_TX, 1);
	attach(VG_RX, 2);
	ASSERT_EQ(0, vg_ioctl(rig.net.fd, VG_FREE_WORKER, &first));
	EXPECT_FINE(both_ways(2000));
	EXPECT_EQ(0, vg_worker_count(getpid()));
}

/* Packets that wait when a ring moves are not forgotten. */
TEST(moves_while_starved)
{
	struct stream s;
	int i;

	NEEDS_WORKERS();
	ASSERT_FINE(set_up(1));
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_RX, 20);
	for (; s.sent < 20; s.sent++) {
		struct virtio_net_hdr hdr;
		uint8_t frame[2048];
		size_t len = stream_frame(&rig, VG_RX, s.sent, frame, &hdr);

		ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	}
	for (i = 1; i < 10; i++)
		attach(VG_RX, i % 2);
	EXPECT_FINE(stream_run(&s, 1));
}

static void *move(void *arg)
{
	unsigned int nr = 0;

	while (!stop) {
		attach(nr % 2, nr / 2 % 3);
		nr++;
	}
	printf("# moved %u times\n", nr);
	return arg;
}

TEST(moves_under_load)
{
	pthread_t t;

	NEEDS_WORKERS();
	ASSERT_FINE(set_up(2));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, pthread_create(&t, NULL, move, NULL));
	EXPECT_FINE(both_ways(5000));
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_FINE(both_ways(200));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find_id(getpid(), 1)));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find_id(getpid(), 2)));
	rig_close(&rig);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

static void *come_and_go(void *arg)
{
	unsigned int nr = 0;
	uint32_t id;

	while (!stop) {
		if (vg_ioctl(rig.net.fd, VG_NEW_WORKER, &id))
			abort();
		attach(nr % 2, id);
		attach(nr % 2, 0);
		if (vg_ioctl(rig.net.fd, VG_FREE_WORKER, &id))
			abort();
		nr++;
	}
	printf("# %u workers\n", nr);
	return arg;
}

TEST(come_and_go_under_load)
{
	pthread_t t;

	NEEDS_WORKERS();
	ASSERT_FINE(set_up(0));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, pthread_create(&t, NULL, come_and_go, NULL));
	EXPECT_FINE(both_ways(5000));
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_FINE(both_ways(200));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

VD_TEST_MAIN
