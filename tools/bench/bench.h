/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_H
#define BENCH_H

#include "../lib/vguest/net.h"
#include "../lib/vguest/tap.h"

/* One measurement: the load, and its cost. */

struct bench_case {
	bool tx, rx;			/* from the guest, to the guest */
	bool indirect, mergeable;
	bool notify;			/* the driver sleeps until it is called */
	bool wake;			/* the worker runs for each packet */
	bool gather;			/* packets wait before there is room */
	bool turns;			/* bursts from a second tap on a bridge */
	bool xdp;			/* an XDP program drops, not the stack */
	bool alternate;			/* buffers lie in two regions, in turns */
	bool tunnel;			/* frames leave through VXLAN/IPv6 */
	unsigned int hold;		/* frames that a socket keeps, 0: none */
	unsigned int len;		/* bytes of a frame; over 1514: GSO */
	unsigned int ring;		/* entries */
	unsigned int regions;		/* of the memory table */
	unsigned int devices;		/* taking turns */
	unsigned int workers;		/* 2: each ring has its own */
	unsigned long count;		/* frames */
	uint64_t ns;			/* of the measurement, 0: by @count */
};

struct bench_result {
	unsigned long packets;
	uint64_t worker_ns;		/* run time of all workers */
	uint64_t wall_ns;
};

struct bench_dev {
	struct vg_net net;
	struct vg_tap tap;
	int far;			/* source of frames that pktgen cannot send, or
					 * the socket that holds frames
					 */
	struct vg_tap second;		/* source of bursts */
	unsigned int held;		/* frames in it */
};

/* Each ends the process, with a message, when something fails. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The regions of the memory table, and the order of buffers in them. */
void bench_memory(struct vg_net *n, const struct bench_case *c);
void bench_open(struct bench_dev *d, const struct bench_case *c);
void bench_close(struct bench_dev *d);
void bench_stream(struct bench_dev *d, const struct bench_case *c,
		  struct bench_result *r);
/* Frames wait in the tap until the guest has room for all of them. */
void bench_gathered(struct bench_dev *d, const struct bench_case *c,
		    struct bench_result *r);
/* Frames come in bursts, each of which the guest takes before the next. */
void bench_turns(struct bench_dev *d, const struct bench_case *c,
		 struct bench_result *r);
void bench_frame(const struct bench_case *c, uint8_t *frame,
		 struct virtio_net_hdr *hdr);
/* Ends the process when @ret is an error. */
void must(int ret, const char *what);

/* From one device to another, by a bridge or by viaduct-vswitch. */
void bench_pair(const struct bench_case *c, bool with_switch,
		struct bench_result *r);

/*
 * Measurements other than the cost of a stream. Each prints its own line.
 * Memory of a device that has done nothing since a burst of frames.
 */
void bench_idle(const struct bench_case *c);
/* From open to the first frame that is sent. */
void bench_first(const struct bench_case *c);
/* From the kick until the frame is on the wire; or from there to the call. */
void bench_latency(struct bench_dev *d, const struct bench_case *c);
/* The cost of the tap alone: this process reads and writes it. */
void bench_floor(const struct bench_case *c);

/* Sends frames into the interface from now on, as fast as possible. */
void source_start(const struct bench_dev *d, unsigned int len);
void source_stop(void);
/* A tap from which frames come to the device's, through a bridge. */
void source_bridge(struct bench_dev *d);
/* @nr frames from there: @nr. */
int source_burst(const struct bench_dev *d, const uint8_t *frame,
		 unsigned int len, int nr);
/* All frames from the device are dropped before they reach the stack. */
void xdp_drop_all(unsigned int ifindex);

#endif
