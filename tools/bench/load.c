// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loads. One process drives all devices, and yields when it finds
 * nothing: under --icount there is one processor, which the workers need.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/vguest/frame.h"
#include "../lib/vguest/packet.h"
#include "../lib/vguest/tunnel.h"
#include "../lib/vguest/wait.h"
#include "../lib/vguest/worker.h"
#include "bench.h"

/* Without a frame for this time, the source has ended or something hangs. */
#define PATIENCE_NS	2000000000ULL
/* Frames per device until all its frame memory has been used once. */
#define WARM	512
/* Frames taken between two looks at the clock. */
#define RX_BURST	64
/* Frames that wait together: fewer than the tap and the ring can hold. */
#define GATHERED	250
#define ALTERNATING	4096	/* buffers: more than the first region holds */

void must(int ret, const char *what)
{
	if (ret < 0)
		die("%s: %s", what, strerror(-ret));
}

/* A worker for each ring. */
static void part_workers(struct vg_net *n)
{
	uint32_t ring[2] = { VG_TX };	/* and the worker's id */

	must(vg_ioctl(n->fd, VG_NEW_WORKER, &ring[1]), "NEW_WORKER");
	must(vg_ioctl(n->fd, VG_ATTACH_VRING_WORKER, ring),
	     "ATTACH_VRING_WORKER");
}

/*
 * The owner's number in workers' names and in /proc, also from inside a PID
 * namespace that has no /proc of its own.
 */
static pid_t own_pid(void)
{
	static pid_t pid;
	char text[16] = "";

	if (!pid && readlink("/proc/self", text, sizeof(text) - 1) > 0)
		pid = atoi(text);
	if (pid <= 0)
		die("/proc has no entry for this process");
	return pid;
}

/* Packets gather while the worker waits: it does not preempt the sender. */
static void let_gather(void)
{
	struct sched_param param = {};
	pid_t tid[VG_MAX_WORKERS];
	int nr = vg_worker_list(own_pid(), tid, VG_MAX_WORKERS), i;

	for (i = 0; i < nr; i++)
		sched_setscheduler(tid[i], SCHED_BATCH, &param);
}

void bench_open(struct bench_dev *d, const struct bench_case *c)
{
	bool gso = c->len > VG_FRAME_MTU;
	struct vg_net_opts o = {
		.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_INDIRECT) |
			    VG_BIT(VG_F_EVENT_IDX) |
			    (c->mergeable ? VG_NET_F_MRG : 0),
		.num = { c->ring, c->ring },
		.nr_tx = gso ? (c->ring < 64 ? c->ring : 64) : 0,
		.nr_rx = gso && !c->mergeable ? 64 : 0,
		.tx_size = gso ? VG_FRAME_MAX + 16 : 2048,
		.rx_size = gso && !c->mergeable ? VG_FRAME_MAX + 16 : 2048,
	};

	if (c->alternate)
		*(c->rx ? &o.nr_rx : &o.nr_tx) = ALTERNATING;
	must(vg_tap_open(&d->tap, 12, false), "tap");
	if (gso)
		must(vg_tap_set_offload(d->tap.fd, true), "TUNSETOFFLOAD");
	must(vg_link_set_up(d->tap.name, true), d->tap.name);
	if (c->xdp)
		xdp_drop_all(d->tap.ifindex);
	if (c->tunnel) {
		must(vg_tunnel_create(), "tunnel");
		must(vg_tunnel_bridge(d->tap.name), "bridge");
	}
	d->second.fd = -1;
	if (c->turns)
		source_bridge(d);
	d->held = 0;
	d->far = c->hold || (c->rx && (gso || c->gather)) ?
		 vg_packet_open(d->tap.ifindex, gso) : -1;
	must(vg_net_open(&d->net, &o), vg_dev_path());
	bench_memory(&d->net, c);
	if (c->workers > 1)
		part_workers(&d->net);
	must(vg_net_start(&d->net, d->tap.fd, d->tap.fd), "SET_BACKEND");
	if (!c->wake)
		let_gather();
	vg_ring_disarm(&d->net.ring[VG_RX]);
	vg_ring_disarm(&d->net.ring[VG_TX]);
}

void bench_close(struct bench_dev *d)
{
	vg_net_stop(&d->net);
	vg_net_close(&d->net);
	vg_tap_close(&d->tap);
	vg_tap_close(&d->second);
	if (d->far >= 0)
		close(d->far);
}

/* Costs from the first @warm packets on. */
struct meter {
	unsigned long warm, packets;
	bool is_on;
	uint64_t worker, wall, last;
};

static void meter_count(struct meter *m, unsigned long nr)
{
	m->packets += nr;
	m->last = vg_now_ns();
	if (!m->is_on && m->packets >= m->warm) {
		m->is_on = true;
		m->warm = m->packets;
		m->worker = vg_worker_total(own_pid());
		m->wall = m->last;
	}
}

static void meter_read(const struct meter *m, struct bench_result *r)
{
	if (!m->is_on || m->packets == m->warm)
		die("only %lu packets came through", m->packets);
	r->packets = m->packets - m->warm;
	r->worker_ns = vg_worker_total(own_pid()) - m->worker;
	r->wall_ns = m->last - m->wall;
}

static bool is_enough(const struct meter *m, const struct bench_case *c)
{
	if (c->ns)
		return m->is_on && m->last - m->wall >= c->ns;
	return m->packets >= c->count + m->warm;
}

