// SPDX-License-Identifier: GPL-2.0-only
/* Measurements other than the cost of a stream: memory, delays, and the tap alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../lib/vguest/frame.h"
#include "../lib/vguest/packet.h"
#include "../lib/vguest/wait.h"
#include "../lib/vguest/worker.h"
#include "bench.h"

/* Fewer than the tap can hold. */
#define FLOOR_BURST	250
/* Seconds after a burst until a device counts as idle. */
#define IDLE_S		10

/* Free memory of the machine in KiB, once it has settled. */
static long free_memory(void)
{
	char line[128];
	long kib = 0;
	FILE *f;

	usleep(500000);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "MemFree: %ld", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

/* @nr frames of @len, which the far socket holds until all are sent. */
static void burst(struct bench_dev *d, const struct bench_case *c,
		  unsigned int len, unsigned int nr)
{
	struct bench_case of_len = *c;
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	unsigned int i;

	of_len.len = len;
	bench_frame(&of_len, frame, &hdr);
	for (i = 0; i < nr; i++)
		while (vg_net_xmit(&d->net, &hdr, frame, len,
				   &vg_layout_plain)) {
			vg_ring_kick(&d->net.ring[VG_TX]);
			must(vg_net_drain(&d->net, vg_deadline_ms(5000)),
			     "burst");
		}
	vg_ring_kick(&d->net.ring[VG_TX]);
	must(vg_net_drain(&d->net, vg_deadline_ms(5000)), "burst");
	while (vg_packet_recv(d->far, &hdr, frame, sizeof(frame)) > 0)
		;
}

void bench_idle(const struct bench_case *c)
{
	struct bench_dev *d = calloc(c->devices, sizeof(*d));
	unsigned int i;
	long before;

	if (!d)
		die("no memory");
	for (i = 0; i < c->devices; i++) {
		bench_open(&d[i], c);
		burst(&d[i], c, 1400, c->hold);
		burst(&d[i], c, c->len, c->hold);
	}
	sleep(IDLE_S);
	/* Taps, guest memory and sockets stay: what is freed was the device's. */
	before = free_memory();
	for (i = 0; i < c->devices; i++) {
		must(vg_net_stop(&d[i].net), "SET_BACKEND");
		close(d[i].net.fd);
	}
	printf("{\"kib\": %.1f}\n",
	       (double)(free_memory() - before) / c->devices);
}

static int cmp(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* Median and 99th percentile of @nr delays. */
static void print_delays(uint64_t *ns, unsigned long nr)
{
	qsort(ns, nr, sizeof(*ns), cmp);
	printf("{\"median_us\": %.1f, \"p99_us\": %.1f}\n", ns[nr / 2] / 1e3,
	       ns[nr * 99 / 100] / 1e3);
}

static uint64_t *room_for(unsigned long nr)
{
	uint64_t *ns = calloc(nr, sizeof(*ns));

	if (!ns)
		die("no memory");
	return ns;
}

void bench_first(const struct bench_case *c)
{
	uint64_t *ns = room_for(c->count), start;
	struct virtio_net_hdr hdr;
	uint8_t frame[VG_FRAME_MTU];
	struct bench_dev d;
	unsigned long i;

	bench_frame(c, frame, &hdr);
	for (i = 0; i < c->count; i++) {
		start = vg_now_ns();
		bench_open(&d, c);
		must(vg_net_xmit(&d.net, &hdr, frame, c->len, &vg_layout_plain),
		     "transmit ring");
		vg_ring_kick(&d.net.ring[VG_TX]);
		must(vg_net_drain(&d.net, vg_deadline_ms(5000)), "first frame");
		ns[i] = vg_now_ns() - start;
		bench_close(&d);
	}
	print_delays(ns, c->count);
	free(ns);
}

static uint64_t delay_of_tx(struct bench_dev *d, const struct bench_case *c,
			    const uint8_t *frame,
			    const struct virtio_net_hdr *hdr)
{
	uint8_t got[VG_FRAME_MTU];
	uint64_t start;

	must(vg_net_xmit(&d->net, hdr, frame, c->len, &vg_layout_plain),
	     "transmit ring");
	start = vg_now_ns();
	vg_ring_kick(&d->net.ring[VG_TX]);
	while (vg_packet_recv(d->far, NULL, got, sizeof(got)) <= 0)
		if (vg_wait_fd(d->far, POLLIN, vg_deadline_ms(5000)) <= 0)
			die("the frame does not arrive");
	start = vg_now_ns() - start;
	must(vg_net_drain(&d->net, vg_deadline_ms(5000)), "used entry");
	return start;
}

static uint64_t delay_of_rx(struct bench_dev *d, const struct bench_case *c,
			    const uint8_t *frame)
{
	struct virtio_net_hdr_mrg_rxbuf hdr;
	uint8_t got[VG_FRAME_MTU];
	uint64_t start;

	vg_net_fill(&d->net);
	vg_ring_arm(&d->net.ring[VG_RX]);
	vg_eventfd_take(d->net.call[VG_RX]);
	start = vg_now_ns();
	must(vg_packet_send(d->far, NULL, frame, c->len), "packet socket");
	if (!vg_eventfd_wait(d->net.call[VG_RX], vg_deadline_ms(5000)))
		die("no call arrived");
	start = vg_now_ns() - start;
	while (vg_net_recv(&d->net, &hdr, got, sizeof(got)) > 0)
		;
	return start;
}

void bench_latency(struct bench_dev *d, const struct bench_case *c)
{
	uint64_t *ns = room_for(c->count);
	struct virtio_net_hdr hdr;
	uint8_t frame[VG_FRAME_MTU];
	unsigned long i;

	bench_frame(c, frame, &hdr);
	d->far = vg_packet_open(d->tap.ifindex, false);
	must(d->far, "packet socket");
	for (i = 0; i < c->count; i++) {
		/* Let the worker sleep: its wake-up is part of the delay. */
		usleep(500);
		ns[i] = c->rx ? delay_of_rx(d, c, frame) :
				delay_of_tx(d, c, frame, &hdr);
	}
	print_delays(ns, c->count);
	free(ns);
}

/* Time that this thread has run. */
static uint64_t own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Frames into the tap by its write(); what that cost. */
static uint64_t write_burst(struct bench_dev *d, const struct iovec *iov)
{
	uint64_t start = own_ns();
	int i;

	for (i = 0; i < FLOOR_BURST; i++)
		must(writev(d->tap.fd, iov, 2) < 0 ? -errno : 0, "tap");
	return own_ns() - start;
}

/* Frames out of it by its read(); how they came there is not counted. */
static uint64_t read_burst(struct bench_dev *d, const struct iovec *iov,
			   const struct bench_case *c)
{
	uint64_t start;
	int i;

	for (i = 0; i < FLOOR_BURST; i++)
		must(vg_packet_send(d->far, NULL, iov[1].iov_base, c->len),
		     "packet socket");
	start = own_ns();
	for (i = 0; i < FLOOR_BURST; i++)
		must(readv(d->tap.fd, iov, 2) < 0 ? -errno : 0, "tap");
	return own_ns() - start;
}

void bench_floor(const struct bench_case *c)
{
	struct virtio_net_hdr_mrg_rxbuf hdr = {};
	uint8_t frame[VG_FRAME_MTU];
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { frame, c->len } };
	unsigned long done;
	struct bench_dev d;
	uint64_t ran = 0;

	bench_frame(c, frame, &hdr.hdr);
	must(vg_tap_open(&d.tap, sizeof(hdr), false), "tap");
	must(vg_link_set_up(d.tap.name, true), d.tap.name);
	d.far = c->rx ? vg_packet_open(d.tap.ifindex, false) : -1;
	if (c->rx)
		must(d.far, "packet socket");
	for (done = 0; done < c->count; done += FLOOR_BURST) {
		uint64_t ns = c->rx ? read_burst(&d, iov, c) :
				      write_burst(&d, iov);

		/* The first warms up. */
		ran += done ? ns : 0;
	}
	printf("{\"worker_ns\": %.1f}\n", (double)ran / (done - FLOOR_BURST));
	vg_tap_close(&d.tap);
}
