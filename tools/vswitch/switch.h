/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VSWITCH_SWITCH_H
#define VSWITCH_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

/* The XDP program and the ports that it is attached to. */

/* Below the time for which a bridge keeps an address, 300 s. */
#define REFRESH_S	30

struct switch_options {
	unsigned int age;	/* seconds */
	unsigned int max_macs;	/* of a port */
	bool quiet;		/* do not print ports that come and go */
	uint8_t vlans[4096];	/* not 0: switched */
};

/* The clock of the XDP program. */
uint64_t switch_now_ns(void);
/* 0 or -errno. */
int switch_load(const struct switch_options *o);
/* Attaches to the taps of @bridge, and detaches from others: 0 or -errno. */
int switch_scan(const char *bridge);
/* Every second; @refresh: every REFRESH_S seconds. */
void switch_walk(bool refresh);
void switch_print_counters(void);
/* Detaches from all ports. */
void switch_unload(void);

#endif
