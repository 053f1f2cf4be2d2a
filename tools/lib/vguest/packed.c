// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packed ring (virtio 1.2, section 2.8): descriptors that the driver makes
 * available and the device overwrites when they are used, and an event
 * structure for each side.
 *
 * Barriers, by letter, with the device's partner:
 *  (A) descriptors before the flags of the first head that is new; the device
 *      reads the flags before the rest.
 *  (B) those flags before reading the device's event suppression; the device
 *      writes it, then reads the flags again.
 *  (C) flags of a used descriptor before the rest of it and buffers; the device
 *      writes them in the other order.
 *  (D) driver event suppression before reading the flags again; the device
 *      writes flags, then reads the suppression.
 */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "vring.h"

#define PACKED_AVAIL	(1U << VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	(1U << VRING_PACKED_DESC_F_USED)
#define PACKED_WRAP	(1U << VRING_PACKED_EVENT_F_WRAP_CTR)

static uint16_t load16(const __le16 *p, memory_order order)
{
	return le16toh(atomic_load_explicit((_Atomic uint16_t *)p, order));
}

static void store16(__le16 *p, uint16_t v, memory_order order)
{
	atomic_store_explicit((_Atomic uint16_t *)p, htole16(v), order);
}

static struct vring_packed_desc *desc_at(const struct vg_ring *r, uint16_t pos)
{
	return &r->pdesc[pos & (r->num - 1)];
}

/* The wrap counter is 1 in the first lap, and changes with each. */
static bool wrap_at(const struct vg_ring *r, uint16_t pos)
{
	return !(pos & r->num);
}

uint16_t vg_packed_code(const struct vg_ring *r, uint16_t pos)
{
	return (pos & (r->num - 1)) | (wrap_at(r, pos) ? PACKED_WRAP : 0);
}

static void packed_reset(struct vg_ring *r, uint16_t idx)
{
	unsigned int i;

	/* As if all descriptors up to @idx had been used. */
	for (i = 0; i < r->num; i++) {
		uint16_t pos = idx - r->num + i;

		*desc_at(r, pos) = (struct vring_packed_desc){
			.flags = htole16(wrap_at(r, pos) ?
					 PACKED_AVAIL | PACKED_USED : 0),
		};
	}
	*r->driver_event = (struct vring_packed_desc_event){ 0 };
	*r->device_event = (struct vring_packed_desc_event){ 0 };
}

static int table_fill(struct vg_ring *r, uint16_t id, const struct vg_seg *seg,
		      unsigned int nr)
{
	struct vring_packed_desc *t = (void *)vg_ring_table(r, id, nr);
	unsigned int i;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		t[i] = (struct vring_packed_desc){
			.addr = htole64(seg[i].gpa),
			.len = htole32(seg[i].len),
			.flags = htole16(r->table_flags |
					 (seg[i].write ? VRING_DESC_F_WRITE : 0)),
		};
	return 0;
}

/* One descriptor; the flags of the first new one wait for packed_show(). */
static void desc_write(struct vg_ring *r, const struct vg_seg *seg, uint16_t id,
		       uint16_t flags)
{
	struct vring_packed_desc *d = desc_at(r, r->avail_idx);

	flags |= wrap_at(r, r->avail_idx) ? PACKED_AVAIL : PACKED_USED;
	flags |= seg->write ? VRING_DESC_F_WRITE : 0;
	d->addr = htole64(seg->gpa);
	d->len = htole32(seg->len);
	d->id = htole16(id);
	if (r->avail_idx == r->shown_idx)
		r->first_flags = flags;
	else
		store16(&d->flags, flags, memory_order_relaxed);
	r->avail_idx++;
	r->nr_free--;
}

