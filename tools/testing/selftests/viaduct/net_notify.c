// SPDX-License-Identifier: GPL-2.0-only
/* Notifications in both directions, kicks and calls, counted. */
#include <endian.h>
#include <sched.h>

#include "rig.h"
#include "vd_test.h"

static struct rig rig;
static struct vg_ring *tx;
static uint64_t next_seq;

static const char *set_up(uint64_t features, bool start)
{
	struct vg_net_opts o = { .features = features, .seed = 3 };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	tx = &rig.net.ring[VG_TX];
	return why || !start ? why : rig_start(&rig);
}

/* Makes one frame available, without a kick. */
static void show_one(struct __test_metadata *_metadata)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	size_t len;

	len = stream_frame(&rig, VG_TX, next_seq++, frame, &hdr);
	ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
				 &vg_layout_plain));
}

/* Waits until all frames are used, by polling, not by calls. */
static void until_used(struct __test_metadata *_metadata)
{
	uint64_t deadline = vg_deadline_ms(10000);
	int ret = 0;

	while (ret >= 0 && tx->nr_flight && !vg_expired(deadline)) {
		ret = vg_net_reap(&rig.net);
		sched_yield();
	}
	ASSERT_LE(0, ret);
	ASSERT_EQ(0, tx->nr_flight);
	/* The device decides about a call after it has written the index: wait for that. */
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
}

static void send_one(struct __test_metadata *_metadata)
{
	show_one(_metadata);
	vg_ring_kick(tx);
	until_used(_metadata);
}

static uint64_t calls(void)
{
	return vg_eventfd_take(rig.net.call[VG_TX]);
}

TEST(every_frame_calls)
{
	int i;

	ASSERT_FINE(set_up(0, true));
	for (i = 0; i < 20; i++) {
		send_one(_metadata);
		EXPECT_EQ(1, calls());
	}
}

TEST(flag_suppresses_calls)
{
	int i;

	ASSERT_FINE(set_up(0, true));
	vg_ring_disarm(tx);
	for (i = 0; i < 20; i++)
		send_one(_metadata);
	EXPECT_EQ(0, calls());
	vg_ring_arm(tx);
	send_one(_metadata);
	EXPECT_EQ(1, calls());
}

/* The feature overrides the flag whenever the ring has been emptied. */
TEST(notify_on_empty)
{
	int i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_NOTIFY_ON_EMPTY), true));
	if (tx->packed)
		SKIP(return, "a feature of legacy drivers");
	vg_ring_disarm(tx);
	for (i = 0; i < 10; i++) {
		send_one(_metadata);
		EXPECT_EQ(1, calls());
	}
}

TEST(notify_on_empty_event_idx)
{
	int i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_NOTIFY_ON_EMPTY) |
			   VG_BIT(VG_F_EVENT_IDX), true));
	if (tx->packed)
		SKIP(return, "a feature of legacy drivers");
	send_one(_metadata);
	calls();
	vg_ring_disarm(tx);
	for (i = 0; i < 10; i++) {
		send_one(_metadata);
		EXPECT_EQ(1, calls());
	}
}

TEST(event_idx_first_group_calls)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), true));
	if (tx->packed)
		SKIP(return, "a packed ring disables calls by a flag");
	vg_ring_disarm(tx);
	send_one(_metadata);
	EXPECT_EQ(1, calls());
	send_one(_metadata);
	EXPECT_EQ(0, calls());
}

/* One call, when the index passes the event, and at no other time. */
static void check_event(struct __test_metadata *_metadata, unsigned int ahead)
{
	unsigned int i;

	send_one(_metadata);
	calls();
	vg_ring_arm_at(tx, tx->used_idx + ahead);
	for (i = 0; i <= ahead + 5; i++) {
		send_one(_metadata);
		EXPECT_EQ(i == ahead, calls());
	}
}

TEST(event_idx_next)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), true));
	check_event(_metadata, 0);
}

TEST(event_idx_later)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), true));
	check_event(_metadata, 9);
}

/* The same, where the 16-bit index begins again. */
TEST(event_idx_wraps)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), false));
	vg_ring_reset(tx, 65530);
	ASSERT_EQ(0, vg_net_set_ring(&rig.net, VG_TX));
	ASSERT_FINE(rig_start(&rig));
	check_event(_metadata, 2);
	check_event(_metadata, 10);
}

