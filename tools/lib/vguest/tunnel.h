/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_TUNNEL_H
#define VGUEST_TUNNEL_H

/*
 * A way out of this namespace through VXLAN over IPv6: vdx is the tunnel, vdu the
 * dummy device that its packets leave by. Outer headers take 70 bytes.
 */
#define VG_TUNNEL	"vdx"
#define VG_UNDERLAY	"vdu"

/* Creates both and brings them up: 0 or -EIO, with the message of ip(8). */
int vg_tunnel_create(void);
/* A tunnel in the tunnel, which takes its place on the bridge: 140 bytes. */
int vg_tunnel_nest(void);
/* A bridge of @name and the tunnel. Unicast frames cross it unshared. */
int vg_tunnel_bridge(const char *name);

#endif
