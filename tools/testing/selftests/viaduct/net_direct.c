// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plain frames that the device passes to the stack without the tap's sendmsg(): they
 * arrive and are counted as with sendmsg(), which is used where the tap does more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info.h"
#include "rig.h"
#include "vd_test.h"
#include "xdp.h"

#define NR_FRAMES	1000
/* Frames that may go through the socket until the device is known. */
#define NR_FIRST	300

static struct rig rig;

/* PREEMPT_RT has no shortcut: see Documentation/design.rst. */
static bool has_shortcut(void)
{
	return !vg_dev_is_reference() && !vg_kernel_is_rt();
}

static int64_t direct(void)
{
	return has_shortcut() ? info_ring_now(rig.net.fd, VG_TX, "direct") : 0;
}

/* Sends frames without segmentation, or with, and checks each. */
static const char *send_frames(uint64_t nr, bool gso)
{
	struct stream s = stream_make(&rig, VG_TX, nr);

	if (!gso)
		s.max = VG_FRAME_MTU;
	return stream_run(&s, 1);
}

/* Sends frames, none of which may bypass the socket. */
static const char *send_by_socket(uint64_t nr)
{
	int64_t before = direct();
	const char *why = send_frames(nr, false);

	if (!why && direct() != before)
		return rig_fail(&rig, "%ld frames bypassed the socket",
				(long)(direct() - before));
	return why;
}

/* Sends frames, most of which must bypass the socket. */
static const char *send_directly(uint64_t nr)
{
	int64_t before = direct();
	const char *why = send_frames(nr + NR_FIRST, false);

	if (!why && has_shortcut() && direct() < before + (int64_t)nr)
		return rig_fail(&rig, "only %ld frames past the socket",
				(long)(direct() - before));
	return why;
}

/* What an interface has received, as /proc/net/dev shows it. */
struct counted {
	unsigned long long packets, bytes;
};

static struct counted counted(const char *name)
{
	struct counted c = {};
	char line[512], found[32];
	FILE *f = fopen("/proc/thread-self/net/dev", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %llu %llu", found, &c.bytes,
			   &c.packets) == 3 && !strcmp(found, name))
			break;
	if (f)
		fclose(f);
	return c;
}

static const char *open_tap(short flags)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	if (why || !flags)
		return why;
	close(rig.tap.fd);
	if (vg_tap_open_flags(&rig.tap, rig.net.hdr_len, flags))
		return "no tap with these flags";
	strcpy(rig.link, rig.tap.name);
	rig.backend = rig.tap.fd;
	return rig_reopen_far(&rig);
}

static const char *set_up(short flags)
{
	return open_tap(flags) ?: rig_start(&rig);
}

static int set_direct(char value)
{
	int fd = open("/sys/module/viaduct/parameters/tx_direct", O_WRONLY), ret;

	if (fd < 0)
		return vg_dev_is_reference() ? 0 : -1;
	ret = write(fd, &value, 1) == 1 ? 0 : -1;
	close(fd);
	return ret;
}

TEST(arrive_unaltered)
{
	ASSERT_FINE(set_up(0));
	EXPECT_FINE(send_directly(NR_FRAMES));
	rig_close(&rig);
}

TEST(keep_their_order_beside_segmented_frames)
{
	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	EXPECT_FINE(send_frames(NR_FRAMES, true));
	rig_close(&rig);
}

/* A checksum that is left to the receiver stays so, at its place. */
TEST(keep_their_checksum_request)
{
	const struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34, .csum_offset = 6,
	};
	struct virtio_net_hdr got;
	uint8_t frame[200] = {}, back[200];
	int64_t before;

	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	before = direct();
	ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, sizeof(frame), &vg_layout_plain));
	vg_ring_kick(&rig.net.ring[VG_TX]);
	ASSERT_EQ(sizeof(frame), rig_far_recv(&rig, back, sizeof(back), &got,
					      vg_deadline_ms(5000)));
	EXPECT_EQ(0, memcmp(back, frame, sizeof(frame)));
	EXPECT_EQ(VIRTIO_NET_HDR_F_NEEDS_CSUM, got.flags);
	EXPECT_EQ(hdr.csum_start, got.csum_start);
	EXPECT_EQ(hdr.csum_offset, got.csum_offset);
	EXPECT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
	EXPECT_EQ(has_shortcut() ? before + 1 : 0, direct());
	rig_close(&rig);
}

