// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two devices with taps in one bridge, and viaduct-vswitch on it. The
 * switch must not lose or reorder frames, and must not connect ports that the
 * bridge does not connect.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "info.h"
#include "rig.h"
#include "vd_test.h"

#define NR_FRAMES	5000
#define WINDOW		200	/* below the length of a tap's ring */
#define LARGE		32000	/* a GSO frame */

#define FEATURES	(VG_BIT(VG_F_VERSION_1) | VG_NET_F_MRG)

/* A flow from one device to the other. */
struct flow {
	struct rig *from, *to;
	uint8_t addresses[12];	/* destination, source */
	uint64_t sent, got;
	unsigned int large_every; /* 0: no large frames */
	const char *why;
};

static struct rig rig[2];

FIXTURE(pair)
{
	pid_t pid;		/* of the switch; 0 after its end */
	FILE *out;
	struct flow flow[2];
};

static bool find_switch(char *path, size_t room)
{
	char self[512], cmd[700];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return false;
	self[len] = 0;
	snprintf(path, room, "%s/../vswitch/viaduct-vswitch", dirname(self));
	/* It may be built for another architecture. */
	snprintf(cmd, sizeof(cmd), "'%s' --help >/dev/null 2>&1", path);
	return !system(cmd);
}

static pid_t start_switch(const char *path, FILE **out)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		execl(path, path, "--macs", "8", "vdbr", NULL);
		_exit(127);
	}
	close(fd[1]);
	*out = fdopen(fd[0], "r");
	/* poll() must see every line. */
	if (*out)
		setvbuf(*out, NULL, _IONBF, 0);
	return pid;
}

/* Reads the switch's lines up to the one given. */
static bool says(FILE *out, const char *name, const char *what)
{
	struct pollfd p = { .fd = fileno(out), .events = POLLIN };
	char line[256], want[256];

	snprintf(want, sizeof(want), "%s: %s\n", name, what);
	while (poll(&p, 1, 10000) == 1 && fgets(line, sizeof(line), out))
		if (!strcmp(line, want))
			return true;
	return false;
}

static int run(const char *format, const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), format, name);
	return system(cmd);
}

static void set_addresses(struct flow *f, int to, int from)
{
	const uint8_t mac[6] = { 0x02, 0, 0, 0, 0, 1 };

	f->from = &rig[from];
	f->to = &rig[to];
	memcpy(f->addresses, mac, 6);
	memcpy(f->addresses + 6, mac, 6);
	f->addresses[5] += to;
	f->addresses[11] += from;
}

/* A frame of the flow into the ring of its device: 0, -ENOSPC, ... */
static int flow_send(struct flow *f)
{
	bool large = f->large_every && f->sent % f->large_every == 0;
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	size_t len;
	int ret;

	len = large ? LARGE :
	      vg_frame_len(f->sent, 1, VG_FRAME_MIN, VG_FRAME_MTU);
	vg_frame_build(frame, len, f->sent, 1, large, &hdr);
	memcpy(frame, f->addresses, 12);
	ret = vg_net_xmit(&f->from->net, &hdr, frame, len, &vg_layout_plain);
	f->sent += !ret;
	return ret;
}

/* All that has come: true if something did. */
static bool flow_take(struct flow *f)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint64_t seq, before = f->got;
	ssize_t len;

	vg_net_fill(&f->to->net);
	while (!f->why) {
		len = vg_net_recv(&f->to->net, &mrg, frame, sizeof(frame));
		if (len <= 0)
			break;
		if (memcmp(frame, f->addresses, 6))
			continue;
		f->why = vg_frame_check(frame, len, 1, &seq);
		if (!f->why && seq != f->got)
			f->why = rig_fail(f->to, "frame %llu in place of %llu",
					  (unsigned long long)seq,
					  (unsigned long long)f->got);
		f->got++;
	}
	return f->got != before;
}

static bool flow_step(struct flow *f, uint64_t end)
{
	bool sent = false;

	vg_net_reap(&f->from->net);
	while (f->sent < end && f->sent - f->got < WINDOW && !flow_send(f))
		sent = true;
	if (sent)
		vg_ring_kick(&f->from->net.ring[VG_TX]);
	return flow_take(f) || sent;
}

