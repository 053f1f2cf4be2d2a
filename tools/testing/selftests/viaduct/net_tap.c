// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that takes frames from a tap: the tap's counters, headers of another
 * length, VLAN tags. A tap that is moved to another network namespace.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

static struct rig rig;

struct counters {
	unsigned long long packets, bytes;
};

/* Of frames that the stack sent out through the interface. */
static struct counters counters_of(const char *name)
{
	struct counters c = { 0 };
	char line[512], found[32];
	FILE *f = fopen("/proc/thread-self/net/dev", "r");

	if (!f)
		abort();
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %llu %llu",
			   found, &c.bytes, &c.packets) == 3 && !strcmp(found, name))
			break;
	fclose(f);
	return c;
}

/* The tap counts frames soon after they have arrived. */
static struct counters counted(struct counters before,
			       unsigned long long packets)
{
	uint64_t deadline = vg_deadline_ms(10000);
	struct counters c;

	do {
		sched_yield();
		c = counters_of(rig.link);
		c.packets -= before.packets;
		c.bytes -= before.bytes;
	} while (c.packets < packets && !vg_expired(deadline));
	return c;
}

/* Once the frames that arrived before are counted. */
static struct counters settled(void)
{
	struct counters last, c = counters_of(rig.link);

	do {
		last = c;
		poll(NULL, 0, 50);
		c = counters_of(rig.link);
	} while (c.packets != last.packets);
	return c;
}

static unsigned long long stream_bytes(unsigned long long nr)
{
	uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	unsigned long long sum = 0, i;

	for (i = 0; i < nr; i++)
		sum += stream_frame(&rig, VG_RX, i, frame, &hdr);
	return sum;
}

static const char *set_up(uint64_t features)
{
	struct vg_net_opts o = { .features = features };

	return rig_open(&rig, RIG_TAP, &o) ?: rig_start(&rig);
}

/* @nr frames arrive, and the tap counts them. */
static const char *receive_counted(unsigned long long nr)
{
	struct stream s = stream_make(&rig, VG_RX, nr);
	struct counters before = settled(), c;
	const char *why = stream_run(&s, 1);

	if (why)
		return why;
	c = counted(before, nr);
	return c.packets == nr && c.bytes == stream_bytes(nr) ? NULL :
	       rig_fail(&rig, "%llu packets, %llu bytes counted of %llu, %llu",
			c.packets, c.bytes, nr, stream_bytes(nr));
}

TEST(counts_frames)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_VERSION_1)));
	EXPECT_FINE(receive_counted(1) ?: receive_counted(1000));
}

TEST(counts_frames_in_several_buffers)
{
	ASSERT_FINE(set_up(VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX)));
	EXPECT_FINE(receive_counted(1000));
}

TEST(counts_frames_without_header)
{
	ASSERT_FINE(set_up(VG_BIT(VG_F_VHOST_HDR)));
	EXPECT_FINE(receive_counted(1000));
}

/* As many frames as there are buffers. */
static void take_frames(void)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];

	vg_net_fill(&rig.net);
	while (vg_net_recv(&rig.net, &mrg, frame, sizeof(frame)) > 0)
		;
}

/*
 * Runs @cmd, which moves the tap, and takes frames meanwhile. A lookup of the
 * interface would be too slow: for an unknown name the kernel tries to load a module.
 */
static int move_and_take(const char *cmd)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(system(cmd) ? 1 : 0);
	while (!waitpid(pid, &status, WNOHANG)) {
		take_frames();
		poll(NULL, 0, 1);
	}
	return status;
}

/*
 * Moves the tap to a new network namespace by @move, which runs a command, and
 * then this process.
 */
static const char *change_netns(int (*move)(const char *cmd))
{
	int to_us[2];
	char cmd[80];
	pid_t pid;
	int fd;

	if (pipe(to_us))
		return "no pipe";
	pid = fork();
	if (!pid) {
		if (vg_netns_enter() || write(to_us[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (pid < 0 || read(to_us[0], cmd, 1) != 1)
		return "no other namespace";
	snprintf(cmd, sizeof(cmd), "ip link set %s netns %d", rig.link, pid);
	if (move(cmd))
		return "cannot move the tap";
	snprintf(cmd, sizeof(cmd), "/proc/%d/ns/net", pid);
	fd = open(cmd, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return "cannot go there";
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return NULL;
}

TEST(counts_frames_where_it_is_moved_to)
{
	int i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_VERSION_1)));
	EXPECT_FINE(receive_counted(100));
	for (i = 0; i < 3; i++) {
		ASSERT_FINE(change_netns(system));
		ASSERT_FINE(rig_reopen_far(&rig));
		EXPECT_FINE(receive_counted(100));
	}
}

/* How many of @nr frames arrive, each within @ms. */
static unsigned int arrived(unsigned int nr, unsigned int ms)
{
	struct vg_net *n = &rig.net;
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048] = { 0 };
	unsigned int i, got = 0;

	for (i = 0; i < nr; i++) {
		vg_net_fill(n);
		if (rig_far_send(&rig, frame, 300, NULL))
			abort();
		if (vg_ring_wait(&n->ring[VG_RX], vg_deadline_ms(ms)) &&
		    vg_net_recv(n, &mrg, frame, sizeof(frame)) == 300)
			got++;
	}
	return got;
}

/* What is received until a frame of @len bytes comes; -1: it does not. */
static int received_before(size_t len)
{
	struct vg_net *n = &rig.net;
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint64_t deadline = vg_deadline_ms(10000);
	uint8_t frame[2048];
	int nr = 0;
	ssize_t got;

	while (vg_ring_wait(&n->ring[VG_RX], deadline)) {
		vg_net_fill(n);
		got = vg_net_recv(n, &mrg, frame, sizeof(frame));
		if (got == len)
			return nr;
		nr++;
	}
	return -1;
}

/*
 * Frames are taken from a tap while it moves, when it is in no namespace's list
 * of devices. Afterwards frames must go past recvmsg() again.
 */
TEST(direct_after_a_move)
{
	/* Few buffers, so that there are frames left when it is listed again. */
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .nr_rx = 16 };
	const uint8_t frame[100] = { 0 };
	int64_t before;
	int i, j;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no counters");
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, vg_link_set_txqueuelen(rig.link, 20000));
	for (i = 0; i < 5; i++) {
		before = stats_queue(getpid(), VG_RX, "direct");
		ASSERT_EQ(50, arrived(50, 10000));
		EXPECT_EQ(1, stats_reaches(getpid(), VG_RX, "direct",
					   before + 48));
		for (j = 0; j < 19000; j++)
			ASSERT_FINE(rig_far_send(&rig, frame, 100, NULL));
		ASSERT_FINE(change_netns(move_and_take));
		ASSERT_FINE(rig_reopen_far(&rig));
		vg_net_fill(&rig.net);
		ASSERT_FINE(rig_far_send(&rig, frame, 80, NULL));
		ASSERT_LE(100, received_before(80));
	}
}

