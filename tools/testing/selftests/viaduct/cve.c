// SPDX-License-Identifier: GPL-2.0-only
/* Known vulnerabilities of vhost drivers, by CVE number. */
#define _GNU_SOURCE
#include <endian.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <poll.h>
#include <sys/mman.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define LOG_ALL		VG_BIT(26)
#define LOG_BYTES	(1 << 19)	/* for 16 GiB of guest memory */
#define BACKLOG		2000	/* packets: several runs of the worker */

static struct rig rig;
static volatile bool stop;

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

static const char *start_again(void)
{
	const char *why = NULL;
	unsigned int q;

	if (vg_net_stop(&rig.net))
		return "cannot stop";
	for (q = 0; q < 2 && !why; q++)
		why = rig_restart(&rig, q);
	return why;
}

static uint8_t *log_map(void)
{
	void *map = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED ||
	    vg_set_log_base(rig.net.fd, (uintptr_t)map) ||
	    vg_set_features(rig.net.fd, rig.net.features | LOG_ALL))
		abort();
	return map;
}

/*
 * CVE-2019-14835: the log of a packet had room for as many entries as a packet
 * may have pieces, but empty descriptors took entries, too.
 */
TEST(cve_2019_14835_empty_descriptors)
{
	enum { NR = 3000 };
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct vg_ring *r = &rig.net.ring[VG_RX];
	static const uint8_t frame[500];
	struct vring_desc *t;
	unsigned int i, page;
	uint64_t gpa, buf;
	uint8_t *map;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	map = log_map();
	gpa = vg_mem_alloc(&rig.net.mem, 16 * NR, 4096);
	buf = vg_mem_alloc(&rig.net.mem, 4096, 4096);
	t = vg_mem_hva(&rig.net.mem, gpa, 16 * NR);
	for (i = 0; i < NR; i++) {
		t[i].addr = htole64(buf);
		t[i].len = htole32(i + 1 < NR ? 0 : 2048);
		t[i].flags = htole16(VRING_DESC_F_WRITE |
				     (i + 1 < NR ? VRING_DESC_F_NEXT : 0));
		t[i].next = htole16(i + 1 < NR ? i + 1 : 0);
	}
	r->desc[0].addr = htole64(gpa);
	r->desc[0].len = htole32(16 * NR);
	r->desc[0].flags = htole16(VRING_DESC_F_INDIRECT);
	r->avail->ring[0] = 0;
	r->avail->idx = htole16(1);
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	EXPECT_EQ(1, vg_ring_wait(r, vg_deadline_ms(10000)));
	settle();
	EXPECT_EQ(sizeof(frame) + 12, le32toh(r->used->ring[0].len));
	page = buf / 4096;
	EXPECT_EQ(1 << page % 8, map[page / 8]);
	map[page / 8] = 0;
	for (i = 0; i < LOG_BYTES; i++)
		ASSERT_EQ(0, map[i]);
	ASSERT_FINE(start_again());
	EXPECT_FINE(both_ways(50));
}

/* The same with more pieces, of one byte each, than a packet may have. */
TEST(cve_2019_14835_many_buffers)
{
	static const struct vg_layout bytes = {
		"", .piece = 1, .nr_direct = 0
	};
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1),
		.rx_size = 200,
	};
	static const uint8_t frame[1514];

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	log_map();
	rig.net.rx_layout = &bytes;
	vg_net_fill(&rig.net);
	ASSERT_FINE(rig_start(&rig));
	/* The packet is lost or the ring breaks; the worker must not spin. */
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_FALSE(vg_ring_has_used(&rig.net.ring[VG_RX]));
	rig.net.rx_layout = &vg_layout_plain;
	ASSERT_FINE(start_again());
	EXPECT_FINE(both_ways(50));
}