/* @nr more frames of each flow, all of which must arrive, in order. */
static const char *flows_run(struct flow *f, int nr_flows, uint64_t nr)
{
	uint64_t deadline = vg_deadline_ms(10000), end[2];
	bool moved, left;
	int i;

	for (i = 0; i < nr_flows; i++)
		end[i] = f[i].sent + nr;
	do {
		moved = false;
		left = false;
		for (i = 0; i < nr_flows; i++) {
			moved |= flow_step(&f[i], end[i]);
			left |= f[i].got < end[i];
			if (f[i].why)
				return f[i].why;
		}
		if (moved)
			deadline = vg_deadline_ms(10000);
		else
			poll(NULL, 0, 1);
	} while (left && !vg_expired(deadline));
	return left ? "frames are lost" : NULL;
}

/* Of @nr more frames none must arrive. */
static const char *flow_is_cut(struct flow *f, int nr)
{
	uint64_t before = f->got;
	int i;

	for (i = 0; i < nr; i++)
		if (flow_send(f))
			return "cannot send";
	vg_ring_kick(&f->from->net.ring[VG_TX]);
	if (vg_net_drain(&f->from->net, vg_deadline_ms(5000)))
		return "not sent";
	poll(NULL, 0, 300);
	flow_take(f);
	return f->got == before ? NULL : "frames have arrived";
}

/* Frames that bypassed the bridge on their way to the receiver of a flow. */
static int64_t switched(const struct flow *f)
{
	return info_ring_now(f->to->net.fd, VG_RX, "direct-xdp");
}

FIXTURE_SETUP(pair)
{
	struct vg_net_opts o = { .features = FEATURES, .nr_tx = 128,
				 .tx_size = LARGE + 64 };
	char path[600];
	int i;

	/* NEEDS_SWITCH() in the case skips it; a skip here would not. */
	if (!find_switch(path, sizeof(path)))
		return;
	ASSERT_FINE(rig_open(&rig[0], RIG_TAP, &o));
	ASSERT_FINE(rig_open_here(&rig[1], RIG_TAP, &o));
	ASSERT_EQ(0, run("ip link add %s type bridge forward_delay 0 mcast_snooping 0", "vdbr"));
	ASSERT_EQ(0, run("ip link set %s up", "vdbr"));
	for (i = 0; i < 2; i++) {
		ASSERT_FINE(rig_start(&rig[i]));
		ASSERT_EQ(0, vg_tap_set_offload(rig[i].tap.fd, true));
		ASSERT_EQ(0, run("ip link set %s master vdbr", rig[i].tap.name));
		ASSERT_EQ(0, run("tc qdisc replace dev %s root noqueue", rig[i].tap.name));
		set_addresses(&self->flow[i], 1 - i, i);
	}
	self->pid = start_switch(path, &self->out);
	ASSERT_LT(0, self->pid);
	/* The kernel decides the order. */
	for (i = 0; i < 2; i++) {
		char line[256];

		ASSERT_NE(NULL, fgets(line, sizeof(line), self->out));
		ASSERT_NE(NULL, strstr(line, ": attached, open"));
	}
	/* The switch learns, and the devices see a packet of their taps. */
	ASSERT_FINE(flows_run(&self->flow[0], 1, 1));
	ASSERT_FINE(flows_run(&self->flow[1], 1, 1));
}

static void stop_switch(pid_t *pid, int signal)
{
	int status;

	if (*pid > 0) {
		kill(*pid, signal);
		waitpid(*pid, &status, 0);
	}
	*pid = 0;
}

#define NEEDS_SWITCH() do { \
	if (!self->out) \
		SKIP(return, "no viaduct-vswitch for this machine: run make vswitch"); \
} while (0)

FIXTURE_TEARDOWN(pair)
{
	if (!self->out)
		return;
	stop_switch(&self->pid, SIGTERM);
	rig_close(&rig[0]);
	rig_close(&rig[1]);
}

TEST_F(pair, both_ways)
{
	uint64_t nr = atoi(getenv("VD_VSWITCH_FRAMES") ?: "0") ?: NR_FRAMES;

	NEEDS_SWITCH();
	ASSERT_FINE(flows_run(self->flow, 2, nr));
	if (vg_dev_is_reference())
		return;
	/* The first of each went by the bridge, and by recvmsg(). */
	EXPECT_LE((int64_t)nr - 2, switched(&self->flow[0]));
	EXPECT_LE((int64_t)nr - 2, switched(&self->flow[1]));
}

/* Large frames take the bridge; the others of their flow must not overtake. */
TEST_F(pair, large_frames_between)
{
	NEEDS_SWITCH();
	if (vg_dev_is_reference())
		SKIP(return, "the reference reorders them");
	self->flow[0].large_every = 7;
	ASSERT_FINE(flows_run(self->flow, 2, 2000));
	EXPECT_LE(1600, switched(&self->flow[0]));
}