/* Yield, or sleep until the device calls. */
static void rest(struct bench_dev *d, const struct bench_case *c,
		 const struct meter *m)
{
	struct vg_ring *ring = &d->net.ring[c->rx ? VG_RX : VG_TX];

	if (vg_now_ns() - m->last > PATIENCE_NS)
		die("nothing moves after %lu packets", m->packets);
	if (c->notify && !vg_ring_arm(ring))
		vg_ring_wait(ring, vg_deadline_ms(100));
	else
		sched_yield();
}

void bench_frame(const struct bench_case *c, uint8_t *frame,
		 struct virtio_net_hdr *hdr)
{
	bool gso = c->len > VG_FRAME_MTU;

	vg_frame_build(frame, c->len, 0, 1, gso, hdr);
	/* A broadcast of an unknown ethertype is dropped; a bridge would copy it. */
	if (!c->tunnel && !c->turns)
		memset(frame, 0xff, 6);
}

/* Transmits what fits, and reclaims used buffers: their number. */
static int step_tx(struct vg_net *n, const struct bench_case *c,
		   const uint8_t *frame, const struct virtio_net_hdr *hdr)
{
	const struct vg_layout *layout = c->indirect ? &vg_layout_indirect :
						       &vg_layout_plain;
	int nr;

	while (!vg_net_xmit(n, hdr, frame, c->len, layout))
		;
	vg_ring_kick(&n->ring[VG_TX]);
	nr = vg_net_reap(n);
	must(nr, "transmit ring");
	return nr;
}

/* Release all frames that the socket holds once there are enough of them. */
static void hold(struct bench_dev *d, const struct bench_case *c, int nr)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	bool gso = c->len > VG_FRAME_MTU;

	d->held += nr;
	if (d->held < c->hold)
		return;
	while (vg_packet_recv(d->far, gso ? &hdr : NULL, frame,
			      sizeof(frame)) > 0)
		;
	d->held = 0;
}

/* Takes the frames that have arrived, at most a burst. */
static int take(struct vg_net *n)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr_mrg_rxbuf hdr;
	ssize_t len = 0;
	int nr;

	for (nr = 0; nr < RX_BURST; nr++) {
		len = vg_net_recv(n, &hdr, frame, sizeof(frame));
		if (len <= 0)
			break;
	}
	must(len, "receive ring");
	return nr;
}

/* The same, and gives the buffers back. */
static int step_rx(struct vg_net *n)
{
	int nr = take(n);

	if (nr)
		vg_net_fill(n);
	return nr;
}

void bench_stream(struct bench_dev *d, const struct bench_case *c,
		  struct bench_result *r)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct meter m = { .warm = c->count / 10 + WARM * c->devices,
			   .last = vg_now_ns() };
	struct virtio_net_hdr hdr;
	unsigned int i;
	int nr;

	bench_frame(c, frame, &hdr);
	if (c->rx) {
		vg_net_fill(&d->net);
		source_start(d, c->len);
	}
	while (!is_enough(&m, c)) {
		for (i = 0, nr = 0; i < c->devices; i++) {
			if (c->tx)
				nr += step_tx(&d[i].net, c, frame, &hdr);
			if (c->hold)
				hold(&d[i], c, nr);
			if (c->rx)
				nr += step_rx(&d[i].net);
		}
		if (nr)
			meter_count(&m, nr);
		else
			rest(d, c, &m);
	}
	meter_read(&m, r);
	if (c->rx)
		source_stop();
}

void bench_turns(struct bench_dev *d, const struct bench_case *c,
		 struct bench_result *r)
{
	struct meter m = { .warm = c->count / 10 + WARM,
			   .last = vg_now_ns() };
	int missing = 0, nr;
	struct virtio_net_hdr hdr;
	uint8_t frame[VG_FRAME_MTU];

	bench_frame(c, frame, &hdr);
	vg_net_fill(&d->net);
	while (!is_enough(&m, c)) {
		if (missing <= 0)
			missing += source_burst(d, frame, c->len, RX_BURST);
		nr = step_rx(&d->net);
		missing -= nr;
		if (nr)
			meter_count(&m, nr);
		else
			rest(d, c, &m);
	}
	meter_read(&m, r);
}

/* One burst into the tap, then the guest's buffers: how long they took. */
static uint64_t take_burst(struct bench_dev *d, const struct bench_case *c,
			   const uint8_t *frame)
{
	struct meter m = { .is_on = true };
	uint64_t start;
	unsigned int i;

	for (i = 0; i < GATHERED; i++)
		must(vg_packet_send(d->far, NULL, frame, c->len),
		     "packet socket");
	start = vg_now_ns();
	vg_net_fill(&d->net);
	for (m.last = start; m.packets < GATHERED; ) {
		int nr = take(&d->net);

		if (nr)
			meter_count(&m, nr);
		else
			rest(d, c, &m);
	}
	return m.last - start;
}

void bench_gathered(struct bench_dev *d, const struct bench_case *c,
		    struct bench_result *r)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	uint64_t worker = 0, ns;
	unsigned int round;

	*r = (struct bench_result){};
	bench_frame(c, frame, &hdr);
	for (round = 0; r->packets < c->count; round++) {
		ns = take_burst(d, c, frame);
		/* The first ones warm up. */
		if (round == 3)
			worker = vg_worker_total(own_pid());
		if (round <= 3)
			continue;
		r->wall_ns += ns;
		r->packets += GATHERED;
	}
	r->worker_ns = vg_worker_total(own_pid()) - worker;
}