/* Makes each used descriptor available again at once: the ring is always full. */
static void *turn(void *arg)
{
	struct vg_ring *r = arg;

	while (!stop) {
		uint16_t used = __atomic_load_n(&r->used->idx,
						__ATOMIC_ACQUIRE);

		__atomic_store_n(&r->avail->idx,
				 htole16(le16toh(used) + r->num),
				 __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *flood(void *arg)
{
	const struct virtio_net_hdr none = { 0 };
	static const uint8_t frame[VG_FRAME_MIN];

	while (!stop)
		if (vg_packet_send(*(int *)arg, &none, frame,
				   sizeof(frame)) < 0)
			sched_yield();
	return NULL;
}

FIXTURE(endless)
{
	int unused;
};

FIXTURE_VARIANT(endless)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(endless, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(endless, rx) { .q = VG_RX };

FIXTURE_SETUP(endless)
{
}

FIXTURE_TEARDOWN(endless)
{
	rig_close(&rig);
}

/* The largest ring, full of frames without a receiver, or of buffers. */
static void fill_ring(unsigned int q)
{
	struct vg_ring *r = &rig.net.ring[q];
	unsigned int i;

	for (i = 0; i < r->num; i++) {
		r->desc[i].addr = htole64(rig.net.pool[q].buf[0].gpa);
		r->desc[i].len = htole32(q == VG_TX ? 12 + 14 : 2048);
		r->desc[i].flags = htole16(q == VG_TX ? 0 : VRING_DESC_F_WRITE);
		r->avail->ring[i] = htole16(i);
	}
	r->avail->idx = htole16(r->num);
}

/* Receives @nr packets, whatever they contain. */
static const char *receives(unsigned int nr)
{
	struct vg_ring *r = &rig.net.ring[VG_RX];
	uint64_t deadline = vg_deadline_ms(20000);
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];
	ssize_t len = 0;

	while (nr) {
		vg_net_fill(&rig.net);
		if (!vg_ring_wait(r, deadline))
			return rig_fail(&rig, "%u packets are missing", nr);
		while (nr && (len = vg_net_recv(&rig.net, &mrg, frame,
						sizeof(frame))) > 0)
			nr--;
		if (len < 0)
			return "nonsense in the receive ring";
	}
	return NULL;
}

/* Packets that wait before the worker starts. */
static const char *back_log(void)
{
	static const uint8_t frame[VG_FRAME_MIN];
	int i;

	if (vg_link_set_txqueuelen(rig.link, BACKLOG))
		return "no room for a backlog";
	for (i = 0; i < BACKLOG; i++)
		if (rig_far_send(&rig, frame, sizeof(frame), NULL))
			return rig.why;
	return NULL;
}

/*
 * CVE-2019-3900: packets and buffers without end kept the worker in one
 * queue's loop, for which other queues and the client had to wait.
 */
TEST_F(endless, cve_2019_3900)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_tx = 128, .nr_rx = 128 };
	unsigned int q = variant->q, i;
	struct vg_ring *r = &rig.net.ring[q];
	struct stream s;
	uint64_t start;
	pthread_t t[2];
	int64_t done;
	int fd;

	o.num[q] = 32768;
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	fill_ring(q);
	ASSERT_FINE(back_log());
	fd = rig.far;
	ASSERT_EQ(0, pthread_create(&t[0], NULL, turn, r));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, flood, &fd));
	/* Frames without a receiver do not belong to the stream. */
	rig.far = vg_packet_open(if_nametoindex(rig.link), true);
	s = stream_make(&rig, VG_TX, 30);
	ASSERT_FINE(rig_start(&rig));
	if (q == VG_RX)
		EXPECT_FINE(stream_run(&s, 1));
	else
		EXPECT_FINE(receives(100));
	/* More than one run, unless the index was too far ahead and broke the ring. */
	if (!vg_dev_is_reference() &&
	    stats_reaches(getpid(), q, "done", 257) != 1)
		EXPECT_EQ(1, stats_queue(getpid(), q, "broken"));
	/* The client does not have to wait either. */
	start = vg_now_ns();
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, q, -1));
	EXPECT_GT(20000000000, vg_now_ns() - start);
	/* At most 256 packets a run, where that can be seen. */
	if (!vg_dev_is_reference()) {
		done = stats_queue(getpid(), q, "done");
		EXPECT_GE(256 * (stats_queue(getpid(), q, "runs") + 1), done);
	}
	stop = true;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	close(fd);
	ASSERT_FINE(start_again());
	EXPECT_FINE(both_ways(100));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

/* The result of SET_BACKEND with a socket, which is detached again. */
static int try_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol), ret;

	if (fd < 0)
		return -errno;
	ret = vg_set_backend(rig.net.fd, VG_TX, fd);
	if (!ret)
		ret = vg_set_backend(rig.net.fd, VG_TX, -1);
	close(fd);
	return ret;
}

/*
 * CVE-2020-10942: the name of a socket was read to check its family, into memory
 * too small for names of all families. Here: the sockets that are accepted, and
 * one with a longer name than usual.
 */
TEST(cve_2020_10942)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	int fd;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_PACKET, SOCK_DGRAM, 0));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_PACKET, SOCK_PACKET, 0));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_INET, SOCK_DGRAM, 0));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_NETLINK, SOCK_RAW, 0));
	EXPECT_EQ(-ENOTSOCK, try_socket(AF_UNIX, SOCK_DGRAM, 0));
	/* A packet socket that is not bound is of the right kind, too. */
	EXPECT_EQ(0, try_socket(AF_PACKET, SOCK_RAW, 0));
	if (system("ip link add vdg type ip6gre local ::1 remote ::2") ||
	    vg_link_set_up("vdg", true))
		SKIP(return, "no ip6gre, which has addresses of 16 bytes");
	fd = vg_packet_open(if_nametoindex("vdg"), false);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, fd));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, fd));
	EXPECT_EQ(0, vg_net_stop(&rig.net));
	close(fd);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(50));
}

#define ACCESS_PLATFORM	VG_BIT(33)
#define MSG_LEN		72

/*
 * CVE-2018-1118: messages to the client had uninitialised bytes. All bytes
 * outside the fields must be zero.
 */
TEST(cve_2018_1118)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	uint8_t msg[MSG_LEN];
	uint64_t version;
	int i;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	if (!(rig.net.offered & ACCESS_PLATFORM))
		SKIP(return, "no ACCESS_PLATFORM offered, so no messages");
	for (version = 0; version < 2; version++) {
		ASSERT_EQ(0, vg_set_backend_features(rig.net.fd, version << 1));
		ASSERT_EQ(0, vg_set_features(rig.net.fd, o.features |
					     ACCESS_PLATFORM));
		ASSERT_EQ(0, vg_net_set_ring(&rig.net, VG_TX));
		/* The used ring has no mapping. */
		ASSERT_EQ(-EFAULT, vg_set_backend(rig.net.fd, VG_TX,
						  rig.backend));
		if (vg_dev_is_reference() && version &&
		    vg_wait_fd(rig.net.fd, POLLIN, vg_deadline_ms(2000)) <= 0)
			SKIP(return, "the reference reports a miss only once");
		memset(msg, 0x5a, sizeof(msg));
		ASSERT_EQ(MSG_LEN, read(rig.net.fd, msg, sizeof(msg)));
		EXPECT_EQ(version + 1, msg[0]);
		for (i = 1; i < 8; i++)
			EXPECT_EQ(0, msg[i]);
		/* After iova, size, uaddr, perm and type. */
		for (i = 8 + 26; i < MSG_LEN; i++)
			EXPECT_EQ(0, msg[i]);
	}
}

VD_TEST_MAIN
