// SPDX-License-Identifier: GPL-2.0-only
/* A checked stream of packets through a port of libviaduct. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../lib/vguest/dev.h"
#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "../../../lib/vguest/wait.h"
#include "port_rig.h"

#define PORT_BURST	32
#define PORT_WINDOW	128	/* packets on their way, fewer than any queue holds */
#define PORT_QUIET_MS	10000

static uint8_t frame_buf[VG_FRAME_MAX + 64];

const char *port_rig_fail(struct port_rig *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return r->why;
}

static void keep_message(const char *message, void *ctx)
{
	struct port_rig *r = ctx;

	snprintf(r->message, sizeof(r->message), "%s", message);
}

struct viaduct_port_opts port_opts(struct port_rig *r)
{
	return (struct viaduct_port_opts){
		.size = sizeof(struct viaduct_port_opts),
		.device = vg_dev_path(),
		.name = "",
		.log = keep_message,
		.ctx = r,
	};
}

const char *port_rig_open(struct port_rig *r, const struct viaduct_port_opts *o)
{
	int ret;

	r->far = -1;
	r->is_tun = o->flags & VIADUCT_PORT_TUN;
	r->gso = o->offload;
	r->port = viaduct_port_open(o);
	if (!r->port)
		return port_rig_fail(r, "no port: %s", r->message);
	ret = vg_link_set_up(viaduct_port_name(r->port), true);
	if (ret)
		return port_rig_fail(r, "%s: %s", viaduct_port_name(r->port),
				     strerror(-ret));
	r->far = vg_packet_open(if_nametoindex(viaduct_port_name(r->port)), true);
	if (r->far < 0)
		return port_rig_fail(r, "no far side: %s", strerror(-r->far));
	return NULL;
}

void port_rig_close(struct port_rig *r)
{
	viaduct_port_close(r->port);
	r->port = NULL;
	if (r->far >= 0)
		close(r->far);
	r->far = -1;
}

static uint32_t port_seed(bool is_tx)
{
	return 5 + is_tx;
}

/*
 * Each flow has a TCP port of its own, by which an interface with several queues
 * chooses one. The ports of the directions differ, because a packet that is sent
 * moves the flow of its answers to its queue.
 */
size_t port_build(const struct port_rig *r, bool is_tx, uint64_t nr, void *packet,
		  struct virtio_net_hdr *hdr)
{
	uint64_t flow = nr % PORT_FLOWS;
	size_t len = vg_frame_len(nr, port_seed(is_tx), 96, !r->gso ? VG_FRAME_MTU :
				  VG_FRAME_MAX_STACK);
	bool is_ip = r->is_tun || r->gso || flow % 2 ||
		     viaduct_port_queues(r->port) > 1;

	vg_frame_build(frame_buf, len, nr, port_seed(is_tx), is_ip, hdr);
	if (is_ip) {
		frame_buf[ETH_HLEN + 21] = flow;
		frame_buf[ETH_HLEN + 22] = 8 + is_tx;
	}
	if (len <= VG_FRAME_MTU)
		memset(hdr, 0, sizeof(*hdr));
	if (!r->is_tun) {
		memcpy(packet, frame_buf, len);
		return len;
	}
	if (hdr->gso_type) {
		hdr->hdr_len -= ETH_HLEN;
		hdr->csum_start -= ETH_HLEN;
	}
	memcpy(packet, frame_buf + ETH_HLEN, len - ETH_HLEN);
	return len - ETH_HLEN;
}

int port_check(struct port_stream *s, const void *packet, size_t len)
{
	size_t at = s->rig->is_tun ? ETH_HLEN : 0;
	const char *why;
	uint64_t nr;

	if (len + at > sizeof(frame_buf)) {
		port_rig_fail(s->rig, "%zu bytes", len);
		return -1;
	}
	if (at)
		memcpy(frame_buf + 12, "\x08", 2);
	memcpy(frame_buf + at, packet, len);
	why = vg_frame_check(frame_buf, len + at, port_seed(s->is_tx), &nr);
	if (why) {
		port_rig_fail(s->rig, "packet %llu of %zu bytes: %s",
			      (unsigned long long)s->got, len, why);
		return -1;
	}
	if (s->may_lose ? nr / PORT_FLOWS < s->next[nr % PORT_FLOWS] :
			  nr / PORT_FLOWS != s->next[nr % PORT_FLOWS]) {
		port_rig_fail(s->rig, "flow %llu: number %llu came, %llu was due",
			      (unsigned long long)nr % PORT_FLOWS,
			      (unsigned long long)nr / PORT_FLOWS,
			      (unsigned long long)s->next[nr % PORT_FLOWS]);
		return -1;
	}
	s->next[nr % PORT_FLOWS] = nr / PORT_FLOWS + 1;
	s->got++;
	return 0;
}

static bool may_send(const struct port_stream *s)
{
	/* Packets of a program that was killed can still come. */
	return s->sent < s->count &&
	       (int64_t)(s->sent - s->got) < PORT_WINDOW;
}