/* Frames behind a header of the wrong length are lost, and only those. */
TEST(header_of_another_length)
{
	int i;

	ASSERT_FINE(set_up(0));
	ASSERT_EQ(10, rig.net.hdr_len);
	ASSERT_EQ(0, vg_tap_set_hdr_len(rig.tap.fd, 12));
	EXPECT_EQ(0, arrived(3, 100));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vg_tap_set_hdr_len(rig.tap.fd, 10));
		EXPECT_EQ(3, arrived(3, 10000));
		ASSERT_EQ(0, vg_tap_set_hdr_len(rig.tap.fd, 12));
		EXPECT_CALL("rx.header_length_changed", 0, arrived(3, 100));
	}
	/* A device that is started again must determine it again. */
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_EQ(0, arrived(3, 100));
}

/*
 * A GSO packet in one piece is for the socket, which checks the guest's offloads.
 * A packet socket puts as much into the first piece as the header covers.
 */
TEST(gso_in_one_piece)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr;
	uint8_t frame[2000], back[2048];
	int64_t direct;
	int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no counters");
	ASSERT_FINE(set_up(VG_BIT(VG_F_VERSION_1)));
	ASSERT_EQ(0, vg_tap_set_offload(rig.tap.fd, true));
	ASSERT_EQ(10, arrived(10, 10000));
	ASSERT_TRUE(stats_count(getpid(), VG_RX, "direct", 9));
	direct = stats_queue(getpid(), VG_RX, "direct");
	for (i = 0; i < 10; i++) {
		vg_frame_build(frame, 1900, i, 1, true, &hdr);
		hdr.hdr_len = 1900;
		ASSERT_FINE(rig_far_send(&rig, frame, 1900, &hdr));
		ASSERT_TRUE(vg_ring_wait(&rig.net.ring[VG_RX], vg_deadline_ms(5000)));
		ASSERT_EQ(1900, vg_net_recv(&rig.net, &mrg, back, sizeof(back)));
		EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, mrg.hdr.gso_type);
	}
	EXPECT_EQ(direct, stats_queue(getpid(), VG_RX, "direct"));
}

/* A tag that a packet carries beside its data arrives inside the frame. */
TEST(vlan_tags)
{
	struct vg_net *n = &rig.net;
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[200], back[2048];
	char cmd[128];
	int far, i;

	ASSERT_FINE(set_up(VG_BIT(VG_F_VERSION_1)));
	snprintf(cmd, sizeof(cmd), "ip link add link %s name vdv type vlan id 5",
		 rig.link);
	if (system(cmd))
		SKIP(return, "this kernel has no VLAN interfaces");
	ASSERT_EQ(0, system("ip link set vdv up"));
	far = vg_packet_open(if_nametoindex("vdv"), true);
	ASSERT_LE(0, far);
	memset(frame, 0x5a, sizeof(frame));
	for (i = 0; i < 3; i++) {
		const uint8_t tag[4] = { 0x81, 0, 0, 5 };
		struct virtio_net_hdr hdr = { 0 };

		EXPECT_EQ(2, arrived(2, 10000));
		vg_net_fill(n);
		ASSERT_EQ(200, vg_packet_send(far, &hdr, frame, 200));
		ASSERT_TRUE(vg_ring_wait(&n->ring[VG_RX], vg_deadline_ms(5000)));
		ASSERT_EQ(204, vg_net_recv(n, &mrg, back, sizeof(back)));
		EXPECT_EQ(0, memcmp(back, frame, 12));
		EXPECT_EQ(0, memcmp(back + 12, tag, 4));
		EXPECT_EQ(0, memcmp(back + 16, frame + 12, 188));
	}
	close(far);
}

VD_TEST_MAIN
