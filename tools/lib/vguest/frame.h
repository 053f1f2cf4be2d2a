/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_FRAME_H
#define VGUEST_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Test frames: each says its number and its length, guards both with a
 * checksum, and is filled with pseudo-random bytes that follow from a seed and
 * the number, so that the receiver can detect lost, doubled, reordered, cut and
 * altered frames apart.
 *
 * A large frame is dressed as TCP over IPv4 with its checksum left to the
 * device, so that the host carries it whole; the others have an ethertype of
 * their own that the host drops after our socket has seen it.
 */

#define VG_FRAME_MIN		60
#define VG_FRAME_MTU		1514
#define VG_FRAME_MAX		65550	/* 64 KiB of TCP/IP and a header */
/* What a host's stack still sends whole: its frame must be below 64 KiB. */
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
