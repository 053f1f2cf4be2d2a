// SPDX-License-Identifier: GPL-2.0-only
/* Each counter of fdinfo is provoked, and counts what it is documented to. */
#define _GNU_SOURCE
#include <endian.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "info.h"
#include "iommu_rig.h"

#define LOG_ALL	VG_BIT(26)

#define NEEDS_FDINFO() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "the reference shows nothing"); \
} while (0)

static const char *begin(struct vg_net_opts o)
{
	const char *why;

	o.features |= VG_BIT(VG_F_VERSION_1);
	why = rig_open(&rig, RIG_TAP, &o);
	return why ? why : rig_start(&rig);
}

static int64_t now(unsigned int q, const char *key)
{
	return info_ring_now(rig.net.fd, q, key);
}

static bool reaches(unsigned int q, const char *key, int64_t least)
{
	return info_ring_reaches(rig.net.fd, q, key, least);
}

static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

static void show(struct __test_metadata *_metadata, unsigned int nr)
{
	static const uint8_t frame[100];
	static const struct virtio_net_hdr none;

	while (nr--)
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &none, frame, sizeof(frame),
					 &vg_layout_plain));
}

/* @nr frames with one kick, until they are used and accounted for. */
static void send_now(struct __test_metadata *_metadata, unsigned int nr)
{
	uint64_t deadline = vg_deadline_ms(10000);

	show(_metadata, nr);
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	/* Without a wait, which would enable interrupts. */
	while (rig.net.ring[VG_TX].nr_flight && !vg_expired(deadline)) {
		ASSERT_LE(0, vg_net_reap(&rig.net));
		sched_yield();
	}
	ASSERT_EQ(0, rig.net.ring[VG_TX].nr_flight);
	settle();
}

static int64_t class(unsigned int q, unsigned int nth)
{
	char key[32];
	const char *at;
	struct info i;

	snprintf(key, sizeof(key), "%s-batches", q ? "tx" : "rx");
	at = info_read(&i, rig.net.fd) ? info_value(&i, key) : NULL;
	while (at && nth--)
		at = strchr(at + 1, ' ');
	return at ? strtoll(at, NULL, 10) : -1;
}

TEST(packets_kicks_interrupts)
{
	int i;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	settle();
	EXPECT_EQ(0, now(VG_TX, "kicks"));
	for (i = 0; i < 10; i++)
		send_now(_metadata, 1);
	EXPECT_EQ(10, now(VG_TX, "packets"));
	EXPECT_EQ(1000, now(VG_TX, "bytes"));
	EXPECT_EQ(10, now(VG_TX, "kicks"));
	EXPECT_EQ(10, now(VG_TX, "interrupts"));
	EXPECT_LE(10, now(VG_TX, "runs"));
	EXPECT_EQ(10, class(VG_TX, 0));
	vg_ring_disarm(&rig.net.ring[VG_TX]);
	for (i = 0; i < 5; i++)
		send_now(_metadata, 1);
	EXPECT_EQ(10, now(VG_TX, "interrupts"));
	EXPECT_EQ(5, now(VG_TX, "interrupts-suppressed"));
}

/* The first frame shows which device the tap is; PREEMPT_RT has no such way. */
TEST(ways_of_sending)
{
	int i;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	settle();
	for (i = 0; i < 5; i++)
		send_now(_metadata, 1);
	EXPECT_EQ(vg_kernel_is_rt() ? 0 : 4, now(VG_TX, "direct"));
}

/* Frames that one kick has announced are taken in batches of 64 at most. */
TEST(batches_kicks_suppressed)
{
	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	settle();
	send_now(_metadata, 1);
	send_now(_metadata, 3);
	send_now(_metadata, 7);
	send_now(_metadata, 200);
	EXPECT_EQ(1, class(VG_TX, 0));
	EXPECT_EQ(1, class(VG_TX, 1));
	EXPECT_EQ(1, class(VG_TX, 2));
	/* 64, 64, 64 and 8. */
	EXPECT_EQ(1, class(VG_TX, 3));
	EXPECT_EQ(3, class(VG_TX, 6));
	EXPECT_EQ(0, class(VG_TX, 7));
	EXPECT_EQ(-1, class(VG_TX, 8));
	EXPECT_EQ(4, now(VG_TX, "kicks"));
	EXPECT_EQ(3, now(VG_TX, "kicks-suppressed"));
}

TEST(wakeups_and_ways_of_receiving)
{
	struct stream s;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	EXPECT_LE(1, now(VG_RX, "wakeups"));
	EXPECT_EQ(200, now(VG_RX, "packets"));
	EXPECT_LE(1, now(VG_RX, "recvmsg"));
	EXPECT_LE(1, now(VG_RX, "direct"));
	EXPECT_EQ(200, now(VG_RX, "recvmsg") + now(VG_RX, "direct"));
	/* How many depends on how the frames were grouped. */
	EXPECT_LE(1, now(VG_RX, "interrupts"));
	EXPECT_LE(1, now(VG_RX, "kicks-suppressed"));
	EXPECT_LE(1, now(VG_RX, "kicks"));
}

/* The guest has no buffers: what was taken from the tap is in hand. */
TEST(back_pressure)
{
	static const uint8_t frame[100];
	int i;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	settle();
	for (i = 0; i < 3; i++)
		ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	EXPECT_TRUE(reaches(VG_RX, "back-pressure", 1));
	settle();
	EXPECT_LE(1, now(VG_RX, "packets-in-hand"));
	EXPECT_EQ(1, now(VG_RX, "kicks-enabled"));
	EXPECT_EQ(0, now(VG_RX, "packets"));
	vg_net_fill(&rig.net);
	EXPECT_TRUE(reaches(VG_RX, "packets", 3));
	settle();
	EXPECT_EQ(0, now(VG_RX, "packets-in-hand"));
}

