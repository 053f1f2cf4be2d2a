/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_FRAME_H
#define VGUEST_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Test frames: each contains its number and its length, with a checksum over
 * both, and is filled with pseudo-random bytes derived from a seed and the
 * number, so that the receiver can distinguish lost, duplicated, reordered,
 * truncated and altered frames.
 *
 * A large frame is a TCP segment over IPv4 with its checksum left to the
 * device, so that the host does not segment it; the others have an experimental
 * ethertype, which the host drops after the test's socket has received the
 * frame.
 */

#define VG_FRAME_MIN		60
#define VG_FRAME_MTU		1514
#define VG_FRAME_MAX		65550	/* 64 KiB of TCP/IP and a header */
/* The longest that a host's stack sends in one piece: below 64 KiB. */
#define VG_FRAME_MAX_STACK	65535

/* Fills @frame and its virtio header; @gso for a large one. */
void vg_frame_build(void *frame, size_t len, uint64_t seq, uint32_t seed,
		    bool gso, struct virtio_net_hdr *hdr);

/* NULL and the number, or what is wrong. */
const char *vg_frame_check(const void *frame, size_t len, uint32_t seed,
			   uint64_t *seq);

/*
 * A length for frame @seq: mostly uniform in its logarithm between the two
 * limits, and every few frames one of the edges.
 */
size_t vg_frame_len(uint64_t seq, uint32_t seed, size_t min, size_t max);

#endif
