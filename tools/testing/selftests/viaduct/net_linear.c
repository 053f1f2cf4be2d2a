// SPDX-License-Identifier: GPL-2.0-only
/*
 * The linear part of packets stays below 64 KiB, headers that a tunnel adds
 * included: network drivers keep the length of a buffer in 16 bits. A program in
 * tc looks at each packet and keeps the longest linear part.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../lib/vguest/tunnel.h"
#include "rig.h"
#include "vd_test.h"

#define MAX_LINEAR	65535
#define BPF_DIR		"/tmp/vd-bpf"

struct seen {
	uint64_t linear;	/* bytes of the longest linear part */
	uint64_t packets;
};

static struct rig rig;
static int map = -1;

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static int create_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct seen),
		.max_entries = 1,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static struct seen take_seen(void)
{
	struct seen seen = {}, none = {};
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
		.value = (unsigned long)&seen,
	};

	bpf(BPF_MAP_LOOKUP_ELEM, &attr);
	attr.value = (unsigned long)&none;
	bpf(BPF_MAP_UPDATE_ELEM, &attr);
	return seen;
}

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define LOAD(size, d, s, o)	INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(size, d, o, s)	INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)

/* Keeps the longest linear part, counts, and drops. */
static int load_prog(void)
{
	const struct bpf_insn prog[] = {
		LOAD(BPF_W, 6, 1, offsetof(struct __sk_buff, data_end)),
		LOAD(BPF_W, 7, 1, offsetof(struct __sk_buff, data)),
		INSN(BPF_ALU64 | BPF_SUB | BPF_X, 6, 7, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6, 0),
		LOAD(BPF_DW, 1, 0, offsetof(struct seen, packets)),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1),
		STORE(BPF_DW, 0, offsetof(struct seen, packets), 1),
		LOAD(BPF_DW, 1, 0, offsetof(struct seen, linear)),
		INSN(BPF_JMP | BPF_JGE | BPF_X, 1, 6, 1, 0),
		STORE(BPF_DW, 0, offsetof(struct seen, linear), 6),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, TC_ACT_SHOT),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insns = (unsigned long)prog,
		.insn_cnt = ARRAY_SIZE(prog),
		.license = (unsigned long)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

/* tc(8) takes a program by a path in a BPF file system. */
static const char *attach(const char *link, const char *where)
{
	union bpf_attr attr = { .pathname = (unsigned long)BPF_DIR "/prog" };
	char cmd[256];
	int prog, ret;

	map = create_map();
	prog = load_prog();
	if (map < 0 || prog < 0)
		return rig_fail(&rig, "bpf: %s", strerror(errno));
	mkdir(BPF_DIR, 0700);
	if (mount("bpf", BPF_DIR, "bpf", 0, NULL))
		return "no BPF file system";
	attr.bpf_fd = prog;
	if (bpf(BPF_OBJ_PIN, &attr)) {
		umount(BPF_DIR);
		return "cannot pin the program";
	}
	snprintf(cmd, sizeof(cmd),
		 "tc qdisc add dev %s clsact && tc filter add dev %s %s bpf da object-pinned %s/prog",
		 link, link, where, BPF_DIR);
	ret = system(cmd);
	umount(BPF_DIR);
	close(prog);
	return ret ? rig_fail(&rig, "failed: %s", cmd) : NULL;
}

static const char *transmit(size_t len, uint64_t seq)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;

	vg_frame_build(frame, len, seq, 1, len > VG_FRAME_MTU, &hdr);
	while (vg_net_xmit(&rig.net, &hdr, frame, len, &vg_layout_plain)) {
		vg_ring_kick(&rig.net.ring[VG_TX]);
		if (vg_net_drain(&rig.net, vg_deadline_ms(20000)))
			return "the device keeps its chains";
	}
	return NULL;
}

/* All lengths where something changes, and every @step-th of the others. */
static bool is_wanted(size_t len, unsigned int step)
{
	return len <= 1600 || (len >= 3000 && len <= 4200) || len >= 65100 ||
	       len % step == 0;
}

static const char *transmit_all(size_t from, unsigned int step,
				uint64_t *count)
{
	const char *why = NULL;
	size_t len;

	*count = 0;
	for (len = from; len <= VG_FRAME_MAX && !why; len++)
		if (is_wanted(len, step))
			why = transmit(len, (*count)++);
	vg_ring_kick(&rig.net.ring[VG_TX]);
	if (!why && vg_net_drain(&rig.net, vg_deadline_ms(20000)))
		why = "the device keeps its chains";
	return why;
}

static const struct vg_net_opts opts = {
	.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
	.nr_tx = 64, .tx_size = VG_FRAME_MAX + 16,
};

FIXTURE(linear)
{
	struct seen seen;
	uint64_t count;
};

FIXTURE_VARIANT(linear)
{
	enum rig_backend kind;
	const char *link, *where;
};

FIXTURE_VARIANT_ADD(linear, tap)
{
	.kind = RIG_TAP, .link = NULL, .where = "ingress",
};

FIXTURE_VARIANT_ADD(linear, macvtap)
{
	.kind = RIG_MACVTAP, .link = "vda", .where = "egress",
};

FIXTURE_SETUP(linear)
{
	ASSERT_FINE(rig_open(&rig, variant->kind, &opts));
	close(rig.far);
	rig.far = -1;
	/* As QEMU does; with a finite send buffer frames are not sent in batches. */
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.backend, INT_MAX));
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(linear)
{
	rig_close(&rig);
}

TEST_F(linear, part_is_below_64k)
{
	const char *every = getenv("VD_EVERY_LENGTH");

	ASSERT_FINE(attach(variant->link ?: rig.tap.name, variant->where));
	ASSERT_FINE(transmit_all(VG_FRAME_MIN, every ? 1 : 37, &self->count));
	self->seen = take_seen();
	TH_LOG("%lu frames, longest linear part %lu", self->seen.packets,
	       self->seen.linear);
	/* A device with a smaller gso_max_size gets the longest in segments. */
	EXPECT_LE(self->count, self->seen.packets);
	EXPECT_LE(VG_FRAME_MTU, self->seen.linear);
	EXPECT_GE(MAX_LINEAR, self->seen.linear);
}

/* The tunnel's headers count as a part of it. */
TEST(linear_part_with_headers_of_a_tunnel)
{
	struct seen seen;
	uint64_t count;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	close(rig.far);
	rig.far = -1;
	ASSERT_EQ(0, vg_tunnel_create());
	ASSERT_EQ(0, vg_tunnel_bridge(rig.tap.name));
	ASSERT_FINE(attach(VG_UNDERLAY, "egress"));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit_all(64000, 37, &count));
	seen = take_seen();
	TH_LOG("%lu frames, longest linear part %lu", seen.packets,
	       seen.linear);
	EXPECT_LE(count, seen.packets);
	EXPECT_GE(MAX_LINEAR, seen.linear);
	rig_close(&rig);
}

VD_TEST_MAIN
