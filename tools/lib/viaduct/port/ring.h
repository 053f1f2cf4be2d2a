/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a virtqueue in which each packet is one descriptor.
 *
 * Positions are free-running: the slot is the position modulo @num, and the
 * wrap counter of a packed ring is the bit above.
 *
 * Barriers, by letter, with their partners in the device:
 *  (A) Write descriptors before they become available.
 *  (B) Make them available before the device's event is read. The device writes
 *      its event, then checks for descriptors again.
 *  (C) Read that an entry is used before the entry and its buffer.
 *  (D) Write the driver's event before used entries are checked again. The
 *      device marks entries used, then reads the event.
 *
 * One thread at a time. What the device writes is read once and checked.
 */
#ifndef VD_PORT_RING_H
#define VD_PORT_RING_H

#include <linux/kernel.h>
#include <linux/virtio_ring.h>

#define VD_PORT_NO_BUF	(~0U)

/**
 * struct vd_port_ring - a virtqueue
 * @desc: descriptors of a split ring
 * @pdesc: descriptors of a packed ring
 * @avail: what is available, of a split ring
 * @driver_event: when the device must signal, of a packed ring
 * @used: what was used, of a split ring
 * @device_event: when the driver must kick, of a packed ring
 * @num: entries, a power of two
 * @packed: the ring's format
 * @event_idx: events are positions, not flags
 * @broken: the device returned a buffer that it did not hold
 * @avail_idx: position that the next descriptor gets
 * @shown_idx: positions before it are available to the device
 * @used_idx: position of the next used entry
 * @seen_idx: used index as last read, of a split ring
 * @first_flags: flags that make the descriptor at @shown_idx available, of a
 *		 packed ring
 * @nr_free: identifiers in @id
 * @id: stack of identifiers that are not in use
 * @buf: by identifier, its buffer, or VD_PORT_NO_BUF
 * @kick: eventfd by which the device is signalled
 * @kicks: signals to the device
 */
struct vd_port_ring {
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *pdesc;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	u16 num;
	bool packed;
	bool event_idx;
	bool broken;
	u16 avail_idx;
	u16 shown_idx;
	u16 used_idx;
	u16 seen_idx;
	u16 first_flags;
	u16 nr_free;
	u16 *id;
	u32 *buf;
	int kick;
	u64 kicks;
};

size_t vd_port_ring_len(unsigned int num);
int vd_port_ring_init(struct vd_port_ring *r, void *memory, unsigned int num,
		      bool packed, bool event_idx);
void vd_port_ring_fini(struct vd_port_ring *r);
u32 vd_port_ring_base(const struct vd_port_ring *r);
void vd_port_ring_publish(struct vd_port_ring *r);
bool vd_port_ring_arm(struct vd_port_ring *r, u16 after);
void vd_port_ring_disarm(struct vd_port_ring *r);

static inline u16 vd_port_load16(const void *word, int order)
{
	return le16_to_cpu(__atomic_load_n((const u16 *)word, order));
}

static inline void vd_port_store16(void *word, u16 value, int order)
{
	__atomic_store_n((u16 *)word, cpu_to_le16(value), order);
}

/* The flags of a descriptor at @pos that is available, or used. */
static inline u16 vd_port_packed_avail(const struct vd_port_ring *r, u16 pos)
{
	return pos & r->num ? 1U << VRING_PACKED_DESC_F_USED :
			      1U << VRING_PACKED_DESC_F_AVAIL;
}

static inline u16 vd_port_packed_used(const struct vd_port_ring *r, u16 pos)
{
	return pos & r->num ? 0 : 1U << VRING_PACKED_DESC_F_USED |
				  1U << VRING_PACKED_DESC_F_AVAIL;
}

/* Descriptors with the device, or used and not yet taken. */
static inline u16 vd_port_ring_in_flight(const struct vd_port_ring *r)
{
	return r->num - r->nr_free;
}

