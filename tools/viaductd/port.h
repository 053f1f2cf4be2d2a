/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel holds for one front end: device descriptors and tap queues. */
#ifndef VDD_PORT_H
#define VDD_PORT_H

#include <linux/types.h>
#include <linux/vhost_types.h>
#include <net/if.h>
#include <stdbool.h>
#include <viaduct/backend.h>

#include "event.h"
#include "options.h"

struct vd_vring;

#define VDD_ERROR_LEN	160

/**
 * struct vdd_ring - the kernel's state of a ring
 * @v: the ring, as the front end has set it
 * @attached: a tap is attached: the kernel moves packets
 * @owes_call: the next call descriptor is signalled once
 * @addr: addresses here, while the ring is started
 * @err: eventfd that the kernel signals when the ring fails a check
 * @err_event: events of @err
 */
struct vdd_ring {
	struct vd_vring *v;
	bool attached;
	bool owes_call;
	struct vhost_vring_addr addr;
	int err;
	struct vd_event err_event;
};

/**
 * struct vdd_pair - a pair of rings
 * @vhost: device descriptor
 * @info: its /proc/self/fdinfo, or -1
 * @tap: queue of the tap
 * @tap_on: the queue is attached to the tap: it gets packets
 */
struct vdd_pair {
	int vhost;
	int info;
	int tap;
	bool tap_on;
};

/**
 * struct vdd_port - the kernel's side of a front end
 * @pairs: queue pairs
 * @tap: name of the tap
 * @multi_queue: the tap has IFF_MULTI_QUEUE
 * @features: virtio features of the kernel's data plane
 * @offload: TUN_F_* that the tap supports
 * @max_regions: memory regions that the kernel accepts
 * @tap_features: features that the tap was last set up for
 * @error: message of the last error of vdd_port_open()
 * @pair: the pairs
 * @ring: the rings, by their number in the protocol
 */
struct vdd_port {
	unsigned int pairs;
	char tap[IFNAMSIZ];
	bool multi_queue;
	__u64 features;
	unsigned int offload;
	unsigned int max_regions;
	__u64 tap_features;
	char error[VDD_ERROR_LEN];
	struct vdd_pair pair[VIADUCT_MAX_PAIRS];
	struct vdd_ring ring[2 * VIADUCT_MAX_PAIRS];
};

int vdd_port_open(struct vdd_port *port, const struct vdd_options *o);
void vdd_port_close(struct vdd_port *port);
int vdd_port_ring_error(const struct vdd_port *port, unsigned int idx);
int vdd_port_fail(struct vdd_port *port, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* tap.c */
int vdd_tap_open(struct vdd_port *port, const struct vdd_options *o);
int vdd_tap_set_features(struct vdd_port *port, __u64 features);
int vdd_tap_set_queue(struct vdd_port *port, unsigned int pair, bool on);

#endif
