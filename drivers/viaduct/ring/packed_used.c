// SPDX-License-Identifier: GPL-2.0-only
/*
 * The used side of the packed virtqueue (virtio 1.2, sections 2.8.8 and
 * 2.8.10): completed chains are published here. The verbs are described in
 * ring.h, the barriers in packed.h.
 */
#include <linux/errno.h>
#include <linux/uaccess.h>

#include "ring/packed.h"

/*
 * A used descriptor at @pos as one word: length, id, and flags: those of 2.8.1
 * and the write flag of 2.8.3.
 */
static __always_inline u64 vd_packed_used_word(const struct vd_ring *ring,
					       u16 pos, const struct vd_used *e)
{
	u64 word = e->len | (u64)e->id << 32;

	if (e->len)
		word |= (u64)VRING_DESC_F_WRITE << 48;
	if (!vd_packed_is_odd(ring, pos))
		word |= (u64)(VD_PACKED_AVAIL | VD_PACKED_USED) << 48;
	return word;
}

static __always_inline void __user *
vd_packed_used_at(const struct vd_ring *ring, u16 pos)
{
	return vd_area_at(&ring->desc, vd_packed_off(ring, pos) +
			  offsetof(struct vring_packed_desc, len));
}

/*
 * Write the pending used descriptors, except for the flags of the first one not
 * yet visible to the driver; inside a window over the ring.
 */
static __always_inline int vd_packed_write_pending(struct vd_ring *ring)
{
	const struct vd_used *e = ring->pending;
	const struct vd_used *end = e + ring->nr_pending;
	u16 pos = ring->written;

	if (e < end && pos == ring->published) {
		void __user *at = vd_packed_used_at(ring, pos);
		u64 word = vd_packed_used_word(ring, pos, e);

		ring->first_flags = word >> 48;
		unsafe_put_user(cpu_to_le32((u32)word), (__le32 __user *)at,
				fault);
		unsafe_put_user(cpu_to_le16((u16)(word >> 32)),
				(__le16 __user *)(at + sizeof(__le32)), fault);
		pos += e->nr_slots;
		e++;
	}
	for (; e < end; e++) {
		unsafe_put_user(cpu_to_le64(vd_packed_used_word(ring, pos, e)),
				(__le64 __user *)vd_packed_used_at(ring, pos),
				fault);
		pos += e->nr_slots;
	}
	return 0;

fault:
	return -EFAULT;
}

static void vd_packed_pending_done(struct vd_ring *ring)
{
	const struct vd_used *e = ring->pending;
	const struct vd_used *end = e + ring->nr_pending;

	for (; ring->is_logged && e < end; e++) {
		vd_ring_log(ring, &ring->desc,
			    vd_packed_off(ring, ring->written),
			    sizeof(struct vring_packed_desc));
		ring->written += e->nr_slots;
	}
	ring->written = ring->used_idx;
	ring->nr_pending = 0;
}

/* Write the pending descriptors without publishing them. */
int vd_packed_flush(struct vd_ring *ring)
{
	int err;

	if (!user_write_access_begin(ring->desc.base,
				     vd_area_window(&ring->desc)))
		return -EFAULT;
	err = vd_packed_write_pending(ring);
	user_write_access_end();
	if (!err)
		vd_packed_pending_done(ring);
	return err;
}

/*
 * Publish in one window; @may_call: also read driver event suppression. Returns
 * 0; -EFAULT with nothing published; 1 if all is published, but that cannot be
 * read.
 */
static __always_inline int
vd_packed_publish_window(struct vd_ring *ring, bool may_call,
			 struct vring_packed_desc_event *suppression)
{
	struct vring_packed_desc_event __user *driver;
	int err;

	err = vd_packed_write_pending(ring);
	if (err)
		return err;
	smp_wmb(); /* (B) */
	unsafe_put_user(cpu_to_le16(ring->first_flags),
			vd_packed_flags(ring, ring->published), fault);
	if (may_call) {
		driver = vd_area_at(&ring->driver, 0);
		smp_mb(); /* (C) */
		unsafe_get_user(suppression->flags, &driver->flags, fault_driver);
		/* The driver writes the event before flags that refer to it. */
		smp_rmb();
		unsafe_get_user(suppression->off_wrap, &driver->off_wrap,
				fault_driver);
	}
	return 0;

fault:
	return -EFAULT;

fault_driver:
	return 1;
}

/* 2.8.10: whether the driver must be interrupted. */
static bool vd_packed_should_call(struct vd_ring *ring,
				  const struct vring_packed_desc_event *suppression)
{
	u16 event = vd_packed_from_off_wrap(ring, le16_to_cpu(suppression->off_wrap));
	bool is_passed = true;

	/* Always record a decision: the driver may change its flags later. */
	if (ring->event_idx)
		is_passed = vd_event_is_passed(ring, event, 2 * ring->num - 1);
	switch (le16_to_cpu(suppression->flags)) {
	case VRING_PACKED_EVENT_FLAG_DISABLE:
		return false;
	case VRING_PACKED_EVENT_FLAG_DESC:
		return is_passed;
	}
	return true;
}

int vd_packed_publish(struct vd_ring *ring, bool may_call)
{
	struct vring_packed_desc_event suppression;
	u16 old = ring->published;
	int err;

	/* The window is opened over one area; the other is checked here. */
	if (!access_ok(ring->driver.base, VD_PACKED_EVENT_SIZE) ||
	    !user_access_begin(ring->desc.base,
			       vd_area_window(&ring->desc)))
		return -EFAULT;
	err = vd_packed_publish_window(ring, may_call, &suppression);
	user_access_end();
	if (err < 0)
		return err;

	vd_packed_pending_done(ring);
	vd_ring_log(ring, &ring->desc, vd_packed_off(ring, old),
		    sizeof(struct vring_packed_desc));
	ring->published = ring->used_idx;
	vd_event_lapse(ring, old);
	if (err)
		return -EFAULT;
	return may_call && vd_packed_should_call(ring, &suppression);
}
