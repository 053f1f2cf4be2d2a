// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of the wire: the kernel's packet generator as the source of small
 * frames, a packet socket as that of large ones, and XDP as a sink.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/vguest/frame.h"
#include "../lib/vguest/packet.h"
#include "bench.h"

static pid_t source;
static bool is_pktgen;

static void __attribute__((format(printf, 2, 3)))
generator(const char *file, const char *fmt, ...)
{
	char path[64];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", file);
	f = fopen(path, "w");
	if (!f)
		die("%s: %s (modprobe pktgen)", path, strerror(errno));
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	if (fclose(f))
		die("pktgen refuses '%s': %s", fmt, strerror(errno));
}

static void pktgen_set_up(const char *name, unsigned int len)
{
	generator("kpktgend_0", "rem_device_all\n");
	generator("kpktgend_0", "add_device %s\n", name);
	generator(name, "count 0\n");
	generator(name, "pkt_size %u\n", len);
	generator(name, "dst_mac 02:00:00:00:00:01\n");
	generator(name, "delay 0\n");
}

/* Keep the tap full, through the packet socket. */
static void send_large(const struct bench_dev *d, unsigned int len)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;

	vg_frame_build(frame, len, 0, 1, true, &hdr);
	for (;;)
		if (vg_packet_send(d->far, &hdr, frame, len) < 0)
			sched_yield();
}

void source_bridge(struct bench_dev *d)
{
	char cmd[160];

	must(vg_tap_open(&d->second, 0, false), "second tap");
	snprintf(cmd, sizeof(cmd),
		 "ip link add vdb type bridge && ip link set vdb up &&\n"
		 "ip link set %s master vdb && ip link set %s master vdb",
		 d->tap.name, d->second.name);
	if (system(cmd))
		die("the bridge could not be created");
}

int source_burst(const struct bench_dev *d, const uint8_t *frame,
		 unsigned int len, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		must(write(d->second.fd, frame, len) < 0 ? -errno : 0,
		     "second tap");
	return nr;
}

void source_start(const struct bench_dev *d, unsigned int len)
{
	is_pktgen = len <= VG_FRAME_MTU;
	if (is_pktgen)
		pktgen_set_up(d->tap.name, len);
	source = fork();
	if (source < 0)
		die("fork: %s", strerror(errno));
	if (source)
		return;
	if (!is_pktgen)
		send_large(d, len);
	/* Returns when the generator is stopped. */
	generator("pgctrl", "start\n");
	_exit(0);
}

void source_stop(void)
{
	if (is_pktgen)
		generator("pgctrl", "stop\n");
	else
		kill(source, SIGKILL);
	waitpid(source, NULL, 0);
}

void xdp_drop_all(unsigned int ifindex)
{
	const struct bpf_insn drop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = XDP_DROP },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "drop_all", "GPL", drop,
			       2, NULL);
	int ret;

	if (fd < 0)
		die("the XDP program was not accepted: %s", strerror(errno));
	ret = bpf_xdp_attach(ifindex, fd, 0, NULL);
	if (ret)
		die("the XDP program could not be attached: %s", strerror(-ret));
	close(fd);
}