/* The same stream both ways; the parameter acts on a running ring. */
TEST(are_counted_as_by_the_socket)
{
	struct counted start, middle, end;

	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(1));
	start = counted(rig.link);
	EXPECT_FINE(send_directly(NR_FRAMES - NR_FIRST));
	middle = counted(rig.link);
	ASSERT_EQ(0, set_direct('N'));
	EXPECT_FINE(send_by_socket(NR_FRAMES));
	EXPECT_EQ(0, set_direct('Y'));
	end = counted(rig.link);
	EXPECT_EQ(NR_FRAMES, middle.packets - start.packets);
	EXPECT_EQ(NR_FRAMES, end.packets - middle.packets);
	EXPECT_EQ(end.bytes - middle.bytes, middle.bytes - start.bytes);
	rig_close(&rig);
}

/* Packets that a filter at the tap has matched by the transport header, or -1. */
static long filtered(void)
{
	char cmd[96], line[256];
	long nr = -1;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "tc -s filter show dev %s ingress", rig.link);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " Sent %*u bytes %ld pkt", &nr) == 1)
			break;
	if (f)
		pclose(f);
	return nr;
}

/* UDP to port 4660, behind the shortest IPv4 or IPv6 header. */
static size_t udp_frame(uint8_t *frame, bool is_ipv6)
{
	static const uint8_t udp[] = { 0x12, 0x33, 0x12, 0x34, 0, 66 };
	static const uint8_t ip[] = { 0x45, 0, 0, 86, 0, 0, 0, 0, 64, 17, 0, 0,
				      10, 0, 0, 1, 10, 0, 0, 2 };
	static const uint8_t ipv6[40] = { 0x60, 0, 0, 0, 0, 66, 17, 64, 0xfe, 0x80,
					  [24] = 0xfe, 0x80, [39] = 2 };
	size_t len = is_ipv6 ? sizeof(ipv6) : sizeof(ip);

	memset(frame, 0, 14 + sizeof(ipv6) + 66);
	memcpy(frame, "\x02\x76\x64\x00\x00\x02\x02\x76\x64\x00\x00\x01", 12);
	memcpy(frame + 12, is_ipv6 ? "\x86\xdd" : "\x08\x00", 2);
	memcpy(frame + 14, is_ipv6 ? ipv6 : ip, len);
	memcpy(frame + 14 + len, udp, sizeof(udp));
	return 14 + len + 66;
}

static void send_udp(struct __test_metadata *_metadata, bool is_ipv6)
{
	static const struct virtio_net_hdr none;
	uint8_t frame[200];
	size_t len = udp_frame(frame, is_ipv6);
	int i;

	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &none, frame, len, &vg_layout_plain));
	vg_ring_kick(&rig.net.ring[VG_TX]);
	ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
}

/* A filter of tc that looks at the transport header finds it, as with the socket. */
static void filter_transport(struct __test_metadata *_metadata, bool is_ipv6)
{
	char cmd[256];
	int64_t before;

	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	snprintf(cmd, sizeof(cmd),
		 "tc qdisc add dev %s clsact && tc filter add dev %s ingress protocol %s basic match 'cmp(u16 at 2 layer transport eq 4660)' action drop",
		 rig.link, rig.link, is_ipv6 ? "ipv6" : "ip");
	if (system(cmd))
		SKIP(return, "needs tc, and cls_basic, em_cmp and act_gact in the kernel");
	ASSERT_EQ(0, set_direct('N'));
	send_udp(_metadata, is_ipv6);
	ASSERT_EQ(0, set_direct('Y'));
	EXPECT_EQ(50, filtered());
	before = direct();
	send_udp(_metadata, is_ipv6);
	EXPECT_EQ(has_shortcut() ? before + 50 : 0, direct());
	EXPECT_EQ(100, filtered());
	rig_close(&rig);
}

TEST(have_a_transport_header_behind_ipv4)
{
	filter_transport(_metadata, false);
}

TEST(have_a_transport_header_behind_ipv6)
{
	filter_transport(_metadata, true);
}

/* Such a tap queues the frames for its poll function. */
TEST(not_on_a_tap_with_napi)
{
	ASSERT_FINE(set_up(IFF_NAPI));
	EXPECT_FINE(send_by_socket(NR_FRAMES));
	rig_close(&rig);
}