/* Packets that are given back to the tap at the end are in hand no more. */
TEST(given_back)
{
	static const uint8_t frame[100];

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	settle();
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	EXPECT_TRUE(reaches(VG_RX, "back-pressure", 1));
	settle();
	EXPECT_EQ(1, now(VG_RX, "packets-in-hand"));
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, -1));
	settle();
	EXPECT_EQ(0, now(VG_RX, "packets-in-hand"));
}

/* A chain of the first @len bytes of a buffer. */
static void send_raw(struct __test_metadata *_metadata, struct vg_buf *b,
		     uint32_t len)
{
	ASSERT_EQ(0, vg_buf_cut(&rig.net.pool[VG_TX], b, len, false,
				&vg_layout_plain));
	ASSERT_EQ(0, vg_buf_add(&rig.net.ring[VG_TX], b, &vg_layout_plain));
	vg_ring_publish(&rig.net.ring[VG_TX]);
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(10000)));
	settle();
}

TEST(drops_of_tx)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 0xfff0, .csum_offset = 16 };
	struct vg_buf *b;
	uint64_t gpa;
	void *data;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	b = vg_buf_get(&rig.net.pool[VG_TX]);
	send_raw(_metadata, b, 5);
	EXPECT_EQ(1, now(VG_TX, "drop-short"));
	b = vg_buf_get(&rig.net.pool[VG_TX]);
	data = vg_mem_hva(&rig.net.mem, b->gpa, 2048);
	memcpy(data, &h, sizeof(h));
	send_raw(_metadata, b, 112);
	EXPECT_EQ(1, now(VG_TX, "drop-header"));
	/* In a frame that is sent by itself, the socket finds the same fault. */
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.tap.fd, 1 << 20));
	b = vg_buf_get(&rig.net.pool[VG_TX]);
	data = vg_mem_hva(&rig.net.mem, b->gpa, 2048);
	memcpy(data, &h, sizeof(h));
	send_raw(_metadata, b, 112);
	EXPECT_EQ(1, now(VG_TX, "drop-socket"));
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.tap.fd, INT32_MAX));
	b = vg_buf_get(&rig.net.pool[VG_TX]);
	gpa = vg_mem_alloc(&rig.net.mem, vg_page(), vg_page());
	b->gpa = gpa;
	ASSERT_EQ(0, munmap(vg_mem_hva(&rig.net.mem, gpa, 1), vg_page()));
	send_raw(_metadata, b, 112);
	EXPECT_EQ(1, now(VG_TX, "drop-fault"));
	EXPECT_EQ(0, now(VG_TX, "packets"));
	EXPECT_EQ(0, now(VG_TX, "breaks"));
}

TEST(drops_of_rx)
{
	static const uint8_t frame[700];

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){ .rx_size = 600 }));
	vg_net_fill(&rig.net);
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	EXPECT_TRUE(reaches(VG_RX, "drop-oversize", 1));
}

TEST(broken)
{
	struct vg_ring *tx = &rig.net.ring[VG_TX];

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	if (tx->packed)
		SKIP(return, "a packed ring has no index that can jump");
	EXPECT_TRUE(info_ring_is(rig.net.fd, VG_TX, "state", "running"));
	tx->avail->idx = htole16(tx->avail_idx + tx->num + 1);
	vg_ring_kick_always(tx);
	EXPECT_TRUE(reaches(VG_TX, "breaks", 1));
	EXPECT_TRUE(info_ring_is(rig.net.fd, VG_TX, "state", "broken"));
	EXPECT_EQ(EPROTO, now(VG_TX, "error"));
	EXPECT_TRUE(info_ring_is(rig.net.fd, VG_RX, "state", "running"));
	EXPECT_EQ(0, now(VG_RX, "error"));
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
	ASSERT_FINE(rig_restart(&rig, VG_TX));
	EXPECT_TRUE(info_ring_is(rig.net.fd, VG_TX, "state", "running"));
	EXPECT_EQ(0, now(VG_TX, "error"));
	EXPECT_EQ(1, now(VG_TX, "breaks"));
}

TEST(iotlb)
{
	NEEDS_FDINFO();
	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(both_ways(200));
	EXPECT_LE(1, now(VG_TX, "iotlb-misses"));
	EXPECT_LE(1, now(VG_RX, "iotlb-misses"));
	EXPECT_LE(10, info_now(rig.net.fd, "iotlb-entries"));
	tear_down();
}

/* The bitmap is unmapped while the device uses it. */
TEST(log_lost)
{
	size_t len = 512 << 10;
	struct stream s;
	void *map;

	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, vg_set_log_base(rig.net.fd, (uintptr_t)map));
	ASSERT_EQ(0, vg_set_features(rig.net.fd, rig.net.features | LOG_ALL));
	ASSERT_EQ(0, munmap(map, len));
	s = stream_make(&rig, VG_RX, 20);
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_TRUE(reaches(VG_RX, "log-lost", 20));
}

/* Not by stopping and starting, but by RESET_OWNER. */
TEST(cleared_with_the_owner)
{
	NEEDS_FDINFO();
	ASSERT_FINE(begin((struct vg_net_opts){}));
	send_now(_metadata, 1);
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	EXPECT_EQ(1, now(VG_TX, "packets"));
	EXPECT_LE(1, now(VG_TX, "kicks"));
	ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
	EXPECT_EQ(0, now(VG_TX, "packets"));
	EXPECT_EQ(0, now(VG_TX, "kicks"));
	EXPECT_EQ(0, now(VG_TX, "runs"));
	EXPECT_EQ(0, class(VG_TX, 0));
}

VD_TEST_MAIN
