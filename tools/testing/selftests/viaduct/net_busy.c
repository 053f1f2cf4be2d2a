// SPDX-License-Identifier: GPL-2.0-only
/*
 * Busy polling: work is found without a kick during a poll, a poll yields to
 * everything else, and after it the device sleeps with kicks enabled.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define SECOND	1000000
#define LONGEST	UINT32_MAX

FIXTURE(busy)
{
	struct rig rig;
	struct vg_ring *tx;
	uint64_t seq;
};

FIXTURE_VARIANT(busy)
{
	uint64_t features;
};

FIXTURE_VARIANT_ADD(busy, flags) { .features = VG_BIT(VG_F_VERSION_1) };
FIXTURE_VARIANT_ADD(busy, event_idx) {
	.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
};

FIXTURE_SETUP(busy)
{
	struct vg_net_opts o = { .features = variant->features, .seed = 11 };

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	self->tx = &self->rig.net.ring[VG_TX];
}

FIXTURE_TEARDOWN(busy)
{
	rig_close(&self->rig);
}

typedef struct _test_data_busy busy_t;

static void poll_for(busy_t *b, unsigned int q, uint32_t us)
{
	struct vhost_vring_state s = { .index = q, .num = us };

	if (vg_ioctl(b->rig.net.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s))
		abort();
}

static void show_one(struct __test_metadata *_metadata, busy_t *b)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	size_t len;

	len = stream_frame(&b->rig, VG_TX, b->seq++, frame, &hdr);
	ASSERT_EQ(0, vg_net_xmit(&b->rig.net, &hdr, frame, len,
				 &vg_layout_plain));
}

/* Whether all frames are used within @ms, with or without a kick. */
static bool is_used(busy_t *b, uint64_t ms)
{
	uint64_t deadline = vg_deadline_ms(ms);

	while (b->tx->nr_flight && !vg_expired(deadline)) {
		if (vg_net_reap(&b->rig.net) < 0)
			return false;
		sched_yield();
	}
	return !b->tx->nr_flight;
}

static bool soon_wants_kick(busy_t *b)
{
	uint64_t deadline = vg_deadline_ms(5000);

	while (!vg_ring_is_armed(b->tx)) {
		if (vg_expired(deadline))
			return false;
		sched_yield();
	}
	return true;
}

static const char *receive_one(busy_t *b)
{
	struct stream s = stream_make(&b->rig, VG_RX, 1);

	return stream_run(&s, 1);
}

TEST_F(busy, transmits_without_kicks)
{
	int i;

	poll_for(self, VG_TX, 30 * SECOND);
	ASSERT_FINE(rig_start(&self->rig));
	show_one(_metadata, self);
	vg_ring_kick(self->tx);
	ASSERT_TRUE(is_used(self, 5000));
	for (i = 0; i < 20; i++) {
		show_one(_metadata, self);
		/* The reference stops when another task needs the processor. */
		if (vg_dev_is_reference())
			vg_ring_kick(self->tx);
		else
			EXPECT_FALSE(vg_ring_is_armed(self->tx));
		ASSERT_TRUE(is_used(self, 10000));
	}
	/* The tear-down must not wait for the end of the poll. */
	poll_for(self, VG_TX, 0);
}

/* A reply to a received frame. */
TEST_F(busy, receiver_watches_transmit_ring)
{
	int i;

	ASSERT_FINE(rig_start(&self->rig));
	show_one(_metadata, self);
	vg_ring_kick(self->tx);
	ASSERT_TRUE(is_used(self, 5000));
	ASSERT_TRUE(soon_wants_kick(self));
	poll_for(self, VG_RX, 30 * SECOND);
	for (i = 0; i < 5; i++) {
		ASSERT_FINE(receive_one(self));
		show_one(_metadata, self);
		if (vg_dev_is_reference())
			vg_ring_kick(self->tx);
		EXPECT_TRUE(is_used(self, 10000));
	}
	poll_for(self, VG_RX, 0);
}

TEST_F(busy, sleeps_afterwards)
{
	ASSERT_FINE(rig_start(&self->rig));
	poll_for(self, VG_TX, 1000);
	poll_for(self, VG_RX, 1000);
	ASSERT_FINE(receive_one(self));
	show_one(_metadata, self);
	vg_ring_kick_always(self->tx);
	ASSERT_TRUE(is_used(self, 5000));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_TRUE(vg_ring_is_armed(self->tx));
	/* Both ways of waking the worker work, and the poll that follows ends. */
	ASSERT_FINE(receive_one(self));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_TRUE(vg_ring_is_armed(self->tx));
	show_one(_metadata, self);
	EXPECT_TRUE(vg_ring_kick(self->tx));
	EXPECT_TRUE(is_used(self, 5000));
}

TEST_F(busy, streams)
{
	struct stream s[2];

	poll_for(self, VG_TX, 50);
	poll_for(self, VG_RX, 50);
	ASSERT_FINE(rig_start(&self->rig));
	s[0] = stream_make(&self->rig, VG_TX, 3000);
	s[1] = stream_make(&self->rig, VG_RX, 3000);
	EXPECT_FINE(stream_run(s, 2));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

/* One processor each, so that the worker need not yield its own to the test. */
static void part(void)
{
	cpu_set_t set;
	int cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		/* Fails without harm if there is only one. */
		sched_setaffinity(cpu ? vg_worker_find(getpid()) : 0, sizeof(set),
				  &set);
	}
}

