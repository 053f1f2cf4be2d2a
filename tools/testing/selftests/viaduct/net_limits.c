// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits and back-pressure: frames too long for their buffers, rings without
 * buffers, a tap that accepts nothing at the moment.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

static struct rig rig;

static const char *set_up(struct vg_net_opts o)
{
	const char *why = rig_open(&rig, RIG_TAP, &o);

	return why ? why : rig_start(&rig);
}

/* All jobs of the worker have run when this returns. */
static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

static void far_send_numbered(struct __test_metadata *_metadata,
			      unsigned int nr)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	unsigned int i;
	size_t len;

	for (i = 0; i < nr; i++) {
		len = stream_frame(&rig, VG_RX, i, frame, &hdr);
		ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	}
}

static void far_send_plain(struct __test_metadata *_metadata, size_t len)
{
	static const uint8_t zeroes[VG_FRAME_MAX];

	ASSERT_FINE(rig_far_send(&rig, zeroes, len, NULL));
}

/* The worker must be idle when all jobs have run. */
static void expect_idle_worker(struct __test_metadata *_metadata)
{
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

/*
 * The receive queue has a packet and no room for it, and has counted that @nr
 * times at least. The reference has no counters: all that can be observed is that
 * its worker is idle after settle(), and so has run the handler.
 */
static void expect_starved(struct __test_metadata *_metadata, int nr)
{
	EXPECT_TRUE(stats_count(getpid(), VG_RX, "pressure", nr));
	expect_idle_worker(_metadata);
	EXPECT_FALSE(vg_ring_has_used(&rig.net.ring[VG_RX]));
}

/* A frame too long for its buffer is lost; the next one gets the buffer. */
TEST(rx_oversize_is_dropped)
{
	struct stream s;
	int i;

	ASSERT_FINE(set_up((struct vg_net_opts){ .rx_size = 600,
						 .num[VG_RX] = 4 }));
	vg_net_fill(&rig.net);
	for (i = 0; i < 20; i++)
		far_send_plain(_metadata, 700);
	s = stream_make(&rig, VG_RX, 50);
	s.max = 500;
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	expect_idle_worker(_metadata);
}

TEST(rx_exact_fit)
{
	struct stream s;

	ASSERT_FINE(set_up((struct vg_net_opts){ .rx_size = 610 }));
	s = stream_make(&rig, VG_RX, 100);
	s.min = 600;
	s.max = 600;
	EXPECT_FINE(stream_run(&s, 1));
}

/* More than 1024 buffers for a packet is too much, whatever the ring holds. */
TEST(rx_needs_too_many_buffers)
{
	struct stream s;

	ASSERT_FINE(set_up((struct vg_net_opts){ .features = VG_NET_F_MRG,
						 .rx_size = 16,
						 .num[VG_RX] = 4096 }));
	ASSERT_EQ(0, vg_link_set_mtu(rig.link, 20000));
	vg_net_fill(&rig.net);
	far_send_plain(_metadata, 18000);
	s = stream_make(&rig, VG_RX, 50);
	EXPECT_FINE(stream_run(&s, 1));
	expect_idle_worker(_metadata);
}

TEST(rx_many_buffers)
{
	struct stream s;

	ASSERT_FINE(set_up((struct vg_net_opts){ .features = VG_NET_F_MRG,
						 .rx_size = 16,
						 .num[VG_RX] = 4096 }));
	ASSERT_EQ(0, vg_link_set_mtu(rig.link, 20000));
	s = stream_make(&rig, VG_RX, 60);
	s.min = 1000;
	s.max = 1514;
	EXPECT_FINE(stream_run(&s, 1));
}

FIXTURE(starved)
{
	int unused;
};

FIXTURE_VARIANT(starved)
{
	uint64_t features;
	uint32_t rx_size;
};

FIXTURE_VARIANT_ADD(starved, one_each) { .rx_size = 2048 };
FIXTURE_VARIANT_ADD(starved, event_idx) {
	.features = VG_BIT(VG_F_EVENT_IDX), .rx_size = 2048,
};
FIXTURE_VARIANT_ADD(starved, mergeable) {
	.features = VG_NET_F_MRG, .rx_size = 64,
};
FIXTURE_VARIANT_ADD(starved, mergeable_event_idx) {
	.features = VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX), .rx_size = 64,
};

FIXTURE_SETUP(starved)
{
	ASSERT_FINE(set_up((struct vg_net_opts){
		.features = variant->features, .rx_size = variant->rx_size }));
}

FIXTURE_TEARDOWN(starved)
{
	rig_close(&rig);
}

/* Without buffers packets wait for a kick, and for nothing else. */
TEST_F(starved, waits_for_a_kick)
{
	struct stream s = stream_make(&rig, VG_RX, 40);

	far_send_numbered(_metadata, 40);
	expect_starved(_metadata, 1);
	/* stream_run() fills the ring, and kicks if notifications are enabled. */
	s.sent = 40;
	EXPECT_FINE(stream_run(&s, 1));
}

FIXTURE(part)
{
	int unused;
};

/* Without MRG_RXBUF one buffer is all that a packet can have. */
FIXTURE_VARIANT(part)
{
	uint64_t features;
};

FIXTURE_VARIANT_ADD(part, mergeable) { .features = VG_NET_F_MRG };
FIXTURE_VARIANT_ADD(part, mergeable_event_idx) {
	.features = VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX),
};