/* A call without an eventfd is lost, and is not repeated once there is one. */
TEST(without_call_eventfd)
{
	ASSERT_FINE(set_up(0, true));
	ASSERT_EQ(0, vg_set_vring_call(rig.net.fd, VG_TX, -1));
	send_one(_metadata);
	ASSERT_EQ(0, vg_set_vring_call(rig.net.fd, VG_TX,
				       rig.net.call[VG_TX]));
	EXPECT_EQ(0, calls());
	send_one(_metadata);
	EXPECT_EQ(1, calls());
}

TEST(call_swap)
{
	int other = vg_eventfd();

	ASSERT_FINE(set_up(0, true));
	ASSERT_EQ(0, vg_set_vring_call(rig.net.fd, VG_TX, other));
	send_one(_metadata);
	EXPECT_EQ(0, calls());
	EXPECT_EQ(1, vg_eventfd_take(other));
}

/* When idle, the device must have kicks enabled. */
TEST(idle_device_wants_kicks)
{
	ASSERT_FINE(set_up(0, true));
	send_one(_metadata);
	EXPECT_TRUE(vg_ring_is_armed(tx));
	show_one(_metadata);
	EXPECT_TRUE(vg_ring_kick(tx));
	until_used(_metadata);
}

TEST(idle_device_wants_kicks_event_idx)
{
	int i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), true));
	for (i = 0; i < 10; i++) {
		send_one(_metadata);
		EXPECT_TRUE(vg_ring_is_armed(tx));
		show_one(_metadata);
		EXPECT_TRUE(vg_ring_kick(tx));
		until_used(_metadata);
	}
}

/* Frames that came together need one kick. */
TEST(one_kick_for_many)
{
	int i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), true));
	send_one(_metadata);
	for (i = 0; i < 200; i++)
		show_one(_metadata);
	EXPECT_TRUE(vg_ring_kick(tx));
	until_used(_metadata);
}

/* The counter belongs to the guest: the device only watches it. */
TEST(kick_counter_is_left_alone)
{
	ASSERT_FINE(set_up(0, true));
	vg_eventfd_take(rig.net.kick[VG_TX]);
	show_one(_metadata);
	vg_eventfd_add(rig.net.kick[VG_TX], 3);
	until_used(_metadata);
	EXPECT_EQ(3, vg_eventfd_take(rig.net.kick[VG_TX]));
}

/* Chains that wait when the ring is attached need no kick. */
TEST(attach_starts_by_itself)
{
	ASSERT_FINE(set_up(0, false));
	show_one(_metadata);
	show_one(_metadata);
	ASSERT_FINE(rig_start(&rig));
	until_used(_metadata);
}

/* Chains need no kick when the ring gets an eventfd that was kicked before. */
TEST(kicked_eventfd_starts)
{
	int e = vg_eventfd();

	ASSERT_FINE(set_up(0, true));
	send_one(_metadata);
	show_one(_metadata);
	vg_eventfd_add(e, 1);
	ASSERT_EQ(0, vg_set_vring_kick(rig.net.fd, VG_TX, e));
	until_used(_metadata);
}

/* The old eventfd has no effect any more. */
TEST(kick_swap)
{
	int old, e = vg_eventfd();

	ASSERT_FINE(set_up(0, true));
	send_one(_metadata);
	old = rig.net.kick[VG_TX];
	ASSERT_EQ(0, vg_set_vring_kick(rig.net.fd, VG_TX, e));
	show_one(_metadata);
	vg_eventfd_add(old, 1);
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	EXPECT_FALSE(vg_ring_has_used(tx));
	vg_eventfd_add(e, 1);
	until_used(_metadata);
}

/* A receive ring calls once for what came together, not for each packet. */
TEST(receive_calls_are_few)
{
	struct stream s;
	uint64_t n;

	ASSERT_FINE(set_up(VG_BIT(VG_F_EVENT_IDX), false));
	s = stream_make(&rig, VG_RX, 64);
	/* All packets wait in the tap before the device checks it. */
	while (s.sent < 64) {
		struct virtio_net_hdr hdr;
		uint8_t frame[2048];
		size_t len = stream_frame(&rig, VG_RX, s.sent++, frame, &hdr);

		ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	}
	vg_net_fill(&rig.net);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(stream_run(&s, 1));
	n = rig.net.ring[VG_RX].nr_calls +
	    vg_eventfd_take(rig.net.call[VG_RX]);
	EXPECT_LT(0, n);
	EXPECT_GE(4, n);
}

VD_TEST_MAIN
