/* SPDX-License-Identifier: GPL-2.0-only */
/* IOTLB misses that the client must resolve. */
#ifndef VD_GUEST_IOTLB_MISS_H
#define VD_GUEST_IOTLB_MISS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/* Misses that are prefetched along with the one that stopped a handler. */
#define VD_MAX_PREFETCH	32U

/**
 * struct vd_miss - an address that the IOTLB does not map
 * @iova: the I/O address
 * @perm: access that missed: VHOST_ACCESS_RO or _WO
 */
struct vd_miss {
	u64 iova;
	u8 perm;
};

/**
 * struct vd_miss_set - different misses, in the order of their occurrence
 * @nr: entries in @miss
 * @miss: no two are of the same page and access
 */
struct vd_miss_set {
	unsigned int nr;
	struct vd_miss miss[VD_MAX_PREFETCH];
};

/* An unread miss is not queued twice. One that was read is queued again if it
 * occurs again before its mapping arrives.
 */
enum vd_miss_state {
	VD_MISS_NONE,
	VD_MISS_UNREAD,
	VD_MISS_READ,
};

/**
 * struct vd_vq_misses - the IOTLB misses of a virtqueue
 * @node: node in &vd_misses.unread, if a miss is unread [m]
 * @state: state of @awaited [m]
 * @is_repeated: @awaited was read before and is queued again [m]
 * @awaited: the miss that the virtqueue waits for [m]
 * @nr_read: number of entries at the start of @prefetch that were read [m]
 * @prefetch: misses that the virtqueue does not wait for yet and that are not
 *	      resolved [m]
 *
 * [m]: &vd_misses.lock
 */
struct vd_vq_misses {
	struct list_head node;
	enum vd_miss_state state;
	bool is_repeated;
	struct vd_miss awaited;
	unsigned int nr_read;
	struct vd_miss_set prefetch;
};

/**
 * struct vd_misses - the IOTLB misses of a device
 * @lock: protects all fields, and the &struct vd_vq_misses of all virtqueues
 * @unread: virtqueues with unread misses, in the order of their turns
 * @wait: readers that wait for the next miss
 * @is_open: there is an IOTLB, so misses can occur
 */
struct vd_misses {
	spinlock_t lock; /* misses */
	struct list_head unread;
	wait_queue_head_t wait;
	bool is_open;
};

bool vd_miss_is_same(const struct vd_miss *a, const struct vd_miss *b);
int vd_miss_set_find(const struct vd_miss_set *set, const struct vd_miss *miss);
bool vd_miss_set_add(struct vd_miss_set *set, const struct vd_miss *miss);

void vd_misses_init(struct vd_misses *misses);
void vd_misses_open(struct vd_misses *misses, bool open);
bool vd_misses_is_open(struct vd_misses *misses);
bool vd_misses_has_unread(struct vd_misses *misses);
bool vd_misses_read(struct vd_misses *misses, struct vd_miss *miss);

void vd_miss_init(struct vd_vq_misses *vq);
void vd_miss_report(struct vd_misses *misses, struct vd_vq_misses *vq,
		    const struct vd_miss *miss,
		    const struct vd_miss_set *prefetch);
void vd_miss_report_aside(struct vd_misses *misses, struct vd_vq_misses *vq,
			  const struct vd_miss *miss);
bool vd_miss_resolve(struct vd_misses *misses, struct vd_vq_misses *vq,
		     u64 first, u64 last);
bool vd_miss_drop(struct vd_misses *misses, struct vd_vq_misses *vq);

#endif
