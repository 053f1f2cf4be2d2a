// SPDX-License-Identifier: GPL-2.0-only
/* A VXLAN tunnel over IPv6 that ends in a dummy device, made by ip(8). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tunnel.h"

/* The dummy device needs no neighbour discovery and no address check. */
static const char create[] =
	"set -e\n"
	"ip link add " VG_UNDERLAY " mtu 2000 type dummy\n"
	"echo 0 >/proc/sys/net/ipv6/conf/" VG_UNDERLAY "/disable_ipv6\n"
	"ip link set " VG_UNDERLAY " up\n"
	"ip addr add fd76::1/64 dev " VG_UNDERLAY " nodad\n"
	"ip link add " VG_TUNNEL " mtu 1500 type vxlan id 118 \\\n"
	"local fd76::1 remote fd76::2 dev " VG_UNDERLAY " dstport 4789\n"
	"ip link set " VG_TUNNEL " up\n";

int vg_tunnel_create(void)
{
	return system(create) ? -EIO : 0;
}

static const char nest[] =
	"set -e\n"
	"ip link set " VG_TUNNEL " mtu 1800\n"
	"echo 0 >/proc/sys/net/ipv6/conf/" VG_TUNNEL "/disable_ipv6\n"
	"ip addr add fd77::1/64 dev " VG_TUNNEL " nodad\n"
	"ip -6 neigh add fd77::2 lladdr 02:76:64:00:00:03 dev " VG_TUNNEL " nud permanent\n"
	"ip link add vdy mtu 1500 type vxlan id 119 \\\n"
	"local fd77::1 remote fd77::2 dev " VG_TUNNEL " dstport 4790\n"
	"ip link set vdy up\n";
static const char *port = VG_TUNNEL;

int vg_tunnel_nest(void)
{
	port = "vdy";
	return system(nest) ? -EIO : 0;
}

int vg_tunnel_bridge(const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		 "set -e\n"
		 "ip link add vdb type bridge\n"
		 "ip link set %s master vdb\n"
		 "ip link set %s master vdb\n"
		 "ip link set vdb up\n", port, name);
	return system(cmd) ? -EIO : 0;
}
