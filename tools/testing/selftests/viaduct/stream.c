// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbered frames through the device, each checked at the other end. The sender
 * keeps a window: neither the far socket nor the tap's queue may overflow, so
 * the device is responsible for every lost frame.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

#define STREAM_QUIET_MS	10000	/* no frame for so long: failed */
#define STREAM_LATE_MS	1000	/* how long a frame that is late is waited for */

static uint8_t out_frame[VG_FRAME_MAX + 64];
static uint8_t in_frame[VG_FRAME_MAX + 64];

static const struct vg_layout *const stream_plain[] = {
	&vg_layout_plain, NULL
};

struct stream stream_make(struct rig *r, unsigned int dir, uint64_t count)
{
	return (struct stream){
		.rig = r, .dir = dir, .count = count,
		.min = VG_FRAME_MIN, .max = VG_FRAME_MTU, .window = 128,
		.layouts = stream_plain, .seed = 1 + dir,
	};
}

static size_t stream_build(struct stream *s, struct virtio_net_hdr *hdr)
{
	size_t len = vg_frame_len(s->sent, s->seed, s->min, s->max);

	vg_frame_build(out_frame, len, s->sent, s->seed, len > VG_FRAME_MTU,
		       hdr);
	return len;
}

/* The next frame at the far end into in_frame; not positive: there is none. */
static ssize_t stream_recv(struct stream *s)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr;

	if (s->dir == VG_TX)
		return vg_packet_recv(s->rig->far, &hdr, in_frame,
				      sizeof(in_frame));
	return vg_net_recv(&s->rig->net, &mrg, in_frame, sizeof(in_frame));
}

/*
 * Frame @seq arrived before an earlier one: finds out if that one is late or lost. Its
 * receiving socket may have counted a drop; a tap does not count its drops.
 */
static const char *stream_gap(struct stream *s, uint64_t seq)
{
	int socket = s->dir == VG_TX ? s->rig->far : s->rig->backend;
	uint64_t deadline = vg_deadline_ms(STREAM_LATE_MS), due = s->got, got;
	bool is_late = false;
	ssize_t len;

	while (!is_late && !vg_expired(deadline)) {
		if (s->dir == VG_RX)
			vg_net_fill(&s->rig->net);
		len = stream_recv(s);
		if (len > 0 && !vg_frame_check(in_frame, len, s->seed, &got))
			is_late = got == due;
		else
			poll(NULL, 0, 1);
	}
	return rig_fail(s->rig, "frame %llu came when %llu was due, which %s; socket dropped %u",
			(unsigned long long)seq, (unsigned long long)due,
			is_late ? "came later" : "did not come",
			vg_packet_drops(socket));
}

static int stream_check(struct stream *s, size_t len)
{
	const char *why;
	uint64_t seq;

	why = vg_frame_check(in_frame, len, s->seed, &seq);
	if (why)
		rig_fail(s->rig, "frame %llu of %zu bytes: %s",
			 (unsigned long long)s->got, len, why);
	else if (seq != s->got)
		why = stream_gap(s, seq);
	s->got++;
	return why ? -1 : 1;
}

static const struct vg_layout *stream_layout(const struct stream *s)
{
	unsigned int n = 0;

	while (s->layouts[n])
		n++;
	return s->layouts[s->sent % n];
}

static bool stream_may_send(const struct stream *s)
{
	return s->sent < s->count && s->sent - s->got < s->window;
}

static int tx_step(struct stream *s)
{
	struct vg_net *n = &s->rig->net;
	struct virtio_net_hdr hdr;
	bool sent = false;
	ssize_t len;
	int ret;

	ret = vg_net_reap(n);
	if (ret < 0)
		goto bad_ring;
	while (stream_may_send(s)) {
		size_t size = stream_build(s, &hdr);

		ret = vg_net_xmit(n, &hdr, out_frame, size, stream_layout(s));
		if (ret == -ENOSPC)
			break;
		if (ret)
			goto bad_ring;
		s->sent++;
		sent = true;
	}
	if (sent)
		vg_ring_kick(&n->ring[VG_TX]);
	ret = sent;
	while ((len = stream_recv(s)) > 0) {
		ret = stream_check(s, len);
		if (ret < 0)
			return ret;
	}
	return ret;

bad_ring:
	rig_fail(s->rig, "transmit ring: %s", strerror(-ret));
	return -1;
}