FIXTURE_SETUP(part)
{
	ASSERT_FINE(set_up((struct vg_net_opts){
		.features = variant->features, .rx_size = 64 }));
}

FIXTURE_TEARDOWN(part)
{
	rig_close(&rig);
}

/*
 * Buffers for a part of the packet must not keep the worker busy: neither when
 * they are added, nor after a kick without new ones.
 */
TEST_F(part, of_a_packet)
{
	struct vg_pool *pool = &rig.net.pool[VG_RX];
	struct vg_ring *r = &rig.net.ring[VG_RX];
	struct stream s = stream_make(&rig, VG_RX, 41);
	struct virtio_net_hdr hdr;
	struct vg_buf *b;
	uint8_t frame[2048];
	size_t len;
	int i;

	/* The first long frame of the stream, by itself. */
	do {
		len = stream_frame(&rig, VG_RX, s.got++, frame, &hdr);
	} while (len < 500);
	s.count = s.got-- + 40;
	ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	s.sent = s.got + 1;
	expect_starved(_metadata, 1);
	for (i = 0; i < 3; i++) {
		b = vg_buf_get(pool);
		ASSERT_EQ(0, vg_buf_cut(pool, b, pool->size, true,
					&vg_layout_plain));
		ASSERT_EQ(0, vg_buf_add(r, b, &vg_layout_plain));
		vg_ring_publish(r);
		EXPECT_TRUE(vg_ring_kick(r));
		expect_starved(_metadata, 2 + i);
	}
	vg_ring_kick_always(r);
	expect_starved(_metadata, 2 + i);
	EXPECT_FINE(stream_run(&s, 1));
}

/* Frames are sent after the interface was down and is up again. */
TEST(tx_down_then_up)
{
	struct stream s;
	unsigned int i;

	ASSERT_FINE(set_up((struct vg_net_opts){ .num[VG_TX] = 64 }));
	/* A finite buffer: frames go one by one, and are polled for. */
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.tap.fd, 1 << 20));
	for (i = 0; i < 3; i++) {
		s = stream_make(&rig, VG_TX, 100);
		EXPECT_FINE(stream_run(&s, 1));
		ASSERT_EQ(0, vg_link_set_up(rig.link, false));
		settle();
		ASSERT_FINE(rig_reopen_far(&rig));
	}
	s = stream_make(&rig, VG_TX, 100);
	EXPECT_FINE(stream_run(&s, 1));
}

/*
 * A slow link: the tap is a bridge's port, and what leaves the bridge waits in
 * a queue that lets 2 Mbit/s through. Frames count against the tap's send
 * buffer until then, so that the tap is full most of the time.
 */
static int slow_link(void)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "ip link add vdbr type bridge mcast_snooping 0 && "
		 "ip link set vdbr up && "
		 "ip link set %s master vdbr && ip link set vda master vdbr && "
		 "tc qdisc add dev vda root tbf rate 2mbit burst 3000 "
		 "limit 10000000", rig.tap.name);
	return system(cmd);
}

/*
 * A veth queues each frame on the processor that sends it. The worker and the
 * timer of tbf, which starts on the processor of the worker, must share one, or
 * frames overtake each other between the two ends.
 */
static int keep_to_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return sched_setaffinity(vg_worker_find(getpid()), sizeof(one), &one);
}

TEST(tx_back_pressure)
{
	struct stream s;
	unsigned int i;
	int got;

	ASSERT_FINE(set_up((struct vg_net_opts){ .num[VG_TX] = 128 }));
	ASSERT_EQ(0, keep_to_one_processor());
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.tap.fd, 32768));
	ASSERT_EQ(0, vg_veth_create("vda", "vdb"));
	if (slow_link())
		SKIP(return, "no bridge or no tbf queue");
	close(rig.far);
	rig.far = vg_packet_open(if_nametoindex("vdb"), true);
	ASSERT_LE(0, rig.far);
	s = stream_make(&rig, VG_TX, 1000);
	s.min = 1000;
	/* As many frames as fit into the ring, at once. */
	for (i = 0; i < 128; i++) {
		struct virtio_net_hdr hdr;
		uint8_t frame[2048];
		size_t len = vg_frame_len(i, s.seed, s.min, s.max);

		vg_frame_build(frame, len, i, s.seed, false, &hdr);
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
					 &vg_layout_plain));
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	settle();
	/* The tap cannot have taken all of them yet. */
	got = vg_net_reap(&rig.net);
	EXPECT_GT(128, got);
	EXPECT_LT(0, got);
	/* The ring waits for the tap, with kicks disabled. */
	EXPECT_FALSE(vg_ring_is_armed(&rig.net.ring[VG_TX]));
	ASSERT_EQ(0, system("tc qdisc change dev vda root tbf rate 40mbit "
			    "burst 3000 limit 10000000"));
	s.sent = 128;
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	EXPECT_TRUE(vg_ring_is_armed(&rig.net.ring[VG_TX]));
}

/* A batch for an interface that is down: frames are lost, chains are not. */
TEST(tx_interface_down)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	unsigned int i;
	size_t len;

	ASSERT_FINE(set_up((struct vg_net_opts){ 0 }));
	/* After the start, because a tap that is down does not report itself writable. */
	ASSERT_EQ(0, vg_link_set_up(rig.link, false));
	for (i = 0; i < 100; i++) {
		len = stream_frame(&rig, VG_TX, i, frame, &hdr);
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
					 &vg_layout_plain));
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	EXPECT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(10000)));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
}

VD_TEST_MAIN
