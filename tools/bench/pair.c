// SPDX-License-Identifier: GPL-2.0-only
/*
 * From guest to guest: two devices whose taps are in one bridge, with or
 * without viaduct-vswitch. The cost is that of both devices' workers, of which
 * the first one's runs the bridge or the XDP program.
 */
#define _GNU_SOURCE
#include <libgen.h>
#include <linux/limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/vguest/frame.h"
#include "../lib/vguest/wait.h"
#include "../lib/vguest/worker.h"
#include "bench.h"

/* Frames in flight: fewer than a tap's ring holds. */
#define WINDOW		200
#define PATIENCE_NS	2000000000ULL

struct pair {
	struct bench_dev dev[2];
	uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	unsigned long sent, got;
};

static void command(const char *format, const char *name)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), format, name);
	if (system(cmd))
		die("'%s' failed", cmd);
}

/* Device @to as the destination, the other one as the source. */
static void set_addresses(struct pair *p, int to)
{
	const uint8_t mac[6] = { 0x02, 0, 0, 0, 0, 1 };

	memcpy(p->frame, mac, 6);
	memcpy(p->frame + 6, mac, 6);
	p->frame[5] += to;
	p->frame[11] += 1 - to;
}

static unsigned long take_all(struct vg_net *n)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr_mrg_rxbuf hdr;
	unsigned long nr = 0;
	ssize_t len;

	while ((len = vg_net_recv(n, &hdr, frame, sizeof(frame))) > 0)
		nr++;
	must(len, "receive ring");
	if (nr)
		vg_net_fill(n);
	return nr;
}

/* Frames from one device to the other until @until have arrived. */
static void move(struct pair *p, const struct bench_case *c, int to,
		 unsigned long until)
{
	struct vg_net *from = &p->dev[1 - to].net;
	uint64_t last = vg_now_ns();
	unsigned long nr;

	while (p->got < until) {
		must(vg_net_reap(from), "transmit ring");
		while (p->sent < until && p->sent - p->got < WINDOW &&
		       !vg_net_xmit(from, &p->hdr, p->frame, c->len, &vg_layout_plain))
			p->sent++;
		vg_ring_kick(&from->ring[VG_TX]);
		nr = take_all(&p->dev[to].net);
		p->got += nr;
		if (nr)
			last = vg_now_ns();
		else if (vg_now_ns() - last > PATIENCE_NS)
			die("only %lu of %lu frames came through", p->got, p->sent);
		else
			sched_yield();
	}
}

static pid_t start_switch(const char *bridge)
{
	char self[PATH_MAX], path[PATH_MAX + 32], line[128];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd[2], i;
	pid_t pid;
	FILE *out;

	must(len, "/proc/self/exe");
	self[len] = 0;
	snprintf(path, sizeof(path), "%s/../vswitch/viaduct-vswitch", dirname(self));
	must(pipe(fd), "pipe");
	pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		execl(path, path, bridge, NULL);
		_exit(127);
	}
	close(fd[1]);
	out = fdopen(fd[0], "r");
	for (i = 0; i < 2; i++)
		if (!out || !fgets(line, sizeof(line), out))
			die("%s does not run: make vswitch", path);
	return pid;
}

void bench_pair(const struct bench_case *c, bool with_switch,
		struct bench_result *r)
{
	static struct pair p;
	uint64_t worker, wall;
	pid_t pid = 0;
	int i;

	command("ip link add %s type bridge forward_delay 0 mcast_snooping 0", "vdbr");
	command("ip link set %s up", "vdbr");
	for (i = 0; i < 2; i++) {
		bench_open(&p.dev[i], c);
		vg_net_fill(&p.dev[i].net);
		command("ip link set %s master vdbr", p.dev[i].tap.name);
		command("tc qdisc replace dev %s root noqueue", p.dev[i].tap.name);
	}
	if (with_switch)
		pid = start_switch("vdbr");
	bench_frame(c, p.frame, &p.hdr);
	/* Bridge, switch and devices learn, and memory is used once. */
	for (i = 0; i < 4; i++) {
		set_addresses(&p, i % 2);
		move(&p, c, i % 2, p.got + 1 + (i > 1 ? c->count / 10 : 0));
	}
	worker = vg_worker_total(getpid());
	wall = vg_now_ns();
	move(&p, c, 1, p.got + c->count);
	r->packets = c->count;
	r->wall_ns = vg_now_ns() - wall;
	r->worker_ns = vg_worker_total(getpid()) - worker;
	if (pid > 0) {
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
	}
	for (i = 0; i < 2; i++)
		bench_close(&p.dev[i]);
}
