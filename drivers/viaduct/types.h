/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits and types shared by all layers.
 *
 * Lock keys used in the comments of struct fields:
 *   [c] constant after init       [d] the device's mutex
 *   [q] the queue's mutex: the worker holds it for one run, control for
 *       one change                [a] atomic
 *   [g] guest-writable memory: read once, then checked
 */
#ifndef VD_TYPES_H
#define VD_TYPES_H

#include <linux/build_bug.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/uio.h>

/* A u64 must hold a pointer, and must be read in one access. */
static_assert(sizeof(unsigned long) == sizeof(u64));

/* Number of 64-bit feature words. */
#define VD_FEATURE_WORDS	2

/* Chains handled between two reads of the avail index. */
#define VD_BATCH		64U

/* Pieces of one packet: the limit of sendmsg() and recvmsg(). */
#define VD_MAX_SEGS		1024U

/* Work of one handler run before it yields to other jobs. */
#define VD_RUN_PACKETS		256U
#define VD_RUN_BYTES		SZ_512K
#define VD_RUN_EMPTY		SZ_64K

/*
 * No socket takes a longer frame (17 fragments of 32 KiB at the very most),
 * so a longer chain is an oversize packet and never reaches the allocator.
 */
#define VD_MAX_FRAME_LEN	SZ_1M

/* Directions as the guest sees them; the values are the ABI's ring indices. */
enum vd_dir {
	VD_RX = 0,
	VD_TX = 1,
	VD_NR_QUEUES = 2,
};

#endif
