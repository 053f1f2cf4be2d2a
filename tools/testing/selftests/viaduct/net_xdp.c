// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers of frames as an XDP program on a tap sees them: no metadata, and
 * usable room after the frame.
 */
#include <stddef.h>

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

/* Frames with metadata are dropped, so that the stream stops. */
TEST_F(buffers, have_no_metadata)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(BPF_REG_0, XDP_PASS),
		LOAD_CTX(BPF_REG_2, data),
		LOAD_CTX(BPF_REG_3, data_meta),
		/* Kernels that pass no metadata set data_meta > data. */
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

VD_TEST_MAIN
