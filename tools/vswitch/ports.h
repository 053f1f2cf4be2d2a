/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VSWITCH_PORTS_H
#define VSWITCH_PORTS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* State of a bridge and its ports, from rtnetlink. */

enum port_state {
	PORT_OPEN,		/* frames may be switched to it */
	PORT_QUEUES,		/* several queues: frames would be reordered */
	PORT_BLOCKED,		/* spanning tree, or down */
	PORT_ISOLATED,
	PORT_STATIC,		/* locked, or does not learn: addresses are configured */
	PORT_FILTERED,		/* the bridge filters VLANs, which XDP does not */
};

struct port {
	unsigned int ifindex;
	char name[IFNAMSIZ];
	enum port_state state;
	unsigned int mtu;
};

/* A descriptor that is readable after links have changed, or -errno. */
int ports_open(void);
void ports_close(void);
/* Takes the messages that made it readable. */
void ports_take_events(void);
/* The taps of @bridge: their number, at most @max, or -errno. */
int ports_of(const char *bridge, struct port *ports, int max);
/* Frames from the port must take the bridge. */
bool port_is_closed(enum port_state state);
/* Why frames are not switched to a port. */
const char *port_reason(enum port_state state);
/*
 * Refreshes an address in the bridge's table. The bridge does not see frames that
 * are switched, and would otherwise expire the address and flood what is sent to it.
 */
int port_refresh(unsigned int ifindex, const uint8_t *mac);

#endif
