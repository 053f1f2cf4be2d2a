// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split virtqueue (virtio 1.2, section 2.7) in memory: the location of its
 * fields, and the order in which they are read and written.
 *
 *   device                                   driver
 *
 *   read avail->idx                          write descriptors, avail->ring
 *   (A) read barrier                         write barrier (2.7.13.2.1)
 *   read avail->ring, descriptors            write avail->idx
 *
 *   write buffers, used->ring                read used->idx
 *   (B) write barrier                        read barrier (2.7.14)
 *   write used->idx                          read used->ring, buffers
 *
 *   write used->idx                          write used_event or avail->flags
 *   (C) full barrier                         full barrier (2.7.14)
 *   read used_event or avail->flags          read used->idx
 *
 *   write avail_event or used->flags         write avail->idx
 *   (D) full barrier, in vd_ring_arm()       full barrier (2.7.13.4.1)
 *   read avail->idx                          read avail_event or used->flags
 *
 * Without (C) or (D) each side can miss the last write of the other, and both
 * wait for ever.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/event.h"
#include "ring/log.h"
#include "ring/split.h"

/* Fields are little-endian, as in virtio 1 and on legacy x86 hosts. */
static __always_inline __le16 __user *
vd_split_avail_idx(const struct vd_ring *ring)
{
	return vd_area_at(&ring->driver, offsetof(struct vring_avail, idx));
}

static __always_inline __le16 __user *
vd_split_avail_flags(const struct vd_ring *ring)
{
	return vd_area_at(&ring->driver, offsetof(struct vring_avail, flags));
}

static __always_inline __le16 __user *
vd_split_avail_slot(const struct vd_ring *ring, u32 slot)
{
	return vd_area_at(&ring->driver,
			  offsetof(struct vring_avail, ring) +
			  sizeof(__le16) * slot);
}

/* 2.7.10: the driver's used_event follows the avail ring. */
static __always_inline __le16 __user *
vd_split_used_event(const struct vd_ring *ring)
{
	return vd_split_avail_slot(ring, ring->num);
}

/* Offsets in the device area. */
#define VD_SPLIT_USED_FLAGS	offsetof(struct vring_used, flags)
#define VD_SPLIT_USED_IDX	offsetof(struct vring_used, idx)

static __always_inline size_t vd_split_used_off(u32 slot)
{
	return offsetof(struct vring_used, ring) +
	       sizeof(struct vring_used_elem) * slot;
}

/* 2.7.10: the device's avail_event follows the used ring. */
static __always_inline size_t vd_split_avail_event(const struct vd_ring *ring)
{
	return vd_split_used_off(ring->num);
}

/**
 * vd_split_heads() - append the heads of available chains to a batch
 * @ring: the ring; only &vd_ring.seen_avail changes
 * @batch: receives the heads
 * @max: limit on their number; @batch must have room for them
 *
 * Context: on the owner's mm, may fault.
 * Return: the number of chains; in order, heads that the walk finds are not
 * filled in; -EFAULT; -EPROTO if the driver's index is more than the ring size
 * ahead.
 */
