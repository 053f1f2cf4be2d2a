// SPDX-License-Identifier: GPL-2.0-only
/* Rings of a port: set-up and notifications. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "port/ring.h"

#define VD_PORT_ALIGN	64
#define VD_PORT_WRAP	(1U << VRING_PACKED_EVENT_F_WRAP_CTR)

/* Each area starts at a cache line, and is large enough for both formats. */
static size_t vd_port_ring_align(size_t len)
{
	return (len + VD_PORT_ALIGN - 1) & ~(size_t)(VD_PORT_ALIGN - 1);
}

static size_t vd_port_ring_desc_len(unsigned int num)
{
	return vd_port_ring_align(num * sizeof(struct vring_desc));
}

/* The event word is behind the entries. */
static size_t vd_port_ring_avail_len(unsigned int num)
{
	return vd_port_ring_align(sizeof(struct vring_avail) +
				  (num + 1) * sizeof(u16));
}

static size_t vd_port_ring_used_len(unsigned int num)
{
	return vd_port_ring_align(sizeof(struct vring_used) +
				  num * sizeof(struct vring_used_elem) +
				  sizeof(u16));
}

/**
 * vd_port_ring_len() - memory of a ring
 * @num: its entries
 *
 * Return: bytes that vd_port_ring_init() needs.
 */
size_t vd_port_ring_len(unsigned int num)
{
	return vd_port_ring_desc_len(num) + vd_port_ring_avail_len(num) +
	       vd_port_ring_used_len(num);
}

/**
 * vd_port_ring_init() - an empty ring
 * @r: the ring
 * @memory: memory for it, aligned to a cache line
 * @num: entries, a power of two
 * @packed: its format
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 *
 * Return: 0 or -ENOMEM.
 */
int vd_port_ring_init(struct vd_port_ring *r, void *memory, unsigned int num,
		      bool packed, bool event_idx)
{
	unsigned int i;
	u8 *at = memory;

	*r = (struct vd_port_ring){
		.num = num, .nr_free = num, .packed = packed,
		.event_idx = event_idx, .kick = -1,
	};
	r->id = calloc(num, sizeof(*r->id));
	r->buf = calloc(num, sizeof(*r->buf));
	if (!r->id || !r->buf) {
		vd_port_ring_fini(r);
		return -ENOMEM;
	}
	memset(memory, 0, vd_port_ring_len(num));
	r->desc = (void *)at;
	at += vd_port_ring_desc_len(num);
	r->avail = (void *)at;
	at += vd_port_ring_avail_len(num);
	r->used = (void *)at;
	for (i = 0; i < num; i++) {
		r->id[i] = num - 1 - i;
		r->buf[i] = VD_PORT_NO_BUF;
	}
	vd_port_ring_disarm(r);
	return 0;
}

void vd_port_ring_fini(struct vd_port_ring *r)
{
	free(r->id);
	free(r->buf);
	r->id = NULL;
	r->buf = NULL;
}

/* Slot and wrap counter of a position. */
static u16 vd_port_packed_off_wrap(const struct vd_port_ring *r, u16 pos)
{
	return (pos & (r->num - 1)) | (pos & r->num ? 0 : VD_PORT_WRAP);
}

/* The base of a ring that is empty, for VHOST_SET_VRING_BASE. */
u32 vd_port_ring_base(const struct vd_port_ring *r)
{
	u32 off_wrap = vd_port_packed_off_wrap(r, 0);

	return r->packed ? off_wrap << 16 | off_wrap : 0;
}

static bool vd_port_packed_must_kick(const struct vd_port_ring *r, u16 old)
{
	u16 flags = vd_port_load16(&r->device_event->flags, __ATOMIC_ACQUIRE);
	u16 off_wrap, event, lap = 2 * r->num - 1;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	off_wrap = vd_port_load16(&r->device_event->off_wrap, __ATOMIC_RELAXED);
	event = (off_wrap & (r->num - 1)) |
		(off_wrap & VD_PORT_WRAP ? 0 : r->num);
	return ((r->avail_idx - event - 1) & lap) < (u16)(r->avail_idx - old);
}

static bool vd_port_split_must_kick(const struct vd_port_ring *r, u16 old)
{
	const void *avail_event = &r->used->ring[r->num];

	if (r->event_idx)
		return vring_need_event(vd_port_load16(avail_event,
						       __ATOMIC_RELAXED),
					r->avail_idx, old);
	return !(vd_port_load16(&r->used->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

/**
 * vd_port_ring_publish() - make added buffers available, and kick if necessary
 * @r: the ring
 */
void vd_port_ring_publish(struct vd_port_ring *r)
{
	u16 old = r->shown_idx;

	if (r->avail_idx == old)
		return;
	/* (A) */
	if (r->packed)
		vd_port_store16(&r->pdesc[old & (r->num - 1)].flags,
				r->first_flags, __ATOMIC_RELEASE);
	else
		vd_port_store16(&r->avail->idx, r->avail_idx, __ATOMIC_RELEASE);
	r->shown_idx = r->avail_idx;
	/* (B) */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->packed ? vd_port_packed_must_kick(r, old) :
			vd_port_split_must_kick(r, old)) {
		eventfd_write(r->kick, 1);
		r->kicks++;
	}
}

/**
 * vd_port_ring_arm() - enable the device's signal
 * @r: the ring
 * @after: used entries to wait for, of those that follow; less than are in
 *	   flight
 *
 * Return: whether there is a used entry.
 */
bool vd_port_ring_arm(struct vd_port_ring *r, u16 after)
{
	u16 pos = r->used_idx + after;

	if (!r->event_idx) {
		vd_port_store16(r->packed ? (void *)&r->driver_event->flags :
					    (void *)&r->avail->flags,
				0, __ATOMIC_RELAXED);
	} else if (r->packed) {
		vd_port_store16(&r->driver_event->off_wrap,
				vd_port_packed_off_wrap(r, pos),
				__ATOMIC_RELAXED);
		vd_port_store16(&r->driver_event->flags,
				VRING_PACKED_EVENT_FLAG_DESC, __ATOMIC_RELEASE);
	} else {
		vd_port_store16(&r->avail->ring[r->num], pos, __ATOMIC_RELAXED);
	}
	/* (D) */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vd_port_ring_has_used(r);
}

/* Suppress the device's signal; with an event index of a split ring for long. */
void vd_port_ring_disarm(struct vd_port_ring *r)
{
	if (r->packed)
		vd_port_store16(&r->driver_event->flags,
				VRING_PACKED_EVENT_FLAG_DISABLE,
				__ATOMIC_RELAXED);
	else if (r->event_idx)
		vd_port_store16(&r->avail->ring[r->num], r->used_idx + 0x8000,
				__ATOMIC_RELAXED);
	else
		vd_port_store16(&r->avail->flags, VRING_AVAIL_F_NO_INTERRUPT,
				__ATOMIC_RELAXED);
}