static int rx_step(struct stream *s)
{
	struct vg_net *n = &s->rig->net;
	struct virtio_net_hdr hdr;
	int ret = vg_net_fill(n) > 0;
	ssize_t len;

	while (stream_may_send(s)) {
		size_t size = stream_build(s, &hdr);

		len = vg_packet_send(s->rig->far, &hdr, out_frame, size);
		if (len == -EAGAIN)
			break;
		if (len < 0) {
			rig_fail(s->rig, "far side cannot send %zu bytes: %s",
				 size, strerror(-len));
			return -1;
		}
		s->sent++;
		ret = 1;
	}
	while ((len = stream_recv(s)) > 0) {
		ret = stream_check(s, len);
		if (ret < 0)
			return ret;
	}
	if (len < 0) {
		rig_fail(s->rig, "receive ring: %s", strerror(-len));
		return -1;
	}
	return ret;
}

int stream_step(struct stream *s)
{
	return s->dir == VG_TX ? tx_step(s) : rx_step(s);
}

static bool stream_done(const struct stream *s)
{
	return s->got == s->count;
}

/* Sleeps until there may be work; 0 when the time is over. */
static int stream_wait(struct stream *s, unsigned int nr, uint64_t deadline)
{
	struct vg_net *n = &s->rig->net;
	struct pollfd p[3] = { { .fd = s->rig->far, .events = POLLIN } };
	uint64_t now = vg_now_ns();
	bool ready = false;
	unsigned int i;
	int ret = 1;

	/* Only the rings in use: a test may have spoilt the other one. */
	for (i = 0; i < nr; i++) {
		ready |= vg_ring_arm(&n->ring[s[i].dir]);
		p[1 + i].fd = n->ring[s[i].dir].call_fd;
		p[1 + i].events = POLLIN;
	}
	if (!ready)
		ret = now < deadline ?
		      poll(p, 1 + nr, (deadline - now) / 1000000 + 1) : 0;
	for (i = 0; i < nr; i++) {
		struct vg_ring *ring = &n->ring[s[i].dir];

		ring->nr_calls += vg_eventfd_take(ring->call_fd);
		vg_ring_disarm(ring);
	}
	return ret;
}

static const char *stream_stuck(struct stream *s, unsigned int nr)
{
	struct rig *r = s->rig;
	char text[160] = "";
	unsigned int i;

	for (i = 0; i < nr; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 " %s sent %llu got %llu, %u chains out, err %llu;",
			 s[i].dir == VG_TX ? "tx" : "rx",
			 (unsigned long long)s[i].sent,
			 (unsigned long long)s[i].got,
			 r->net.ring[s[i].dir].nr_flight,
			 (unsigned long long)
			 vg_eventfd_take(r->net.err[s[i].dir]));
	return rig_fail(r, "nothing moves:%s far side dropped %u", text,
			vg_packet_drops(r->far));
}

size_t stream_frame(struct rig *r, unsigned int dir, uint64_t seq, void *frame,
		    struct virtio_net_hdr *hdr)
{
	struct stream s = stream_make(r, dir, seq + 1);
	size_t len;

	s.sent = seq;
	len = stream_build(&s, hdr);
	memcpy(frame, out_frame, len);
	return len;
}

const char *stream_run(struct stream *s, unsigned int nr)
{
	uint64_t deadline = vg_deadline_ms(STREAM_QUIET_MS);
	unsigned int i, done;
	int moved, ret;

	for (;;) {
		for (moved = 0, done = 0, i = 0; i < nr; i++) {
			ret = stream_step(&s[i]);
			if (ret < 0)
				return s->rig->why;
			moved |= ret;
			done += stream_done(&s[i]);
		}
		if (done == nr)
			break;
		if (moved)
			deadline = vg_deadline_ms(STREAM_QUIET_MS);
		else if (!stream_wait(s, nr, deadline))
			return stream_stuck(s, nr);
	}
	for (ret = 0, i = 0; i < nr && !ret; i++)
		if (s[i].dir == VG_TX)
			ret = vg_net_drain(&s->rig->net, deadline);
	if (ret)
		return rig_fail(s->rig, "frames came, their chains did not: %s",
				strerror(-ret));
	return NULL;
}

void stream_endless(struct stream s[2], struct rig *r)
{
	s[0] = stream_make(r, VG_TX, UINT64_MAX);
	s[1] = stream_make(r, VG_RX, UINT64_MAX);
}

const char *stream_load(struct stream s[2], uint64_t nr)
{
	uint64_t until[2] = { s[0].got + nr, s[1].got + nr };
	uint64_t deadline = vg_deadline_ms(2 * STREAM_QUIET_MS);
	int i;

	while (s[0].got < until[0] || s[1].got < until[1]) {
		for (i = 0; i < 2; i++)
			if (stream_step(&s[i]) < 0)
				return s[i].rig->why;
		if (vg_expired(deadline))
			return stream_stuck(s, 2);
		sched_yield();
	}
	return NULL;
}
