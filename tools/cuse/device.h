/* SPDX-License-Identifier: GPL-2.0-only */
/* A device: an open file of the node, and its vhost ioctls. */
#ifndef VDC_DEVICE_H
#define VDC_DEVICE_H

#include <linux/vhost.h>
#include <pthread.h>

#include "client.h"
#include "front.h"
#include "memory.h"
#include "pump.h"

/**
 * struct vdc_ring - a ring, as the client has set it up
 * @num: its size
 * @base: its position, while it does not run
 * @addr: addresses in the client
 * @kick: eventfd of the guest's kicks, or -1
 * @runs: it has a tap and has been started
 * @busy_us: argument of SET_VRING_BUSYLOOP_TIMEOUT
 */
struct vdc_ring {
	u32 num;
	u32 base;
	struct vhost_vring_addr addr;
	int kick;
	bool runs;
	u32 busy_us;
};

/**
 * struct vdc_device - an open file of the node
 * @lock: held for one ioctl; protects the fields below except @pump
 * @offered: features that the client may ack
 * @features: features that it has acked
 * @owner: its owner
 * @has_table: SET_MEM_TABLE has succeeded
 * @table: guest memory
 * @ring: the rings
 * @is_dead: the library or the thread does not respond any more
 * @front: control of the library's session
 * @pump: the thread that moves packets
 */
struct vdc_device {
	pthread_mutex_t lock; /* one ioctl */
	u64 offered;
	u64 features;
	struct vdc_owner owner;
	bool has_table;
	struct vdc_table table;
	struct vdc_ring ring[VDC_NR_RINGS];
	bool is_dead;
	struct vdc_front front;
	struct vdc_pump pump;
};

struct vdc_device *vdc_device_create(int *err);
void vdc_device_destroy(struct vdc_device *d);
int vdc_device_fail(struct vdc_device *d);

/* control.c */
int vdc_set_features(struct vdc_device *d, u64 features);
int vdc_set_owner(struct vdc_device *d, const struct vdc_client *c);
int vdc_reset_owner(struct vdc_device *d);
int vdc_set_mem_table(struct vdc_device *d, const struct vdc_client *c,
		      const struct vhost_memory *m);

/* ring.c: the index has been checked. */
int vdc_ring_start(struct vdc_device *d, unsigned int i);
int vdc_ring_stop(struct vdc_device *d, unsigned int i);
int vdc_set_vring_num(struct vdc_device *d, const struct vhost_vring_state *s);
int vdc_set_vring_base(struct vdc_device *d, const struct vhost_vring_state *s);
int vdc_get_vring_base(struct vdc_device *d, struct vhost_vring_state *s);
int vdc_set_vring_addr(struct vdc_device *d, const struct vhost_vring_addr *a);
int vdc_set_vring_busyloop(struct vdc_device *d,
			   const struct vhost_vring_state *s);
int vdc_set_vring_fd(struct vdc_device *d, const struct vdc_client *c,
		     const struct vhost_vring_file *f, u32 cmd);
int vdc_set_log_fd(const struct vdc_client *c, int log_fd);
int vdc_set_backend(struct vdc_device *d, const struct vdc_client *c,
		    const struct vhost_vring_file *f);

#endif