/* Without the switch, the bridge forwards. */
TEST_F(pair, ends_meanwhile)
{
	int64_t before;

	NEEDS_SWITCH();
	ASSERT_FINE(flows_run(self->flow, 2, 500));
	stop_switch(&self->pid, SIGKILL);
	before = vg_dev_is_reference() ? 0 : switched(&self->flow[0]);
	ASSERT_FINE(flows_run(self->flow, 2, 500));
	if (!vg_dev_is_reference())
		EXPECT_EQ(before, switched(&self->flow[0]));
}

/* A port that has left the bridge gets no more frames. */
TEST_F(pair, port_leaves)
{
	struct flow *f = &self->flow[0];

	NEEDS_SWITCH();
	ASSERT_FINE(flows_run(self->flow, 2, 100));
	ASSERT_EQ(0, run("ip link set %s nomaster", rig[1].tap.name));
	ASSERT_EQ(true, says(self->out, rig[1].tap.name, "detached"));
	EXPECT_FINE(flow_is_cut(f, 10));
	/* The port rejoins the bridge; the frames lost meanwhile stay lost. */
	f->got = f->sent;
	ASSERT_EQ(0, run("ip link set %s master vdbr", rig[1].tap.name));
	ASSERT_EQ(true, says(self->out, rig[1].tap.name, "attached, open"));
	EXPECT_FINE(flows_run(self->flow, 2, 100));
}

TEST_F(pair, isolated_ports_stay_apart)
{
	struct flow *f = &self->flow[0];

	NEEDS_SWITCH();
	ASSERT_FINE(flows_run(self->flow, 2, 100));
	ASSERT_EQ(0, run("ip link set %s type bridge_slave isolated on", rig[0].tap.name));
	ASSERT_EQ(0, run("ip link set %s type bridge_slave isolated on", rig[1].tap.name));
	ASSERT_EQ(true, says(self->out, rig[1].tap.name, "isolated"));
	EXPECT_FINE(flow_is_cut(f, 1));
}

/* What the bridge refuses from a port must not pass the switch either. */
TEST_F(pair, refused_senders)
{
	struct flow *f = &self->flow[0];

	NEEDS_SWITCH();
	ASSERT_FINE(flows_run(self->flow, 2, 100));
	ASSERT_EQ(0, run("bridge link set dev %s state 1", rig[0].tap.name));
	ASSERT_EQ(true, says(self->out, rig[0].tap.name, "detached"));
	EXPECT_FINE(flow_is_cut(f, 1));
	f->got = f->sent;
	ASSERT_EQ(0, run("bridge link set dev %s state 3", rig[0].tap.name));
	ASSERT_EQ(true, says(self->out, rig[0].tap.name, "attached, open"));
	EXPECT_FINE(flows_run(self->flow, 2, 100));
	/* A locked port forwards from configured addresses only. */
	ASSERT_EQ(0, run("bridge link set dev %s learning off locked on",
			 rig[0].tap.name));
	ASSERT_EQ(true, says(self->out, rig[0].tap.name, "detached"));
	f->addresses[11] = 50;
	EXPECT_FINE(flow_is_cut(f, 1));
}

/* Addresses beyond the limit of a port are served by the bridge. */
TEST_F(pair, more_addresses_than_allowed)
{
	struct flow *f = &self->flow[0], *back = &self->flow[1];
	int64_t before;
	int i;

	NEEDS_SWITCH();
	for (i = 0; i < 20; i++) {
		f->addresses[11] = 100 + i;
		ASSERT_FINE(flows_run(f, 1, 1));
	}
	before = vg_dev_is_reference() ? 0 : switched(back);
	back->addresses[5] = 100 + 19;
	ASSERT_FINE(flows_run(back, 1, 10));
	if (!vg_dev_is_reference())
		EXPECT_EQ(before, switched(back));
	back->addresses[5] = 100;
	ASSERT_FINE(flows_run(back, 1, 10));
	if (!vg_dev_is_reference())
		EXPECT_EQ(before + 10, switched(back));
}

/* A group address is for all ports. */
TEST_F(pair, broadcast)
{
	NEEDS_SWITCH();
	memset(self->flow[0].addresses, 0xff, 6);
	ASSERT_FINE(flows_run(&self->flow[0], 1, 50));
}

VD_TEST_MAIN
