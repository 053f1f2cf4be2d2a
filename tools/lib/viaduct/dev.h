/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device: a connected front end, its memory and its rings.
 *
 * Lock keys:
 *   [c] constant after creation
 *   [s] the session's: only its dispatch accesses the field
 *   [v] the ring's lock: a burst holds it, and control for one change; control
 *       may read without it
 *   [a] atomic
 */
#ifndef VD_DEV_H
#define VD_DEV_H

#include <viaduct/backend.h>

#include "event.h"
#include "mem.h"
#include "proto.h"
#include "ring/ring.h"

struct vd_inflight;
struct vd_socket;

/**
 * struct vd_vring - a ring of a device
 * @dev: the device [c]
 * @idx: number of the ring [c]
 * @lock: held for one burst or one change [a]
 * @is_on: started and enabled, as last reported by vring_changed [s]
 * @enabled: SET_VRING_ENABLE [s]
 * @started: the engine's ring is complete and runs [v]
 * @broken: the ring failed a check; it must be started again [v]
 * @armed: kicks are enabled [v]
 * @num: size; 0 if it was not set [s]
 * @has_addr: @addr was set [s]
 * @is_lost: its areas were in memory when it started, but are no longer [s]
 * @has_kick: SET_VRING_KICK was received, with or without a descriptor [s]
 * @addr: addresses in the front end's address space [s]
 * @kick: eventfd of the guest's kicks, or -1 [v]
 * @call: eventfd that interrupts the guest, or -1 [v]
 * @err: eventfd signalled when the ring breaks, or -1 [v]
 * @wake: eventfd that ends viaduct_vring_wait(), or -1 until there is a wait [v]
 * @kick_event: makes the session's descriptor readable on a kick [s]
 * @hdr_len: length of the virtio-net header [v]
 * @mergeable: a packet may fill several buffers [v]
 * @csum: the guest accepts packets without a checksum [v]
 * @gso: accepted segmentation types, one bit each; see burst.h [v]
 * @log_all: writes to packet buffers are logged [v]
 * @ring: the engine's ring [v]
 * @mem: its view of guest memory [v]
 * @log: its access to the dirty log [v]
 * @inflight: in-flight state, while @started, if the front end keeps it [v]
 * @may_resume: the next start continues from the in-flight state [s]
 * @batch: fetched chains, while @started [v]
 * @taken: chains of @batch that hold a packet [v]
 * @stats: counters [v]
 */
struct vd_vring {
	struct viaduct_dev *dev;
	unsigned int idx;
	unsigned int lock;
	bool is_on;
	bool enabled;
	bool started;
	bool broken;
	bool armed;
	unsigned int num;
	bool has_addr;
	bool is_lost;
	bool has_kick;
	struct vhost_vring_addr addr;
	int kick;
	int call;
	int err;
	int wake;
	struct vd_event kick_event;
	u8 hdr_len;
	bool mergeable;
	bool csum;
	u8 gso;
	bool log_all;
	struct vd_ring ring;
	struct vd_mem mem;
	struct vd_dirty_log log;
	struct vd_inflight *inflight;
	bool may_resume;
	struct vd_batch *batch;
	unsigned int taken;
	struct viaduct_stats stats;
};

#define VD_REASON_LEN	160

/**
 * struct viaduct_dev - a device
 * @s: the session [c]
 * @socket: the socket that it came from, or NULL [c]
 * @next: next device of the session [s]
 * @fd: the connection [c]
 * @event: messages on @fd [s]
 * @msg: the message that is being received [s]
 * @offered: features offered [s]
 * @features: features acked [s]
 * @proto: protocol features acked [s]
 * @status: device status [s]
 * @mtu: MTU from the front end, or 0 [s]
 * @max_slots: memory regions that the front end may add [c]
 * @table: guest memory; engine's rings refer to it [v of all rings]
 * @log: the dirty log [v of all rings]
 * @inflight: memory for the state of rings, kept by the front end [s]
 * @inflight_queues: rings that it has room for [s]
 * @inflight_size: entries of each [s]
 * @faulted: a mapping was replaced after SIGBUS: no data is valid [a]
 * @dead: @reason is set; the connection must be closed [a]
 * @changed: a ring broke, so that vring_changed is due [a]
 * @is_new: new_device has accepted the device [s]
 * @reason: reason for the end of the connection
 * @data: the caller's
 * @nr_vrings: rings [c]
 * @vring: the rings
 */
struct viaduct_dev {
	struct viaduct_session *s;
	struct vd_socket *socket;
	struct viaduct_dev *next;
	int fd;
	struct vd_event event;
	struct vd_msg msg;
	u64 offered;
	u64 features;
	u64 proto;
	u8 status;
	u16 mtu;
	unsigned int max_slots;
	struct vd_table *table;
	struct vd_map log;
	struct vd_map inflight;
	u16 inflight_queues;
	u16 inflight_size;
	int faulted;
	int dead;
	int changed;
	bool is_new;
	char reason[VD_REASON_LEN];
	void *data;
	unsigned int nr_vrings;
	struct vd_vring vring[];
};

struct viaduct_dev *vd_dev_create(struct viaduct_session *s,
				  struct vd_socket *socket, int fd);
void vd_dev_destroy(struct viaduct_dev *dev);
int vd_dev_fail(struct viaduct_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int vd_dev_swap_table(struct viaduct_dev *dev, struct vd_table *table);
int vd_dev_swap_log(struct viaduct_dev *dev, struct vd_map *log);
void vd_dev_reset(struct viaduct_dev *dev);
int vd_dev_set_features(struct viaduct_dev *dev, u64 features);

/* conn.c */
void vd_conn_ready(struct vd_event *event, u32 events);

/* request.c: -1 if the connection must be closed. */
int vd_request(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_msg_take_fd(struct vd_msg *msg);

/* Check after guest memory was read: the data may not be the guest's. */
static inline bool vd_dev_has_faulted(const struct viaduct_dev *dev)
{
	return __atomic_load_n(&dev->faulted, __ATOMIC_RELAXED);
}

static inline bool vd_dev_has_proto(const struct viaduct_dev *dev,
				    enum vd_proto_feature f)
{
	return dev->proto >> f & 1;
}

#endif
