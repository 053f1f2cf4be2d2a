// SPDX-License-Identifier: GPL-2.0-only
/*
 * The used side of the split virtqueue (virtio 1.2, section 2.7.8): completed
 * chains are published here. The verbs are described in ring.h, the barriers in
 * split.h.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "ring/split.h"

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

static void vd_split_pending_done(struct vd_ring *ring)
{
	if (ring->nr_pending)
		vd_split_log_entries(ring, ring->written,
				     (u16)(ring->used_idx - ring->written));
	ring->written = ring->used_idx;
	ring->nr_pending = 0;
}

/* Write the pending entries without publishing them. */
int vd_split_flush(struct vd_ring *ring)
{
	int err;

	if (!user_write_access_begin(ring->device.base,
				     vd_area_window(&ring->device)))
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
 * sanitizer that checks a bool or an array index. Returns 0; -EFAULT with
 * nothing published; 1 if the index is published, but @field cannot be read.
 */
static __always_inline int vd_split_publish_window(struct vd_ring *ring,
						   const __le16 __user *field,
						   u16 *suppression)
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
		unsafe_get_user(val, field, fault_field);
		*suppression = le16_to_cpu(val);
	}
	return 0;

fault:
	return -EFAULT;

fault_field:
	return 1;
}

/*
 * 2.7.7: whether the driver must be interrupted for what was published.
 * @suppression is used_event with EVENT_IDX, else avail->flags, read after (C).
 */
static bool vd_split_should_call(struct vd_ring *ring, u16 suppression)
{
	/*
	 * NOTIFY_ON_EMPTY overrides suppression. It is not recorded as a
	 * decision, so the next decision covers this group too.
	 */
	if (ring->notify_on_empty && ring->next_avail == ring->seen_avail)
		return true;
	if (!ring->event_idx)
		return !(suppression & VRING_AVAIL_F_NO_INTERRUPT);
	return vd_event_is_passed(ring, suppression, 0xffff);
}

int vd_split_publish(struct vd_ring *ring, bool may_call)
{
	const __le16 __user *field = NULL;
	u16 old = ring->published, suppression = 0;
	int err;

	if (may_call)
		field = ring->event_idx ? vd_split_used_event(ring) :
					  vd_split_avail_flags(ring);
	/* The window is opened over one area; the other is checked here. */
	if (!access_ok(ring->driver.base,
		       vd_area_window(&ring->driver)) ||
	    !user_access_begin(ring->device.base,
			       vd_area_window(&ring->device)))
		return -EFAULT;
	err = vd_split_publish_window(ring, field, &suppression);
	user_access_end();
	if (err < 0)
		return err;

	vd_split_pending_done(ring);
	vd_ring_log(ring, &ring->device, VD_SPLIT_USED_IDX, sizeof(__le16));
	ring->published = ring->used_idx;
	vd_event_lapse(ring, old);
	if (err)
		return -EFAULT;
	return may_call ? vd_split_should_call(ring, suppression) : 0;
}
