/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VSWITCH_H
#define VSWITCH_H

#include <linux/types.h>

/* Maps and counters that the XDP program and the command share. */

struct vswitch_key {
	__u8 mac[6];
	__u16 vlan;		/* 0: untagged */
};

struct vswitch_entry {
	__u32 ifindex;
	__u32 unused;
	__u64 seen;		/* CLOCK_MONOTONIC, ns; updated once a second */
};

enum vswitch_count {
	VSWITCH_SWITCHED,	/* redirected to another port */
	VSWITCH_GROUP,		/* left to the bridge: multicast, broadcast */
	VSWITCH_UNKNOWN,	/* left to it: destination not learned, or aged */
	VSWITCH_LONG,		/* left to it: longer than the MTU, as GSO is */
	VSWITCH_TAGGED,		/* left to it: VLAN not configured */
	VSWITCH_CLOSED,		/* left to it: destination is no open port */
	VSWITCH_LEARNED,	/* addresses learned */
	VSWITCH_MOVED,		/* addresses that came from another port */
	VSWITCH_REFUSED,	/* addresses beyond the limit of the port */
	VSWITCH_NR_COUNTS
};

/* Written by the command; the program adds to nr_macs until the next recount. */
struct vswitch_port {
	__u32 max_len;		/* of a frame that is switched to the port */
	__u32 nr_macs;		/* addresses behind it, recounted every second */
};

/* Of frames that came from a port. */
struct vswitch_counters {
	__u64 count[VSWITCH_NR_COUNTS];
};

#endif
