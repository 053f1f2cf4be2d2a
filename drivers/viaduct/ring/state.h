/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a virtqueue, private to the ring layer: other layers must use the
 * functions of ring.h and setup.h.
 */
#ifndef VD_RING_STATE_H
#define VD_RING_STATE_H

#include <linux/types.h>
#include <linux/virtio_ring.h>

#include "guest/dirty_log.h"
#include "ring/area.h"
#include "types.h"

/* 2.7: the largest ring. */
#define VD_RING_MAX_NUM		32768

/* Page tables of a ring with scattered areas. */
struct vd_ring_pages {
	void __user *desc[VD_AREA_NR_PAGES(VD_RING_MAX_NUM *
					   sizeof(struct vring_desc))];
	void __user *driver[VD_AREA_NR_PAGES(VD_RING_MAX_NUM * sizeof(__le16))];
	void __user *device[VD_AREA_NR_PAGES(VD_RING_MAX_NUM *
					     sizeof(struct vring_used_elem))];
};

/**
 * struct vd_used - used entry for one or more completed chains, not yet written
 * @len: bytes written into the last of them
 * @id: &vd_chain.head of the last of them
 * @nr_slots: slots of the ring that they occupy
 */
struct vd_used {
	u32 len;
	u16 id;
	u16 nr_slots;
};

/**
 * struct vd_ring - one virtqueue (virtio 1.2, sections 2.7 and 2.8)
 * @desc: descriptor area: the table, or the ring itself
 * @driver: driver area: avail ring, or the driver's event suppression structure
 * @device: device area: used ring, or the device's event suppression structure
 * @pages: page tables to translate I/O addresses; NULL for user addresses
 * @is_mapped: the areas can be accessed
 * @is_packed: the virtqueue format is packed
 * @in_order: VIRTIO_F_IN_ORDER is acked
 * @event_idx: VIRTIO_F_EVENT_IDX is acked
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY is acked
 * @num: ring size, a power of two up to 32768
 * @base_is_set: the next start takes its positions from @base
 * @base: start position, in the encoding of VHOST_SET_VRING_BASE
 * @next_avail: position of the next chain to fetch
 * @seen_avail: position up to which chains were available at the last check
 * @used_idx: position after the completed chains
 * @published: position up to which they are visible to the driver
 * @signalled: @published at the last interrupt decision
 * @signalled_valid: @signalled is valid
 * @nr_completed: completed chains that are not yet published
 * @kick_flags: notification flags last written to the device area
 * @head_is_known: in order, the next chain begins in slot @next_head
 * @next_head: valid if @head_is_known
 * @is_logged: writes to the ring are logged
 * @log_gpa: guest physical address of the device area, for the log of a split
 *	     ring without an IOTLB (log.c)
 * @log: the queue's dirty log [c]
 * @may_merge: in order, the next used entry may replace the last one
 * @nr_pending: entries in @pending
 * @written: position of the first entry in @pending
 * @first_flags: packed only: flags for slot @published; writing them publishes
 *		 all completed chains
 * @pending: used entries that are not yet written to the ring
 *
 * All [q] unless marked. Positions are free-running: the slot is the position
 * modulo @num.
 */
struct vd_ring {
	struct vd_area desc;
	struct vd_area driver;
	struct vd_area device;
	struct vd_ring_pages *pages;
	bool is_mapped;
	bool is_packed;
	bool in_order;
	bool event_idx;
	bool notify_on_empty;
	u16 num;
	bool base_is_set;
	u32 base;

	u16 next_avail;
	u16 seen_avail;
	u16 used_idx;
	u16 published;
	u16 signalled;
	bool signalled_valid;
	u16 nr_completed;
	u16 kick_flags;
	bool head_is_known;
	u16 next_head;

	bool is_logged;
	u64 log_gpa;
	struct vd_dirty_log *log;
	bool may_merge;
	u16 written;
	u16 first_flags;
	unsigned int nr_pending;
	struct vd_used pending[VD_BATCH];
};

/*
 * Interrupt decisions by an event index (virtio 1.2, sections 2.7.7 and 2.8.10),
 * for both virtqueue formats. One decision per group of published chains.
 */

/*
 * To be called when the published index has advanced from @old. Without a call
 * eventfd no decisions are made, and the 16-bit index may wrap past that of the
 * last decision, which would then appear to lie ahead.
 */
static inline void vd_event_lapse(struct vd_ring *ring, u16 old)
{
	u16 new = ring->published;

	if ((u16)(new - ring->signalled) < (u16)(new - old))
		ring->signalled_valid = false;
}

/*
 * Record a decision. Returns true if the position @event, of which the bits in
 * @mask are valid, was published since the last decision, or if there was none.
 */
static inline bool vd_event_is_passed(struct vd_ring *ring, u16 event, u16 mask)
{
	u16 new = ring->published, since = new - ring->signalled;
	bool valid = ring->signalled_valid;

	ring->signalled = new;
	ring->signalled_valid = true;
	return !valid || (u16)((new - event - 1) & mask) < since;
}

void vd_ring_log_write(struct vd_ring *ring, const struct vd_area *area,
		       size_t off, size_t len);

/*
 * Log a write of @len bytes at offset @off of the descriptor or device area. May
 * fault, so it must not be called inside a user-access window.
 */
static inline void vd_ring_log(struct vd_ring *ring, const struct vd_area *area,
			       size_t off, size_t len)
{
	if (unlikely(ring->is_logged))
		vd_ring_log_write(ring, area, off, len);
}

#endif
