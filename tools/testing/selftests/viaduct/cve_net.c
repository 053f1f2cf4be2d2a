// SPDX-License-Identifier: GPL-2.0-only
/* Known vulnerabilities of vhost drivers: sockets and frames. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define RUN_MS		1000

static struct rig rig;

static const struct vg_net_opts opts = { .features = VG_BIT(VG_F_VERSION_1) };

static const char *both_ways(unsigned int nr)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, nr),
			       stream_make(&rig, VG_RX, nr) };

	return stream_run(s, 2);
}

/* All jobs of the worker have run when this call returns. */
static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

static volatile bool stop;
static int slot;		/* the descriptor that changes its file */

/* A tap, a pipe, a packet socket and nothing take turns behind one number. */
static void *change_file(void *arg)
{
	const int *fd = arg;
	unsigned int i;

	for (i = 0; !stop; i++) {
		if (i % 4 == 3)
			close(slot);
		else
			dup2(fd[i % 4], slot);
	}
	return NULL;
}

/* Packet sockets in this network namespace. */
static int nr_packet_sockets(void)
{
	FILE *f = fopen("/proc/self/net/packet", "r");
	char line[256];
	int n = -1;

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

/*
 * CVE-2023-1838: the file behind a descriptor was looked up twice, and could
 * be another one the second time: a reference too many or one too few.
 */
TEST(cve_2023_1838)
{
	unsigned int taken = 0, refused = 0, nr = 0;
	struct vg_tap tap;
	uint64_t deadline;
	int fd[3], p[2], ret;
	pthread_t t;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	ASSERT_EQ(0, vg_tap_open(&tap, 12, false));
	ASSERT_EQ(0, pipe(p));
	fd[0] = tap.fd;
	fd[1] = p[0];
	fd[2] = vg_packet_open(tap.ifindex, true);
	slot = fcntl(p[0], F_DUPFD, 100);
	ASSERT_EQ(0, pthread_create(&t, NULL, change_file, fd));
	deadline = vg_deadline_ms(RUN_MS);
	while (!vg_expired(deadline)) {
		ret = vg_set_backend(rig.net.fd, nr++ % 2, slot);
		if (ret)
			EXPECT_EQ(-ENOTSOCK, ret);
		*(ret ? &refused : &taken) += 1;
	}
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_LT(10, taken);
	EXPECT_LT(10, refused);
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	close(slot);
	close(fd[0]);
	close(fd[2]);
	close(p[0]);
	/* Tap, socket and pipe end disappear with their last references. */
	deadline = vg_deadline_ms(5000);
	while (if_nametoindex(tap.name) && !vg_expired(deadline))
		sched_yield();
	EXPECT_EQ(0, if_nametoindex(tap.name));
	EXPECT_EQ(1, nr_packet_sockets());
	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(-1, write(p[1], "", 1));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(50));
	rig_close(&rig);
}

FIXTURE(short_frame)
{
	int unused;
};

FIXTURE_VARIANT(short_frame)
{
	enum rig_backend kind;
};

/* CVE-2024-41091 */
FIXTURE_VARIANT_ADD(short_frame, cve_2024_41091_tap) { .kind = RIG_TAP };
/* CVE-2024-41090 */
FIXTURE_VARIANT_ADD(short_frame, cve_2024_41090_macvtap) {
	.kind = RIG_MACVTAP,
};

FIXTURE_SETUP(short_frame)
{
	ASSERT_FINE(rig_open(&rig, variant->kind, &opts));
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(short_frame)
{
	rig_close(&rig);
}

/*
 * Frames shorter than an Ethernet header went through the batch path into
 * code that relied on the header. Every second frame is too short.
 */
TEST_F(short_frame, in_a_batch)
{
	struct stream s = stream_make(&rig, VG_TX, 50);
	static const uint8_t zeroes[16];
	struct virtio_net_hdr hdr;
	unsigned int round, i;
	uint8_t frame[2048];
	size_t len;

	EXPECT_FINE(stream_run(&s, 1));
	for (round = 0; round < 10; round++) {
		s = stream_make(&rig, VG_TX, 100);
		for (i = 0; i < s.count; i++) {
			len = stream_frame(&rig, VG_TX, s.sent++, frame, &hdr);
			ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
						 &vg_layout_plain));
			memset(&hdr, 0, sizeof(hdr));
			ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, zeroes,
						 1 + i % 13,
						 &vg_layout_plain));
		}
		vg_ring_kick(&rig.net.ring[VG_TX]);
		/* The others arrive, in order, and nothing but them. */
		EXPECT_FINE(stream_run(&s, 1));
	}
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
}

static void post_one(struct __test_metadata *_metadata)
{
	struct vg_pool *pool = &rig.net.pool[VG_RX];
	struct vg_buf *b = vg_buf_get(pool);

	ASSERT_EQ(0, vg_buf_cut(pool, b, pool->size, true, &vg_layout_plain));
	ASSERT_EQ(0, vg_buf_add(&rig.net.ring[VG_RX], b, &vg_layout_plain));
	vg_ring_publish(&rig.net.ring[VG_RX]);
}

/*
 * CVE-2026-74356: a packet larger than all free buffers together made the
 * worker retry without end.
 */
TEST(cve_2026_74356)
{
	struct vg_net_opts o = { .features = VG_NET_F_MRG |
				 VG_BIT(VG_F_VERSION_1), .rx_size = 100 };
	struct vg_ring *r = &rig.net.ring[VG_RX];
	struct stream s;
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	size_t len;
	int i;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	s = stream_make(&rig, VG_RX, 60);
	s.min = 1000;
	for (i = 0; i < 5; i++)
		post_one(_metadata);
	ASSERT_FINE(rig_start(&rig));
	while (s.sent < 20) {
		len = vg_frame_len(s.sent, s.seed, s.min, s.max);
		vg_frame_build(frame, len, s.sent++, s.seed, false, &hdr);
		ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	}
	EXPECT_TRUE(stats_count(getpid(), VG_RX, "pressure", 1));
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	/* One more buffer is not enough either. */
	post_one(_metadata);
	EXPECT_TRUE(vg_ring_kick(r));
	EXPECT_TRUE(stats_count(getpid(), VG_RX, "pressure", 2));
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_FALSE(vg_ring_has_used(r));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	/* stream_run() fills the ring: all frames arrive, in order. */
	EXPECT_FINE(stream_run(&s, 1));
	rig_close(&rig);
}

VD_TEST_MAIN
