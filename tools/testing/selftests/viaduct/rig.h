/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_RIG_H
#define VD_RIG_H

#include "../../../lib/vguest/frame.h"
#include "../../../lib/vguest/net.h"
#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "../../../lib/vguest/wait.h"

/*
 * A driver, a backend and the backend's far side, in a network namespace of
 * their own. All of it ends with the test's process.
 */

enum rig_backend {
	RIG_TAP,		/* tap; the far side is its own interface */
	RIG_PACKET,		/* raw socket on one end of a veth pair */
	RIG_MACVTAP,		/* macvtap on one end of a veth pair */
};

struct rig {
	struct vg_net net;
	struct vg_tap tap;
	int backend;		/* the device's backend */
	int far;		/* AF_PACKET at the other side */
	bool gso;		/* large frames may be sent whole */
	char link[IFNAMSIZ];	/* the interface at the far side */
	char why[256];		/* the last thing that went wrong */
};

/* NULL, or what went wrong. The header size follows from the features. */
const char *rig_open(struct rig *r, enum rig_backend kind,
		     const struct vg_net_opts *opts);
/* The same in the namespace of the caller: for many at once. */
const char *rig_open_here(struct rig *r, enum rig_backend kind,
			  const struct vg_net_opts *opts);
const char *rig_start(struct rig *r);
/*
 * Starts a stopped queue again, as a new driver does: with an empty ring in the
 * same place. Frames that wait at the tap or at the far side are lost.
 */
const char *rig_restart(struct rig *r, unsigned int q);
/*
 * Sets the far side's interface up, and opens the far side again, which drops its
 * frames and the error of an interface that was down or moved.
 */
const char *rig_reopen_far(struct rig *r);
/*
 * Enters a new network namespace and moves the tap there, where it is up. The far side
 * stays: open it again.
 */
const char *rig_move_tap(struct rig *r);
void rig_close(struct rig *r);
/* Formats the error message, as printf(), and returns it. */
const char *rig_fail(struct rig *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A stream of numbered frames in one direction. */
struct stream {
	struct rig *rig;
	unsigned int dir;	/* VG_TX or VG_RX */
	uint64_t count;		/* frames to move */
	size_t min, max;	/* their lengths */
	unsigned int window;	/* maximum number of frames in flight */
	const struct vg_layout *const *layouts; /* taken in turn, NULL-ended */
	uint32_t seed;
	uint64_t sent, got;	/* so far; got is also the next number */
};

struct stream stream_make(struct rig *r, unsigned int dir, uint64_t count);
/*
 * Moves all frames of all streams, checking each; fails when nothing arrives
 * for ten seconds. NULL or what went wrong.
 */
const char *stream_run(struct stream *s, unsigned int nr);
/* Builds frame @seq of a stream of stream_make(); returns its length. */
size_t stream_frame(struct rig *r, unsigned int dir, uint64_t seq, void *frame,
		    struct virtio_net_hdr *hdr);
/* Moves frames without waiting: 1 progress, 0 none, -1 failed. */
int stream_step(struct stream *s);

/*
 * stream_endless() makes two endless streams. stream_load() runs them until each
 * has moved @nr more frames, and leaves frames in flight.
 */
void stream_endless(struct stream s[2], struct rig *r);
const char *stream_load(struct stream s[2], uint64_t nr);

/* A single frame each way, outside of streams. */
const char *rig_far_send(struct rig *r, const void *frame, size_t len,
			 const struct virtio_net_hdr *hdr);
/* Receives a frame at the far side: its length, 0 after the deadline, or -errno. */
ssize_t rig_far_recv(struct rig *r, void *frame, size_t room,
		     struct virtio_net_hdr *hdr, uint64_t deadline);

#endif
