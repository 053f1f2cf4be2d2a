// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an XDP program on a tap sees of the buffers that frames are handed over
 * in: no metadata, room behind the frame that it may use. Frames that an XDP
 * program of another tap redirects to the device's tap.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "info.h"
#include "rig.h"
#include "vd_test.h"
#include "xdp.h"

#define NR_FRAMES 500

#define MOV_IMM(reg, value) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = reg, .imm = value }
#define LOAD_CTX(reg, field) \
	{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = reg, \
	  .src_reg = BPF_REG_1, .off = offsetof(struct xdp_md, field) }
#define EXIT() { .code = BPF_JMP | BPF_EXIT }

static struct rig rig;

FIXTURE(buffers)
{
	struct stream s;
};

FIXTURE_SETUP(buffers)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	self->s = stream_make(&rig, VG_TX, NR_FRAMES);
	self->s.max = VG_FRAME_MTU;
}

FIXTURE_TEARDOWN(buffers)
{
	rig_close(&rig);
}

/* Frames with metadata are dropped, so that the stream stands still. */
TEST_F(buffers, have_no_metadata)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(BPF_REG_0, XDP_PASS),
		LOAD_CTX(BPF_REG_2, data),
		LOAD_CTX(BPF_REG_3, data_meta),
		/* Kernels that pass none on say so by data_meta > data. */
		{ .code = BPF_JMP | BPF_JGE | BPF_X, .dst_reg = BPF_REG_3,
		  .src_reg = BPF_REG_2, .off = 1 },
		MOV_IMM(BPF_REG_0, XDP_DROP),
		EXIT(),
	};
	int link = xdp_attach(rig.tap.ifindex, insns, ARRAY_SIZE(insns));

	ASSERT_LE(0, link);
	EXPECT_FINE(stream_run(&self->s, 1));
	EXPECT_EQ(NR_FRAMES, self->s.got);
	close(link);
}

/* Each frame is made 16 bytes longer and then as long as it was. */
TEST_F(buffers, can_grow_at_the_end)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6,
		  .src_reg = BPF_REG_1 },
		MOV_IMM(BPF_REG_2, 16),
		{ .code = BPF_JMP | BPF_CALL,
		  .imm = BPF_FUNC_xdp_adjust_tail },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0,
		  .off = 6 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_6 },
		MOV_IMM(BPF_REG_2, -16),
		{ .code = BPF_JMP | BPF_CALL,
		  .imm = BPF_FUNC_xdp_adjust_tail },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0,
		  .off = 2 },
		MOV_IMM(BPF_REG_0, XDP_PASS),
		EXIT(),
		MOV_IMM(BPF_REG_0, XDP_DROP),
		EXIT(),
	};
	int link = xdp_attach(rig.tap.ifindex, insns, ARRAY_SIZE(insns));

	ASSERT_LE(0, link);
	/* Buffers end at a cache line: these leave 16 bytes and more. */
	self->s.min = 1480;
	self->s.max = 1480;
	EXPECT_FINE(stream_run(&self->s, 1));
	EXPECT_EQ(NR_FRAMES, self->s.got);
	close(link);
}

/*
 * Frames written to the tap @in are redirected to the device's. The device must
 * have received a packet of the stack to know its tap.
 */
FIXTURE(redirected)
{
	struct vg_tap in;
	int link;
	uint64_t seq;
};

FIXTURE_VARIANT(redirected)
{
	uint64_t features;
};

FIXTURE_VARIANT_ADD(redirected, modern)
{
	.features = VG_BIT(VG_F_VERSION_1),
};

FIXTURE_VARIANT_ADD(redirected, mergeable)
{
	.features = VG_BIT(VG_F_VERSION_1) | VG_NET_F_MRG,
};

FIXTURE_VARIANT_ADD(redirected, legacy)
{
	.features = 0,
};

/* One frame at the guest: its length, 0 when none came. */
static size_t receive(uint8_t *frame, size_t room,
		      struct virtio_net_hdr_mrg_rxbuf *mrg)
{
	uint64_t deadline = vg_deadline_ms(5000);
	ssize_t len;

	do {
		vg_net_fill(&rig.net);
		len = vg_net_recv(&rig.net, mrg, frame, room);
	} while (len <= 0 && vg_ring_wait(&rig.net.ring[VG_RX], deadline));
	return len > 0 ? len : 0;
}

static const char *redirect_all(struct vg_tap *in, int *link)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(BPF_REG_1, rig.tap.ifindex),
		MOV_IMM(BPF_REG_2, 0),
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		EXIT(),
	};

	if (vg_tap_open(in, 0, false))
		return rig_fail(&rig, "no second tap");
	*link = xdp_attach(in->ifindex, insns, ARRAY_SIZE(insns));
	return *link < 0 ? rig_fail(&rig, "no program: %m") : NULL;
}

FIXTURE_SETUP(redirected)
{
	struct vg_net_opts o = { .features = variant->features };
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[VG_FRAME_MTU] = { 0 };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(redirect_all(&self->in, &self->link));
	ASSERT_FINE(rig_far_send(&rig, frame, 60, NULL));
	ASSERT_EQ(60, receive(frame, sizeof(frame), &mrg));
	self->seq = 0;
}

FIXTURE_TEARDOWN(redirected)
{
	close(self->link);
	vg_tap_close(&self->in);
	rig_close(&rig);
}

