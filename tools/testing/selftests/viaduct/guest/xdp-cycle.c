// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp-cycle IFACE TIMES: attach an XDP program that passes every packet, and
 * detach it, that often. Runs in a guest. Prints the number of attachments.
 */
#include <linux/bpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTACHED_US	100000
#define DETACHED_US	50000

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* r0 = XDP_PASS; exit */
static int load(void)
{
	static const struct bpf_insn insns[2] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t)"GPL";
	return bpf(BPF_PROG_LOAD, &attr);
}

/* A link is detached when its descriptor is closed. */
static int attach(int prog, unsigned int ifindex)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = prog;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = BPF_XDP;
	/* The driver's own hook, not the generic one behind it. */
	attr.link_create.flags = 1U << 2;
	return bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	unsigned int ifindex = argc == 3 ? if_nametoindex(argv[1]) : 0;
	int times = argc == 3 ? atoi(argv[2]) : 0, prog, link, i;

	if (!ifindex || times <= 0) {
		fprintf(stderr, "usage: xdp-cycle IFACE TIMES\n");
		return 2;
	}
	prog = load();
	if (prog < 0) {
		perror("BPF_PROG_LOAD");
		return 1;
	}
	for (i = 0; i < times; i++) {
		link = attach(prog, ifindex);
		if (link < 0) {
			perror("BPF_LINK_CREATE");
			return 1;
		}
		usleep(ATTACHED_US);
		close(link);
		usleep(DETACHED_US);
	}
	printf("%d attachments\n", times);
	return 0;
}