static int packed_add(struct vg_ring *r, const struct vg_seg *seg,
		      unsigned int nr, unsigned int nr_direct)
{
	bool indirect = nr_direct < nr;
	unsigned int slots = indirect ? nr_direct + 1 : nr, i;
	uint16_t id = r->stack[r->nr_ids - 1];

	if (indirect && table_fill(r, id, seg + nr_direct, nr - nr_direct))
		return -ENOMEM;
	r->nr_ids--;
	/* 2.8.6: the chain's id is in the last one; the others are unused. */
	for (i = 0; i < slots; i++) {
		bool more = i + 1 < slots;
		struct vg_seg s = { .gpa = r->table[id].gpa,
				    .len = 16 * (nr - nr_direct) };

		if (indirect && !more)
			desc_write(r, &s, id, VRING_DESC_F_INDIRECT);
		else
			desc_write(r, &seg[i], more ? ~id : id,
				   more ? VRING_DESC_F_NEXT : 0);
	}
	r->nr_desc[id] = slots;
	return id;
}

static void packed_show(struct vg_ring *r)
{
	if (r->shown_idx == r->avail_idx)
		return;
	/* (A) */
	store16(&desc_at(r, r->shown_idx)->flags, r->first_flags,
		memory_order_release);
}

static bool packed_wants_kick(const struct vg_ring *r, uint16_t old,
			      uint16_t new)
{
	uint16_t flags = load16(&r->device_event->flags, memory_order_acquire);
	uint16_t code, event, lap = 2 * r->num - 1;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	code = load16(&r->device_event->off_wrap, memory_order_relaxed);
	event = (code & (r->num - 1)) | (code & PACKED_WRAP ? 0 : r->num);
	return ((new - event - 1) & lap) < (uint16_t)(new - old);
}

static bool packed_has_used(const struct vg_ring *r)
{
	/* (C) */
	uint16_t flags = load16(&desc_at(r, r->used_idx)->flags,
				memory_order_acquire);
	bool avail = flags & PACKED_AVAIL, used = flags & PACKED_USED;

	return avail == used && used == wrap_at(r, r->used_idx);
}

static int packed_read_used(const struct vg_ring *r, struct vg_used *u)
{
	const struct vring_packed_desc *d = desc_at(r, r->used_idx);

	/* A descriptor used a lap ago looks the same: nothing is in flight. */
	if (!r->nr_flight || !packed_has_used(r))
		return 0;
	u->head = le16toh(d->id);
	u->len = le32toh(d->len);
	/* An id that is not in flight. */
	if (u->head >= r->num || !r->nr_desc[u->head])
		return -EIO;
	/* 2.8.3: the write flag is set if and only if bytes were written. */
	if (!(le16toh(d->flags) & VRING_DESC_F_WRITE) != !u->len)
		return -EIO;
	return 1;
}

static void packed_put_back(struct vg_ring *r, uint16_t id)
{
	r->stack[r->nr_ids++] = id;
	r->nr_free += r->nr_desc[id];
	r->nr_desc[id] = 0;
}

static void packed_arm_at(struct vg_ring *r, uint16_t idx)
{
	if (!r->event_idx) {
		store16(&r->driver_event->flags, VRING_PACKED_EVENT_FLAG_ENABLE,
			memory_order_relaxed);
		return;
	}
	store16(&r->driver_event->off_wrap, vg_packed_code(r, idx),
		memory_order_relaxed);
	store16(&r->driver_event->flags, VRING_PACKED_EVENT_FLAG_DESC,
		memory_order_release);
}

static void packed_disarm(struct vg_ring *r)
{
	store16(&r->driver_event->flags, VRING_PACKED_EVENT_FLAG_DISABLE,
		memory_order_relaxed);
}

const struct vg_ring_ops vg_packed_ops = {
	.reset = packed_reset,
	.add = packed_add,
	.show = packed_show,
	.wants_kick = packed_wants_kick,
	.has_used = packed_has_used,
	.read_used = packed_read_used,
	.put_back = packed_put_back,
	.arm_at = packed_arm_at,
	.disarm = packed_disarm,
};