static const char *check(size_t len, uint64_t seq,
			 const struct virtio_net_hdr_mrg_rxbuf *mrg)
{
	static uint8_t frame[VG_FRAME_MTU];
	const char *why;
	uint64_t got;

	if (receive(frame, sizeof(frame), (void *)mrg) != len)
		return rig_fail(&rig, "frame %llu did not come whole",
				(unsigned long long)seq);
	why = vg_frame_check(frame, len, 1, &got);
	if (!why && got != seq)
		why = "another one came";
	return why;
}

/* @nr frames, a few at a time, each of which must arrive as it was. */
static const char *pass(int in, uint64_t *seq, unsigned int nr)
{
	struct virtio_net_hdr_mrg_rxbuf mrg, zero = { 0 };
	uint64_t end = *seq + nr, sent = *seq;
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;
	const char *why = NULL;
	size_t len;

	for (; *seq < end && !why; ++*seq) {
		for (; sent < end && sent < *seq + 50; sent++) {
			len = vg_frame_len(sent, 1, VG_FRAME_MIN, VG_FRAME_MTU);
			vg_frame_build(frame, len, sent, 1, false, &hdr);
			if (write(in, frame, len) != (ssize_t)len)
				return rig_fail(&rig, "write: %m");
		}
		memset(&mrg, 0xff, sizeof(mrg));
		len = vg_frame_len(*seq, 1, VG_FRAME_MIN, VG_FRAME_MTU);
		why = check(len, *seq, &mrg);
		if (!why && memcmp(&mrg.hdr, &zero.hdr, sizeof(mrg.hdr)))
			why = "a header that is not zero";
	}
	return why;
}

static bool reaches(const char *key, int64_t least)
{
	return vg_dev_is_reference() ||
	       info_ring_reaches(rig.net.fd, VG_RX, key, least);
}

static int64_t now(const char *key)
{
	return vg_dev_is_reference() ? 0 :
	       info_ring_now(rig.net.fd, VG_RX, key);
}

TEST_F(redirected, arrive_unaltered)
{
	EXPECT_FINE(pass(self->in.fd, &self->seq, NR_FRAMES));
	EXPECT_EQ(true, reaches("direct-xdp", NR_FRAMES));
}

/* Frames of the stack and redirected ones, in the order of their sending. */
TEST_F(redirected, mix_with_packets)
{
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr;
	int i;

	for (i = 0; i < NR_FRAMES; i++) {
		vg_frame_build(frame, 100, i, 1, false, &hdr);
		if (i % 3) {
			ASSERT_EQ(100, write(self->in.fd, frame, 100));
		} else {
			ASSERT_FINE(rig_far_send(&rig, frame, 100, NULL));
		}
		if (i % 20 < 19)
			continue;
		for (int j = i - 19; j <= i; j++)
			ASSERT_FINE(check(100, j, &mrg));
	}
	EXPECT_EQ(true, reaches("direct-xdp", NR_FRAMES * 6 / 10));
	EXPECT_EQ(true, reaches("direct", NR_FRAMES * 9 / 10));
}

static int set_parameter(const char *name, char value)
{
	char path[100];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/viaduct/parameters/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	ret = write(fd, &value, 1) == 1 ? 0 : -1;
	close(fd);
	return ret;
}

static uint64_t tap_bytes(void)
{
	char line[512], found[32];
	unsigned long long bytes = 0;
	FILE *f = fopen("/proc/thread-self/net/dev", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %llu",
			   found, &bytes) == 2 && !strcmp(found, rig.link))
			break;
	if (f)
		fclose(f);
	return bytes;
}

/* Bytes that the tap counts for 100 redirected frames. */
static const char *bytes_of_100(int in, uint64_t *bytes)
{
	uint64_t seq = 0, deadline = vg_deadline_ms(5000), last;
	uint64_t before = tap_bytes();
	const char *why = pass(in, &seq, 100);

	do {
		last = tap_bytes();
		poll(NULL, 0, 20);
	} while (!why && (tap_bytes() != last || last == before) &&
		 !vg_expired(deadline));
	*bytes = last - before;
	return why;
}

/* Switched off, recvmsg() delivers them: to the guest and the counters alike. */
TEST_F(redirected, can_be_switched_off)
{
	uint64_t on, off;
	int64_t direct, recvmsg;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no shortcut");
	ASSERT_FINE(bytes_of_100(self->in.fd, &on));
	direct = now("direct-xdp");
	recvmsg = now("recvmsg");
	EXPECT_LE(100, direct);
	ASSERT_EQ(0, set_parameter("rx_direct_xdp", 'N'));
	EXPECT_FINE(bytes_of_100(self->in.fd, &off));
	EXPECT_EQ(true, reaches("recvmsg", recvmsg + 99));
	/* The run that was going on may have taken one more. */
	EXPECT_GE(direct + 1, now("direct-xdp"));
	EXPECT_EQ(0, set_parameter("rx_direct_xdp", 'Y'));
	EXPECT_EQ(off, on);
}

/* The same for packets of the stack. */
TEST_F(redirected, packets_can_be_switched_off)
{
	struct stream s = stream_make(&rig, VG_RX, 200);
	int64_t direct;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no shortcut");
	ASSERT_EQ(0, set_parameter("rx_direct", 'N'));
	direct = now("direct");
	s.max = VG_FRAME_MTU;
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(true, reaches("recvmsg", 199));
	EXPECT_GE(direct + 1, now("direct"));
	EXPECT_EQ(0, set_parameter("rx_direct", 'Y'));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(true, reaches("direct", direct + 199));
}

VD_TEST_MAIN
