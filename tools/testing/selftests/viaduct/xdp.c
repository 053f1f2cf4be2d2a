// SPDX-License-Identifier: GPL-2.0-only
/* XDP programs on the far side of a backend. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "xdp.h"

int xdp_attach(unsigned int ifindex, const struct bpf_insn *insns,
	       unsigned int nr)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (unsigned long)insns,
		.insn_cnt = nr,
		.license = (unsigned long)"GPL",
	};
	union bpf_attr link = {
		.link_create.target_ifindex = ifindex,
		.link_create.attach_type = BPF_XDP,
	};
	int prog = syscall(__NR_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	int fd;

	if (prog < 0)
		return -1;
	link.link_create.prog_fd = prog;
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	close(prog);
	return fd;
}

int xdp_redirect(unsigned int from, unsigned int to)
{
	const struct bpf_insn insns[4] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_1, .imm = to },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return xdp_attach(from, insns, 4);
}
