/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_PORT_RIG_H
#define VD_PORT_RIG_H

#include <viaduct/port.h>

#include "../../../lib/vguest/frame.h"

/*
 * A port of libviaduct on an interface, and a raw socket at the far side. Frames
 * are numbered within flows; of each flow, all must arrive unaltered and in
 * order, on whatever queue.
 */

#define PORT_FLOWS	64

struct port_rig {
	struct viaduct_port *port;
	int far;			/* AF_PACKET on the interface */
	bool is_tun;
	bool gso;			/* frames up to 64 KiB */
	char message[256];		/* of the library */
	char why[256];			/* the last thing that went wrong */
};

struct port_stream {
	struct port_rig *rig;
	bool is_tx;			/* from the port */
	uint64_t count, sent, got;
	uint64_t next[PORT_FLOWS];	/* number of the flow's next frame */
	uint64_t per_queue[4];		/* received by the port */
	bool may_lose;			/* numbers may be left out */
};

/* Defaults and $VD_DEVICE, messages to @r. */
struct viaduct_port_opts port_opts(struct port_rig *r);
/* NULL or what went wrong. */
const char *port_rig_open(struct port_rig *r, const struct viaduct_port_opts *o);
void port_rig_close(struct port_rig *r);
const char *port_rig_fail(struct port_rig *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Packet @nr of a stream: its length. */
size_t port_build(const struct port_rig *r, bool is_tx, uint64_t nr, void *packet,
		  struct virtio_net_hdr *hdr);
/* A packet that arrived: 0, or -1 and the reason in @rig. */
int port_check(struct port_stream *s, const void *packet, size_t len);
/* Moves packets as far as possible without waiting: their number, or -1. */
int port_stream_step(struct port_stream *s);
/* NULL or what went wrong; fails when nothing moves for ten seconds. */
const char *port_stream_run(struct port_stream *s, unsigned int nr);

#endif