/* Such a tap records the queue of each flow. */
TEST(not_on_a_tap_with_queues)
{
	ASSERT_FINE(set_up(IFF_MULTI_QUEUE));
	EXPECT_FINE(send_by_socket(NR_FRAMES));
	rig_close(&rig);
}

/* Sends frames, none of which may arrive at the far side or bypass the socket. */
static void send_unseen(struct __test_metadata *_metadata, unsigned int nr)
{
	static const uint8_t frame[100];
	static const struct virtio_net_hdr none;
	int64_t before = direct();

	while (nr--)
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &none, frame, sizeof(frame),
					 &vg_layout_plain));
	vg_ring_kick(&rig.net.ring[VG_TX]);
	EXPECT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
	EXPECT_EQ(before, direct());
}

TEST(not_while_the_tap_is_down)
{
	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	ASSERT_EQ(0, vg_link_set_up(rig.link, false));
	send_unseen(_metadata, 50);
	ASSERT_FINE(rig_reopen_far(&rig));
	EXPECT_FINE(send_directly(NR_FRAMES));
	rig_close(&rig);
}

/* From its attachment on, the program sees each frame. */
TEST(not_past_an_xdp_program)
{
	const struct bpf_insn drop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = XDP_DROP },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint8_t got[200];
	int link;

	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	link = xdp_attach(rig.tap.ifindex, drop, ARRAY_SIZE(drop));
	ASSERT_LE(0, link);
	send_unseen(_metadata, 50);
	EXPECT_GE(0, rig_far_recv(&rig, got, sizeof(got), NULL, vg_deadline_ms(200)));
	close(link);
	EXPECT_FINE(send_directly(NR_FRAMES));
	rig_close(&rig);
}

TEST(arrive_at_a_tap_that_moves)
{
	ASSERT_FINE(set_up(0));
	ASSERT_FINE(send_directly(NR_FRAMES));
	ASSERT_FINE(rig_move_tap(&rig));
	ASSERT_FINE(rig_reopen_far(&rig));
	EXPECT_FINE(send_frames(NR_FRAMES, false));
	rig_close(&rig);
}

/*
 * The descriptor was opened in a namespace where another tap now has the tap's name:
 * no frame may enter that one.
 */
TEST(never_enter_a_tap_of_the_same_name)
{
	struct vg_tap other = { .fd = -1 };
	char name[IFNAMSIZ];
	int home, away;

	ASSERT_FINE(open_tap(0));
	home = open("/proc/thread-self/ns/net", O_RDONLY);
	strcpy(name, rig.link);
	ASSERT_FINE(rig_move_tap(&rig));
	ASSERT_FINE(rig_reopen_far(&rig));
	away = open("/proc/thread-self/ns/net", O_RDONLY);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	/* The first name that is free in a namespace without taps. */
	ASSERT_EQ(0, vg_tap_open(&other, rig.net.hdr_len, false));
	ASSERT_EQ(0, strcmp(name, other.name));
	ASSERT_EQ(0, setns(away, CLONE_NEWNET));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(send_by_socket(NR_FRAMES));
	EXPECT_EQ(NR_FRAMES, counted(name).packets);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_EQ(0, counted(name).packets);
	vg_tap_close(&other);
	rig_close(&rig);
}

/* The interface goes, and the descriptor gets another one. */
TEST(arrive_at_the_next_interface)
{
	char cmd[64];
	int i;

	ASSERT_FINE(set_up(0));
	for (i = 0; i < 3; i++) {
		ASSERT_FINE(send_directly(NR_FRAMES));
		snprintf(cmd, sizeof(cmd), "ip link del %s", rig.link);
		ASSERT_EQ(0, system(cmd));
		ASSERT_EQ(0, vg_net_stop(&rig.net));
		ASSERT_EQ(0, vg_tap_renew(&rig.tap, rig.net.hdr_len));
		strcpy(rig.link, rig.tap.name);
		ASSERT_FINE(rig_reopen_far(&rig));
		ASSERT_FINE(rig_start(&rig));
	}
	EXPECT_FINE(send_directly(NR_FRAMES));
	rig_close(&rig);
}

VD_TEST_MAIN
