// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces and other files that a program gives to the device as backends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/vguest/packet.h"
#include "../../lib/vguest/tap.h"
#include "exec.h"
#include "kinds.h"

/* Frames of any length pass. */
#define MTU	65521

static void open_tap(struct fz_net *n, short flags, unsigned int hdr_len)
{
	struct vg_tap tap = { .fd = -1 };

	if (vg_tap_open_flags(&tap, hdr_len, flags)) {
		vg_tap_close(&tap);
		return;
	}
	if (hdr_len)
		vg_tap_set_offload(tap.fd, true);
	vg_link_set_mtu(tap.name, MTU);
	n->fd = tap.fd;
	n->hdr_len = hdr_len;
	n->far = vg_packet_open(tap.ifindex, true);
	strcpy(n->name, tap.name);
}

/* Backends on the pair of interfaces; frames come from its far end. */
static void open_veth(struct fz_net *n, uint64_t kind)
{
	if (kind == FZ_MACVTAP_FD)
		n->fd = vg_macvtap_open(FZ_MACVTAP, 12);
	else
		n->fd = vg_packet_open(if_nametoindex(FZ_VETH_NEAR),
				       kind == FZ_PACKET_HDR);
	n->far = vg_packet_open(if_nametoindex(FZ_VETH_FAR), true);
	n->hdr_len = 12;
	strcpy(n->name, FZ_VETH_NEAR);
}

/* Files that the device must refuse. */
static int open_odd(uint64_t kind)
{
	if (kind == FZ_UDP)
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (kind == FZ_UNSET)
		return open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void close_net(struct fz_net *n)
{
	if (n->fd >= 0)
		close(n->fd);
	if (n->far >= 0)
		close(n->far);
	if (n->link >= 0)
		close(n->link);
	*n = (struct fz_net){ .fd = -1, .far = -1, .link = -1 };
}

FZ_OP(net)
{
	static const struct {
		short flags;
		unsigned int hdr_len;
	} taps[] = {
		[FZ_TAP] = { 0, 12 },
		[FZ_TAP10] = { 0, 10 },
		[FZ_TAP24] = { 0, 24 },
		[FZ_BARE] = { 0, 0 },
		[FZ_TUN] = { IFF_TUN, 12 },
		[FZ_TUN_BARE] = { IFF_TUN, 0 },
		[FZ_MULTI] = { IFF_MULTI_QUEUE, 12 },
		[FZ_PRESSURE] = { VG_IFF_BACKPRESSURE, 12 },
		[FZ_NAPI] = { IFF_NAPI, 12 },
	};
	struct fz_net *n;

	if (arg[0] >= FZ_NR_NETS)
		return;
	n = &vm->net[arg[0]];
	close_net(n);
	if (arg[1] <= FZ_NAPI)
		open_tap(n, taps[arg[1]].flags, taps[arg[1]].hdr_len);
	else if (arg[1] <= FZ_PACKET_HDR)
		open_veth(n, arg[1]);
	else
		n->fd = open_odd(arg[1]);
}

/* The device keeps the file that it has. */
FZ_OP(drop)
{
	if (arg[0] < FZ_NR_NETS)
		close_net(&vm->net[arg[0]]);
}

FZ_OP(sndbuf)
{
	vg_tap_set_sndbuf(fz_net(vm, arg[0]), arg[1]);
}

FZ_OP(hdr_len)
{
	vg_tap_set_hdr_len(fz_net(vm, arg[0]), arg[1]);
}

FZ_OP(link)
{
	if (arg[0] < FZ_NR_NETS && strncmp(vm->net[arg[0]].name, "fz", 2))
		vg_link_set_up(vm->net[arg[0]].name, arg[1]);
}

/* A queue of a multi-queue tap leaves its device, or joins it. */
FZ_OP(queues)
{
	struct ifreq ifr = { .ifr_flags = arg[1] ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	ioctl(fz_net(vm, arg[0]), TUNSETQUEUE, &ifr);
}
