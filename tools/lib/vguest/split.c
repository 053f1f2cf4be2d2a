// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split ring: descriptor table, avail ring, used ring.
 *
 * Barriers, by letter, with the device's partner (virtio 1.2, 2.7.13 on):
 *  (A) descriptors and avail entry before avail->idx; the device reads the
 *      index before the entries.
 *  (B) avail->idx before reading the device's kick suppression; the device
 *      writes that, then reads the index again.
 *  (C) used->idx before used entries and buffers; the device writes them in
 *      the other order.
 *  (D) the driver's interrupt suppression before reading used->idx again; the
 *      device writes the index, then reads the suppression.
 */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "vring.h"

#define RING_NO_INTERRUPT	1	/* avail->flags */
#define RING_NO_NOTIFY		1	/* used->flags */

static uint16_t load16(const __virtio16 *p, memory_order order)
{
	return le16toh(atomic_load_explicit((_Atomic uint16_t *)p, order));
}

static void store16(__virtio16 *p, uint16_t v, memory_order order)
{
	atomic_store_explicit((_Atomic uint16_t *)p, htole16(v), order);
}

/* The two event words lie behind the rings. */
static __virtio16 *used_event(const struct vg_ring *r)
{
	return (__virtio16 *)&r->avail->ring[r->num];
}

static __virtio16 *avail_event(const struct vg_ring *r)
{
	return (__virtio16 *)&r->used->ring[r->num];
}

static void split_reset(struct vg_ring *r, uint16_t idx)
{
	memset(r->avail, 0, 6 + 2 * r->num);
	memset(r->used, 0, 6 + 8 * r->num);
	r->avail->idx = htole16(idx);
	r->used->idx = htole16(idx);
	if (r->event_idx)
		*used_event(r) = htole16(idx);
}

/* 2.7.9: in order the table's descriptors are taken one after the other. */
static uint16_t desc_next(const struct vg_ring *r)
{
	if (r->in_order)
		return r->desc_idx & (r->num - 1);
	return r->stack[r->nr_free - 1];
}

static uint16_t desc_take(struct vg_ring *r)
{
	uint16_t d = desc_next(r);

	r->nr_free--;
	r->desc_idx++;
	return d;
}

static void desc_set(struct vring_desc *d, const struct vg_seg *seg,
		     uint16_t flags, uint16_t next)
{
	d->addr = htole64(seg->gpa);
	d->len = htole32(seg->len);
	d->flags = htole16(flags | (seg->write ? VRING_DESC_F_WRITE : 0));
	d->next = htole16(next);
}

static int table_fill(struct vg_ring *r, uint16_t head,
		      const struct vg_seg *seg, unsigned int nr)
{
	struct vring_desc *t = vg_ring_table(r, head, nr);
	unsigned int i, slot, next;

	if (!t)
		return -ENOMEM;
	/* The chain begins at the first entry, in any order. */
	for (i = 0, slot = 0; i < nr; i++, slot = next) {
		bool more = i + 1 < nr;

		next = r->tables_backwards ? nr - 1 - i : i + 1;
		desc_set(&t[slot], &seg[i], more ? VRING_DESC_F_NEXT : 0,
			 more ? next : 0);
	}
	return 0;
}

static int split_add(struct vg_ring *r, const struct vg_seg *seg,
		     unsigned int nr, unsigned int nr_direct)
{
	bool indirect = nr_direct < nr;
	unsigned int slots = indirect ? nr_direct + 1 : nr, i;
	uint16_t head = desc_next(r), d;

	if (indirect && table_fill(r, head, seg + nr_direct, nr - nr_direct))
		return -ENOMEM;
	for (i = 0; i < slots; i++) {
		bool more = i + 1 < slots;
		uint16_t flags = more ? VRING_DESC_F_NEXT : 0;

		d = desc_take(r);
		r->next[d] = more ? desc_next(r) : 0;
		if (indirect && !more) {
			struct vg_seg s = { .gpa = r->table[head].gpa,
					    .len = 16 * (nr - nr_direct) };

			desc_set(&r->desc[d], &s, VRING_DESC_F_INDIRECT, 0);
		} else {
			desc_set(&r->desc[d], &seg[i], flags, r->next[d]);
		}
	}
	r->nr_desc[head] = slots;
	r->avail->ring[r->avail_idx++ & (r->num - 1)] = htole16(head);
	return head;
}

static void split_show(struct vg_ring *r)
{
	/* (A) */
	store16((__virtio16 *)&r->avail->idx, r->avail_idx,
		memory_order_release);
}

static bool split_wants_kick(const struct vg_ring *r, uint16_t old,
			     uint16_t new)
{
	if (r->event_idx)
		return vring_need_event(load16(avail_event(r),
					       memory_order_relaxed),
					new, old);
	return !(load16((__virtio16 *)&r->used->flags, memory_order_relaxed) &
		 RING_NO_NOTIFY);
}

static uint16_t split_nr_used(const struct vg_ring *r)
{
	/* (C) */
	return load16((__virtio16 *)&r->used->idx, memory_order_acquire) -
	       r->used_idx;
}

static bool split_has_used(const struct vg_ring *r)
{
	return split_nr_used(r);
}

static int split_read_used(const struct vg_ring *r, struct vg_used *u)
{
	uint16_t pending = split_nr_used(r);
	struct vring_used_elem *e;
	uint32_t id;

	if (!pending)
		return 0;
	e = (struct vring_used_elem *)&r->used->ring[r->used_idx & (r->num - 1)];
	id = le32toh(e->id);
	/* More chains than are in flight, or one that is not. */
	if (pending > r->nr_flight || id >= r->num || !r->nr_desc[id])
		return -EIO;
	u->head = id;
	u->len = le32toh(e->len);
	return 1;
}

static void split_put_back(struct vg_ring *r, uint16_t head)
{
	uint16_t d = head, n = r->nr_desc[head];

	for (; n; n--, d = r->next[d]) {
		if (!r->in_order)
			r->stack[r->nr_free] = d;
		r->nr_free++;
	}
	r->nr_desc[head] = 0;
}

static void split_arm_at(struct vg_ring *r, uint16_t idx)
{
	if (r->event_idx)
		store16(used_event(r), idx, memory_order_relaxed);
	else
		store16((__virtio16 *)&r->avail->flags, 0, memory_order_relaxed);
}

static void split_disarm(struct vg_ring *r)
{
	/* With event indices: an index that comes half a turn later. */
	if (r->event_idx)
		store16(used_event(r), r->used_idx + 0x8000,
			memory_order_relaxed);
	else
		store16((__virtio16 *)&r->avail->flags, RING_NO_INTERRUPT,
			memory_order_relaxed);
}

const struct vg_ring_ops vg_split_ops = {
	.reset = split_reset,
	.add = split_add,
	.show = split_show,
	.wants_kick = split_wants_kick,
	.has_used = split_has_used,
	.read_used = split_read_used,
	.put_back = split_put_back,
	.arm_at = split_arm_at,
	.disarm = split_disarm,
};
