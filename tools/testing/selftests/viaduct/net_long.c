// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long frames on their way to the wire: more than a device has memory for,
 * without a receiver for a while, and through an XDP program.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"
#include "xdp.h"

/* Frames: over 10 MiB together, and as many as the far socket can hold. */
#define HELD	200

static struct rig rig;

FIXTURE(frames)
{
	struct stream s;
};

FIXTURE_SETUP(frames)
{
	struct vg_net_opts o = {
		.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
		.nr_tx = 64, .tx_size = VG_FRAME_MAX + 16,
	};

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	self->s = stream_make(&rig, VG_TX, 0);
	self->s.max = rig.gso ? VG_FRAME_MAX : VG_FRAME_MTU;
	self->s.min = 5000;
}

FIXTURE_TEARDOWN(frames)
{
	rig_close(&rig);
}

/* Transmits @nr frames of the stream, without a receiver meanwhile. */
static const char *transmit(struct stream *s, unsigned int nr)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;

	for (s->count += nr; s->sent < s->count; s->sent++) {
		size_t len = vg_frame_len(s->sent, s->seed, s->min, s->max);

		vg_frame_build(frame, len, s->sent, s->seed, true, &hdr);
		while (vg_net_xmit(&rig.net, &hdr, frame, len,
				   &vg_layout_plain)) {
			vg_ring_kick(&rig.net.ring[VG_TX]);
			if (vg_net_drain(&rig.net, vg_deadline_ms(20000)))
				return "the device keeps its chains";
		}
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	if (vg_net_drain(&rig.net, vg_deadline_ms(20000)))
		return "the device keeps its chains";
	return NULL;
}

/* The first frames are still unaltered after many later ones. */
TEST_F(frames, many_are_held)
{
	unsigned int round;

	for (round = 0; round < 3; round++) {
		ASSERT_FINE(transmit(&self->s, HELD));
		ASSERT_FINE(stream_run(&self->s, 1));
		EXPECT_EQ(self->s.count, self->s.got);
	}
}

/* A frame that is never taken slows the others down, and changes nothing else. */
TEST_F(frames, one_is_held_for_ever)
{
	int keeper = vg_packet_open(rig.tap.ifindex, true), least = 1;
	static uint8_t kept[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	uint64_t seq = 1;
	ssize_t len;

	ASSERT_LE(0, keeper);
	/* Room for one frame, whatever its length. */
	ASSERT_EQ(0, setsockopt(keeper, SOL_SOCKET, SO_RCVBUF, &least,
				sizeof(least)));
	/* Few of them fit into a page of the pool, so that each page is reused often. */
	self->s.min = 60000;
	self->s.count = 2000;
	self->s.window = 8;
	EXPECT_FINE(stream_run(&self->s, 1));
	EXPECT_EQ(self->s.count, self->s.got);
	/* It is the first frame, unaltered. */
	len = vg_packet_recv(keeper, &hdr, kept, sizeof(kept));
	ASSERT_LT(0, len);
	EXPECT_EQ(NULL, vg_frame_check(kept, len, self->s.seed, &seq));
	EXPECT_EQ(0, seq);
	close(keeper);
}

TEST_F(frames, xdp_sees_them)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int link = xdp_attach(rig.tap.ifindex, pass, ARRAY_SIZE(pass));

	ASSERT_LE(0, link);
	self->s.count = 500;
	self->s.min = VG_FRAME_MIN;
	EXPECT_FINE(stream_run(&self->s, 1));
	/* Without the program, frames pass as before. */
	close(link);
	self->s.count += 500;
	EXPECT_FINE(stream_run(&self->s, 1));
	EXPECT_EQ(self->s.count, self->s.got);
}

VD_TEST_MAIN