/* A burst from one queue; flows stay with their queue. */
static int tx_burst(struct port_stream *s, unsigned int queue)
{
	struct viaduct_port *port = s->rig->port;
	unsigned int nr, n = 0, queues = viaduct_port_queues(port);
	struct viaduct_pkt pkt[PORT_BURST];
	int ret;

	nr = viaduct_port_alloc(port, queue, pkt, PORT_BURST);
	while (n < nr && may_send(s) && s->sent % queues == queue) {
		struct virtio_net_hdr hdr;

		pkt[n].len = port_build(s->rig, true, s->sent, pkt[n].data, &hdr);
		pkt[n].hdr = (struct viaduct_hdr){
			.flags = hdr.flags, .gso_type = hdr.gso_type,
			.hdr_len = hdr.hdr_len, .gso_size = hdr.gso_size,
			.csum_start = hdr.csum_start,
			.csum_offset = hdr.csum_offset,
		};
		n++;
		s->sent++;
		if (queues > 1)
			break;
	}
	ret = n ? viaduct_port_send(port, queue, pkt, n) : 0;
	if (ret >= 0 && viaduct_port_free(port, queue, pkt + ret, nr - ret))
		ret = -EINVAL;
	/* What found no room is built again. */
	s->sent -= ret >= 0 ? n - ret : 0;
	return ret;
}

static int tx_step(struct port_stream *s)
{
	struct virtio_net_hdr hdr;
	static uint8_t in[VG_FRAME_MAX + 64];
	unsigned int i;
	int moved = 0, ret;
	ssize_t len;

	for (i = 0; i < viaduct_port_queues(s->rig->port); i++) {
		ret = tx_burst(s, i);
		if (ret < 0) {
			port_rig_fail(s->rig, "send: %s", strerror(-ret));
			return -1;
		}
		moved += ret;
	}
	while ((len = vg_packet_recv(s->rig->far, &hdr, in, sizeof(in))) > 0) {
		if (port_check(s, in, len))
			return -1;
		moved++;
	}
	return moved;
}

static int far_send(struct port_stream *s)
{
	static uint8_t out[VG_FRAME_MAX + 64];
	struct virtio_net_hdr hdr;
	int nr = 0;

	while (may_send(s) && nr < PORT_BURST) {
		size_t size = port_build(s->rig, false, s->sent, out, &hdr);
		ssize_t len = vg_packet_send(s->rig->far, &hdr, out, size);

		if (len == -EAGAIN)
			break;
		if (len < 0) {
			port_rig_fail(s->rig, "far side cannot send %zu bytes: %s",
				      size, strerror(-len));
			return -1;
		}
		s->sent++;
		nr++;
	}
	return nr;
}

static int rx_burst(struct port_stream *s, unsigned int queue)
{
	struct viaduct_pkt pkt[PORT_BURST];
	int i, nr, ret = 0;

	nr = viaduct_port_receive(s->rig->port, queue, pkt, PORT_BURST);
	if (nr < 0) {
		port_rig_fail(s->rig, "receive: %s", strerror(-nr));
		return -1;
	}
	for (i = 0; i < nr && !ret; i++)
		ret = port_check(s, pkt[i].data, pkt[i].len);
	s->per_queue[queue] += nr;
	if (!ret && viaduct_port_free(s->rig->port, queue, pkt, nr)) {
		port_rig_fail(s->rig, "a received buffer cannot be freed");
		ret = -1;
	}
	return ret ? ret : nr;
}

int port_stream_step(struct port_stream *s)
{
	unsigned int i;
	int moved, ret;

	if (s->is_tx)
		return tx_step(s);
	moved = far_send(s);
	for (i = 0; i < viaduct_port_queues(s->rig->port) && moved >= 0; i++) {
		ret = rx_burst(s, i);
		moved = ret < 0 ? ret : moved + ret;
	}
	return moved;
}

/* Sleeps until a packet arrives on either side. */
static int port_sleep(struct port_rig *r, int ms)
{
	struct pollfd p[2] = {
		{ .fd = viaduct_port_fd(r->port), .events = POLLIN },
		{ .fd = r->far, .events = POLLIN },
	};
	unsigned int i;

	for (i = 0; i < viaduct_port_queues(r->port); i++)
		if (viaduct_port_arm(r->port, i, VIADUCT_PORT_RECEIVE))
			return 1;
	return poll(p, 2, ms);
}

const char *port_stream_run(struct port_stream *s, unsigned int nr)
{
	uint64_t deadline = vg_deadline_ms(PORT_QUIET_MS);
	unsigned int i, done;
	int moved, ret;

	for (;;) {
		for (moved = 0, done = 0, i = 0; i < nr; i++) {
			ret = port_stream_step(&s[i]);
			if (ret < 0)
				return s->rig->why;
			moved += ret;
			done += s[i].got == s[i].count;
		}
		if (done == nr)
			break;
		if (moved)
			deadline = vg_deadline_ms(PORT_QUIET_MS);
		else if (vg_expired(deadline))
			return port_rig_fail(s->rig, "stuck: sent %llu, got %llu, far lost %u",
					     (unsigned long long)s->sent,
					     (unsigned long long)s->got,
					     vg_packet_drops(s->rig->far));
		else
			port_sleep(s->rig, 100);
	}
	for (i = 0; i < viaduct_port_queues(s->rig->port); i++) {
		ret = viaduct_port_flush(s->rig->port, i, PORT_QUIET_MS);
		if (ret)
			return port_rig_fail(s->rig, "flush: %s", strerror(-ret));
	}
	return NULL;
}
