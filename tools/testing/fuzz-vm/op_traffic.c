// SPDX-License-Identifier: GPL-2.0-only
/* Frames of the other side, XDP programs, and the end of an interface. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../lib/vguest/packet.h"
#include "../selftests/viaduct/xdp.h"
#include "exec.h"
#include "kinds.h"

#define FRAME_MAX	65535

static struct fz_net *net_of(struct fz_vm *vm, uint64_t arg)
{
	return arg < FZ_NR_NETS ? &vm->net[arg] : NULL;
}

static size_t frame_of(uint8_t *frame, uint8_t *hdr, const uint64_t *arg)
{
	size_t len = arg[2] < FRAME_MAX ? arg[2] : FRAME_MAX;

	fz_frame(frame, len, arg[3], hdr);
	return len;
}

/* Through a packet socket at the other side. */
FZ_OP(inject)
{
	const struct fz_net *n = net_of(vm, arg[0]);
	uint64_t nr = arg[1] < 1024 ? arg[1] : 1024;
	static uint8_t frame[FRAME_MAX];
	uint8_t hdr[24];
	size_t len;

	if (!n || n->far < 0)
		return;
	len = frame_of(frame, hdr, arg);
	while (nr--)
		vg_packet_send(n->far, (struct virtio_net_hdr *)hdr, frame, len);
}

/* Into the descriptor of the tap, as its device would send them. */
FZ_OP(feed)
{
	const struct fz_net *n = net_of(vm, arg[0]);
	uint64_t nr = arg[1] < 1024 ? arg[1] : 1024;
	static uint8_t frame[FRAME_MAX];
	uint8_t hdr[24];
	struct iovec iov[2] = { { hdr, n ? n->hdr_len : 0 }, { frame, 0 } };

	if (!n || n->fd < 0)
		return;
	iov[1].iov_len = frame_of(frame, hdr, arg);
	while (nr--)
		if (writev(n->fd, iov, 2) < 0)
			return;
}

/* Takes what the other side has received. */
FZ_OP(drain)
{
	const struct fz_net *n = net_of(vm, arg[0]);
	uint8_t buf[256];

	if (!n)
		return;
	while (n->far >= 0 && recv(n->far, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void attach_xdp(struct fz_net *n, const struct bpf_insn *insns, unsigned int nr)
{
	if (n->link >= 0)
		close(n->link);
	n->link = insns ? xdp_attach(if_nametoindex(n->name), insns, nr) : -1;
}

FZ_OP(xdp)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = arg[1] },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct fz_net *n = net_of(vm, arg[0]);

	if (n && n->name[0])
		attach_xdp(n, arg[1] < 4 ? insns : NULL, 2);
}

/* Frames that arrive at the first interface go to the second one. */
FZ_OP(redirect)
{
	struct fz_net *from = net_of(vm, arg[0]), *to = net_of(vm, arg[1]);

	if (!from || !to || !from->name[0] || !to->name[0])
		return;
	attach_xdp(from, NULL, 0);
	from->link = xdp_redirect(if_nametoindex(from->name), if_nametoindex(to->name));
}

/* Deletes the interface of a tap; its descriptor stays. */
FZ_OP(unlink)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} m = {
		.head = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_DELLINK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .ifi_family = AF_UNSPEC },
	};
	const struct fz_net *n = net_of(vm, arg[0]);
	int fd;

	if (!n || !n->name[0] || !strncmp(n->name, "fz", 2))
		return;
	m.info.ifi_index = if_nametoindex(n->name);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (m.info.ifi_index && send(fd, &m, sizeof(m), 0) == sizeof(m))
		recv(fd, &m, sizeof(m), 0);
	close(fd);
}

static void ip_link(const char *fmt, const char *a, const char *b)
{
	char command[128] = "ip link ";
	size_t len = strlen(command);

	snprintf(command + len, sizeof(command) - len, fmt, a, b);
	if (system(command))
		return;
}

/* A port of the bridge, or not. */
FZ_OP(bridge)
{
	const struct fz_net *n = net_of(vm, arg[0]);

	if (n && n->name[0])
		ip_link(arg[1] ? "set %s master %s" : "set %s nomaster", n->name, FZ_BRIDGE);
}

/* What is injected from now on has a VLAN tag beside its data. */
FZ_OP(vlan)
{
	struct fz_net *n = net_of(vm, arg[0]);
	const char *base;
	char name[IFNAMSIZ];

	if (!n || !n->name[0])
		return;
	base = strcmp(n->name, FZ_VETH_NEAR) ? n->name : FZ_VETH_FAR;
	snprintf(name, sizeof(name), "v%.14s", base);
	if (!if_nametoindex(name))
		ip_link("add link %s name %s type vlan id 5", base, name);
	ip_link("set %s up", name, "");
	if (n->far >= 0)
		close(n->far);
	n->far = vg_packet_open(if_nametoindex(name), true);
}