static inline void vd_port_packed_add(struct vd_port_ring *r, u64 addr, u32 len,
				      u16 flags, u16 id)
{
	struct vring_packed_desc *d = &r->pdesc[r->avail_idx & (r->num - 1)];

	flags |= vd_port_packed_avail(r, r->avail_idx);
	d->addr = cpu_to_le64(addr);
	d->len = cpu_to_le32(len);
	d->id = cpu_to_le16(id);
	/* The first descriptor must be the last that becomes available. */
	if (r->avail_idx == r->shown_idx)
		r->first_flags = flags;
	else
		vd_port_store16(&d->flags, flags, __ATOMIC_RELAXED);
}

static inline void vd_port_split_add(struct vd_port_ring *r, u64 addr, u32 len,
				     u16 flags, u16 id)
{
	r->desc[id] = (struct vring_desc){
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le32(len),
		.flags = cpu_to_le16(flags),
	};
	r->avail->ring[r->avail_idx & (r->num - 1)] = cpu_to_le16(id);
}

/**
 * vd_port_ring_add() - add a buffer, which vd_port_ring_publish() makes available
 * @r: ring with a free descriptor
 * @addr: the buffer
 * @len: bytes of it
 * @flags: VRING_DESC_F_WRITE if the device writes to it, or 0
 * @buf: number of the buffer
 */
static inline void vd_port_ring_add(struct vd_port_ring *r, void *addr, u32 len,
				    u16 flags, u32 buf)
{
	u16 id = r->id[--r->nr_free];

	if (r->packed)
		vd_port_packed_add(r, (uintptr_t)addr, len, flags, id);
	else
		vd_port_split_add(r, (uintptr_t)addr, len, flags, id);
	r->buf[id] = buf;
	r->avail_idx++;
}

/* Whether there is a used entry. */
static inline bool vd_port_ring_has_used(struct vd_port_ring *r)
{
	u16 mask = 1U << VRING_PACKED_DESC_F_USED |
		   1U << VRING_PACKED_DESC_F_AVAIL;

	if (r->packed)
		/* (C) */
		return (vd_port_load16(&r->pdesc[r->used_idx & (r->num - 1)].flags,
				       __ATOMIC_ACQUIRE) & mask) ==
		       vd_port_packed_used(r, r->used_idx);
	if (r->seen_idx == r->used_idx)
		/* (C) */
		r->seen_idx = vd_port_load16(&r->used->idx, __ATOMIC_ACQUIRE);
	return r->seen_idx != r->used_idx;
}

/**
 * vd_port_ring_get() - take a used buffer
 * @r: the ring
 * @len: set to the bytes that the device wrote
 *
 * Return: the buffer's number, or VD_PORT_NO_BUF if there is none or the ring is
 * broken.
 */
static inline u32 vd_port_ring_get(struct vd_port_ring *r, u32 *len)
{
	u32 id, buf;

	if (!vd_port_ring_has_used(r))
		return VD_PORT_NO_BUF;
	if (r->packed) {
		const struct vring_packed_desc *d =
			&r->pdesc[r->used_idx & (r->num - 1)];

		id = le16_to_cpu(READ_ONCE(d->id));
		*len = le32_to_cpu(READ_ONCE(d->len));
	} else {
		const struct vring_used_elem *e =
			&r->used->ring[r->used_idx & (r->num - 1)];

		id = le32_to_cpu(READ_ONCE(e->id));
		*len = le32_to_cpu(READ_ONCE(e->len));
	}
	buf = id < r->num ? r->buf[id] : VD_PORT_NO_BUF;
	if (unlikely(buf == VD_PORT_NO_BUF)) {
		r->broken = true;
		return VD_PORT_NO_BUF;
	}
	r->buf[id] = VD_PORT_NO_BUF;
	r->id[r->nr_free++] = id;
	r->used_idx++;
	return buf;
}

#endif
