/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_TAP_H
#define VGUEST_TAP_H

#include <net/if.h>
#include <stdbool.h>

/* Tap devices and the network namespace that hides them from the host. */

/* Newer than the headers of the oldest system this builds on. */
#define VG_IFF_BACKPRESSURE	0x0080

struct vg_tap {
	int fd;
	char name[IFNAMSIZ];
	unsigned int ifindex;
};

/* Moves this process into a new namespace, without IPv6's own traffic. */
int vg_netns_enter(void);

/* @hdr_len 0: bare frames. @multi: further queues through vg_tap_queue(). */
int vg_tap_open(struct vg_tap *tap, int hdr_len, bool multi);
/* The same with flags of TUNSETIFF; with IFF_TUN it is a tun. */
int vg_tap_open_flags(struct vg_tap *tap, int hdr_len, short flags);
/* True if this kernel supports the flag. */
bool vg_tap_can(short flag);
/* A new interface for the descriptor of one that was deleted. */
int vg_tap_renew(struct vg_tap *tap, int hdr_len);
/* One more queue of a multi-queue tap: a descriptor or -errno. */
int vg_tap_queue(const struct vg_tap *tap, int hdr_len);
void vg_tap_close(struct vg_tap *tap);

/* The file of a macvtap: a descriptor or -errno. */
int vg_macvtap_open(const char *name, int hdr_len);

int vg_tap_set_hdr_len(int fd, int hdr_len);
int vg_tap_set_sndbuf(int fd, int bytes);
/* Enables frames without a checksum, and large TCP frames, from the host. */
int vg_tap_set_offload(int fd, bool on);

int vg_link_set_up(const char *name, bool up);
int vg_link_set_mtu(const char *name, int mtu);
int vg_link_set_txqueuelen(const char *name, int len);
/* A veth pair; removed with the namespace. */
int vg_veth_create(const char *a, const char *b);

#endif