/* The poll yields to the other ring's work, and to the client. */
TEST_F(busy, gives_way)
{
	uint64_t start;
	int i, late = 0;

	if (vg_dev_is_reference())
		SKIP(return, "the reference keeps the client waiting");
	ASSERT_FINE(rig_start(&self->rig));
	part();
	for (i = 0; i < 9; i++) {
		poll_for(self, VG_TX, LONGEST);
		poll_for(self, VG_RX, LONGEST);
		show_one(_metadata, self);
		vg_ring_kick_always(self->tx);
		ASSERT_TRUE(is_used(self, 5000));
		start = vg_now_ns();
		ASSERT_FINE(receive_one(self));
		late += vg_now_ns() - start > SECOND * 100;
		start = vg_now_ns();
		ASSERT_EQ(0, vg_set_log_fd(self->rig.net.fd, -1));
		ASSERT_EQ(0, vg_set_vring_call(self->rig.net.fd, VG_TX,
					       self->rig.net.call[VG_TX]));
		ASSERT_EQ(0, vg_set_vring_call(self->rig.net.fd, VG_RX,
					       self->rig.net.call[VG_RX]));
		EXPECT_GT(20000000000, vg_now_ns() - start);
	}
	/* Most frames come at once: no other task is needed to end the poll. */
	EXPECT_GT(5, late);
	/* The last close does not wait, either. */
	show_one(_metadata, self);
	vg_ring_kick_always(self->tx);
	ASSERT_TRUE(is_used(self, 5000));
	start = vg_now_ns();
	ASSERT_EQ(0, close(self->rig.net.fd));
	self->rig.net.fd = -1;
	EXPECT_GT(20000000000, vg_now_ns() - start);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

TEST_F(busy, on_two_workers)
{
	uint32_t w[2] = { VG_TX, 1 }, id;
	struct stream s[2];

	if (vg_dev_is_reference())
		SKIP(return, "not offered for network devices");
	ASSERT_EQ(0, vg_ioctl(self->rig.net.fd, VG_NEW_WORKER, &id));
	ASSERT_EQ(0, vg_ioctl(self->rig.net.fd, VG_ATTACH_VRING_WORKER, w));
	poll_for(self, VG_TX, SECOND / 2);
	poll_for(self, VG_RX, SECOND / 2);
	ASSERT_FINE(rig_start(&self->rig));
	s[0] = stream_make(&self->rig, VG_TX, 2000);
	s[1] = stream_make(&self->rig, VG_RX, 2000);
	EXPECT_FINE(stream_run(s, 2));
	poll_for(self, VG_TX, 0);
	poll_for(self, VG_RX, 0);
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find_id(getpid(), 1)));
}

static void *transmit(void *rig)
{
	struct stream s = stream_make(rig, VG_TX, 20000);

	return (void *)stream_run(&s, 1);
}

/* A ring that polls changes its worker under load; no move waits for the poll's end. */
TEST_F(busy, moves_to_another_worker)
{
	uint32_t w[2] = { VG_RX, 0 }, id;
	uint64_t start, longest = 0;
	void *why = NULL;
	pthread_t t;

	if (vg_dev_is_reference())
		SKIP(return, "not offered for network devices");
	ASSERT_EQ(0, vg_ioctl(self->rig.net.fd, VG_NEW_WORKER, &id));
	poll_for(self, VG_RX, 60 * SECOND);
	ASSERT_FINE(rig_start(&self->rig));
	ASSERT_EQ(0, pthread_create(&t, NULL, transmit, &self->rig));
	while (pthread_tryjoin_np(t, &why)) {
		w[1] ^= 1;
		vg_eventfd_add(self->rig.net.kick[VG_RX], 1);
		start = vg_now_ns();
		ASSERT_EQ(0, vg_ioctl(self->rig.net.fd, VG_ATTACH_VRING_WORKER,
				      w));
		start = vg_now_ns() - start;
		longest = start > longest ? start : longest;
	}
	EXPECT_FINE((const char *)why);
	EXPECT_GT(20000000000, longest);
	poll_for(self, VG_RX, 0);
}

/* An index that breaks the ring while it is watched. */
TEST_F(busy, ring_breaks)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference has no broken state");
	if (self->tx->packed)
		SKIP(return, "a packed ring has no index");
	poll_for(self, VG_TX, 30 * SECOND);
	ASSERT_FINE(rig_start(&self->rig));
	show_one(_metadata, self);
	vg_ring_kick(self->tx);
	ASSERT_TRUE(is_used(self, 5000));
	__atomic_store_n(&self->tx->avail->idx,
			 htole16(self->tx->shown_idx + self->tx->num + 1),
			 __ATOMIC_RELEASE);
	EXPECT_EQ(1, vg_eventfd_wait(self->rig.net.err[VG_TX],
				     vg_deadline_ms(10000)));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

VD_TEST_MAIN