int vd_split_heads(struct vd_ring *ring, struct vd_batch *batch,
		   unsigned int max)
{
	struct vd_chain *chain = &batch->chain[batch->nr];
	/* In order, the walk finds all heads but the first. */
	unsigned int want = ring->in_order ? !ring->head_is_known : max;
	__le16 idx, head;
	unsigned int i;
	u16 seen, nr;

	if (!user_read_access_begin(ring->driver.base,
				    vd_area_window(&ring->driver,
						   vd_split_avail_size(ring))))
		return -EFAULT;
	unsafe_get_user(idx, vd_split_avail_idx(ring), fault);
	seen = le16_to_cpu(idx);
	nr = seen - ring->next_avail;
	if (nr > ring->num) {
		user_read_access_end();
		return -EPROTO;
	}
	smp_rmb(); /* (A) */
	max = min_t(unsigned int, nr, max);
	want = min(want, max);
	for (i = 0; i < want; i++) {
		u16 slot = (ring->next_avail + i) & (ring->num - 1);

		unsafe_get_user(head, vd_split_avail_slot(ring, slot), fault);
		chain[i].head = le16_to_cpu(head);
	}
	user_read_access_end();
	ring->seen_avail = seen;
	return max;

fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * Log @nr entries from index @idx on; they may wrap at the end of the ring. @nr
 * can exceed the ring size if a driver reuses slots too early.
 */
static void vd_split_log_entries(struct vd_ring *ring, u16 idx,
				 unsigned int nr)
{
	u16 slot = idx & (ring->num - 1);
	const size_t size = sizeof(struct vring_used_elem);
	unsigned int first;

	nr = min_t(unsigned int, nr, ring->num);
	first = min_t(unsigned int, nr, ring->num - slot);
	vd_ring_log(ring, &ring->device, vd_split_used_off(slot), first * size);
	if (nr > first)
		vd_ring_log(ring, &ring->device, vd_split_used_off(0), (nr - first) * size);
}

/* Write the pending entries; inside a window over the used area. */
static __always_inline int vd_split_write_pending(struct vd_ring *ring)
{
	const struct vd_area *area = &ring->device;
	const struct vd_used *e = ring->pending;
	const struct vd_used *end = e + ring->nr_pending;
	u16 idx = ring->written;

	for (; e < end; e++) {
		u16 slot = idx & (ring->num - 1);
		size_t off = vd_split_used_off(slot);

		unsafe_put_user(cpu_to_le32(e->id),
				(__le32 __user *)vd_area_at(area, off), fault);
		off += offsetof(struct vring_used_elem, len);
		unsafe_put_user(cpu_to_le32(e->len),
				(__le32 __user *)vd_area_at(area, off), fault);
		idx += e->nr_slots;
	}
	return 0;

fault:
	return -EFAULT;
}

/* The pending entries have been written to the ring. */
static void vd_split_pending_done(struct vd_ring *ring)
{
	if (ring->nr_pending)
		vd_split_log_entries(ring, ring->written,
				     (u16)(ring->used_idx - ring->written));
	ring->written = ring->used_idx;
	ring->nr_pending = 0;
}

/**
 * vd_split_flush() - write pending used entries without publishing them
 * @ring: the ring
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_split_flush(struct vd_ring *ring)
{
	int err;

	if (!user_write_access_begin(ring->device.base,
				     vd_area_window(&ring->device,
						    vd_split_used_size(ring))))
		return -EFAULT;
	err = vd_split_write_pending(ring);
	user_write_access_end();
	if (!err)
		vd_split_pending_done(ring);
	return err;
}

/*
 * Publish in one window. @field is used_event or avail->flags, or NULL without
 * a call eventfd. Inside a window no function may be called, not even by a
 * sanitizer that checks a bool or an array index.
 */
static __always_inline int vd_split_publish_window(struct vd_ring *ring,
						   const __le16 __user *field,
						   u16 *wish)
{
	__le16 val = 0;
	int err;

	err = vd_split_write_pending(ring);
	if (err)
		return err;
	smp_wmb(); /* (B) */
	unsafe_put_user(cpu_to_le16(ring->used_idx), vd_split_used_idx(ring),
			fault);
	if (field) {
		smp_mb(); /* (C) */
		unsafe_get_user(val, field, fault);
		*wish = le16_to_cpu(val);
	}
	return 0;

fault:
	return -EFAULT;
}

/**
 * vd_split_publish() - make all completed chains visible to the driver
 * @ring: the ring
 * @may_call: there is a call eventfd; without one no decision is made or
 *	      recorded
 *
 * Context: on the owner's mm, may fault.
 * Return: 1 if the driver wants an interrupt, 0 if not, or -EFAULT.
 */
int vd_split_publish(struct vd_ring *ring, bool may_call)
{
	const __le16 __user *field = NULL;
	u16 old = ring->published, wish = 0;
	int err;

	if (may_call)
		field = ring->event_idx ? vd_split_used_event(ring) :
					  vd_split_avail_flags(ring);
	/* The window is opened over one area; the other is checked here. */
	if (!access_ok(ring->driver.base,
		       vd_area_window(&ring->driver,
				      vd_split_avail_size(ring))) ||
	    !user_access_begin(ring->device.base,
			       vd_area_window(&ring->device,
					      vd_split_used_size(ring))))
		return -EFAULT;
	err = vd_split_publish_window(ring, field, &wish);
	user_access_end();
	if (err)
		return err;

	vd_split_pending_done(ring);
	vd_ring_log(ring, &ring->device, VD_SPLIT_USED_IDX, sizeof(__le16));
	ring->published = ring->used_idx;
	vd_event_lapse(ring, old);
	return may_call ? vd_event_should_call(ring, wish) : 0;
}

/**
 * vd_split_set_flags() - write used->flags
 * @ring: the ring
 * @flags: VRING_USED_F_NO_NOTIFY or 0
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_split_set_flags(struct vd_ring *ring, u16 flags)
{
	__le16 __user *at = vd_area_at(&ring->device, VD_SPLIT_USED_FLAGS);

	if (put_user(cpu_to_le16(flags), at))
		return -EFAULT;
	ring->told = flags;
	vd_ring_log(ring, &ring->device, VD_SPLIT_USED_FLAGS, sizeof(__le16));
	return 0;
}

/**
 * vd_split_set_event() - request a kick at a chain (2.7.10)
 * @ring: the ring
 * @idx: the chain's avail index: &vd_ring.seen_avail for the next; an index
 *	 that has been passed for no kick
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_split_set_event(struct vd_ring *ring, u16 idx)
{
	__le16 __user *at = vd_area_at(&ring->device,
				       vd_split_avail_event(ring));

	if (put_user(cpu_to_le16(idx), at))
		return -EFAULT;
	vd_ring_log(ring, &ring->device, vd_split_avail_event(ring), sizeof(__le16));
	return 0;
}

/**
 * vd_split_peek() - check whether the driver's index has moved
 * @ring: the ring; does not change
 *
 * Context: on the owner's mm, may fault.
 * Return: 1 if chains arrived since the last check, 0 if not, or -EFAULT.
 */
int vd_split_peek(struct vd_ring *ring)
{
	__le16 idx;

	if (get_user(idx, vd_split_avail_idx(ring)))
		return -EFAULT;
	return le16_to_cpu(idx) != ring->seen_avail;
}
