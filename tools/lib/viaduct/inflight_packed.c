// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-flight state of a packed ring, while it runs.
 *
 *   fetch     copy the descriptors of the chains, mark each chain, then take the
 *	       entries off the free list: heads (n, n)
 *   publish   1. free the entries of the batch: heads (0, n); n is now the number
 *		  of used ones, as the other chains have been returned
 *	       2. advance the position: place (new, old)
 *	       3. write used descriptors, the flags of the first at last
 *	       4. clear the marks
 *	       5. heads (0, 0), place (new, new)
 *
 * Used descriptors may already be written between fetch and publish, except for
 * the flags of the first. Until these are written (3), the next process returns
 * to the old position, and all entries below the old head are in flight.
 * Afterwards it uses the new position.
 *
 * No chain is in flight between bursts, and a burst frees its entries last in,
 * first out. So each burst takes entries from 0 on, and the free list always leads
 * from an entry to the next.
 */
#include <errno.h>
#include <string.h>

#include "inflight.h"
#include "ring/packed.h"

void vd_inflight_set_heads(struct vd_packed_region *r, u16 free, u16 old_free)
{
	struct vd_packed_heads heads = { free, old_free };
	u32 word;

	memcpy(&word, &heads, sizeof(word));
	vd_inflight_step();
	__atomic_store_n((u32 *)&r->heads, word, __ATOMIC_RELAXED);
	vd_inflight_step();
}

/* Store the positions, as slots and wrap counters. */
void vd_inflight_set_place(struct vd_vring *v, u16 pos, u16 old)
{
	const struct vd_ring *ring = &v->ring;
	struct vd_packed_place place = {
		.idx = pos & (ring->num - 1),
		.old_idx = old & (ring->num - 1),
		.wrap = !vd_packed_is_odd(ring, pos),
		.old_wrap = !vd_packed_is_odd(ring, old),
	};
	u64 word;

	memcpy(&word, &place, sizeof(word));
	vd_inflight_step();
	__atomic_store_n((u64 *)&v->inflight->packed->place, word,
			 __ATOMIC_RELAXED);
	vd_inflight_step();
}

/* Nothing is in flight; of a resumed ring all marks have been cleared. */
void vd_inflight_begin_packed(struct vd_vring *v)
{
	struct vd_packed_region *r = v->inflight->packed;
	unsigned int i, size = v->inflight->size;

	for (i = 0; i < size; i++)
		r->desc[i] = (struct vd_packed_mark){ .next = i + 1 };
	vd_inflight_set_heads(r, 0, 0);
	vd_inflight_set_place(v, v->ring.published, v->ring.published);
}

/* Copy the chain at position @pos to the entries from @head on, and mark it. */
static void vd_inflight_mark(struct vd_vring *v, u16 pos, unsigned int head,
			     unsigned int nr)
{
	struct vd_packed_mark *m = &v->inflight->packed->desc[head];
	unsigned int i;

	for (i = 0; i < nr; i++, pos++) {
		struct vring_packed_desc d;

		memcpy(&d, vd_area_at(&v->ring.desc,
				      vd_packed_off(&v->ring, pos)), sizeof(d));
		m[i].inflight = !i;
		m[i].id = d.id;
		m[i].flags = d.flags;
		m[i].len = d.len;
		m[i].addr = d.addr;
	}
	m->last = head + nr - 1;
	m->num = nr;
	m->counter = v->inflight->counter++;
}

int vd_inflight_fetch_packed(struct vd_vring *v, unsigned int max)
{
	struct vd_ring *ring = &v->ring;
	struct vd_inflight *in = v->inflight;
	const unsigned int first = v->batch->nr;
	unsigned int at = (u16)(ring->next_avail - ring->published), i;
	u16 pos = ring->next_avail;
	int nr;

	/* Chains were returned since the last fetch: their entries are free. */
	if (at < in->nr_slots)
		vd_inflight_set_heads(in->packed, at, at);
	in->nr_slots = at;
	nr = vd_ring_fetch(ring, &v->mem, v->batch, max);
	if (nr <= 0)
		return nr;
	if ((u16)(ring->next_avail - ring->published) > ring->num) {
		/* The driver has made descriptors available twice. */
		vd_ring_rewind(ring, v->batch, nr);
		return -EPROTO;
	}
	for (i = first; i < v->batch->nr; i++) {
		const unsigned int nr_slots = v->batch->chain[i].nr_slots;

		vd_inflight_mark(v, pos, at, nr_slots);
		pos += nr_slots;
		at += nr_slots;
	}
	in->nr_slots = at;
	in->nr_marked = max(in->nr_marked, at);
	vd_inflight_set_heads(in->packed, at, at);
	return nr;
}

int vd_inflight_publish_packed(struct vd_vring *v)
{
	struct vd_inflight *in = v->inflight;
	const u16 old = v->ring.published, pos = v->ring.used_idx;
	unsigned int i;
	int ret;

	if (!in->nr_marked)
		return vd_ring_publish(&v->ring, v->call >= 0);
	vd_inflight_set_heads(in->packed, 0, pos - old);
	vd_inflight_set_place(v, pos, old);
	ret = vd_ring_publish(&v->ring, v->call >= 0);
	if (ret < 0)
		return ret;
	vd_inflight_step();
	for (i = 0; i < in->nr_marked; i++)
		in->packed->desc[i].inflight = 0;
	vd_inflight_set_heads(in->packed, 0, 0);
	vd_inflight_set_place(v, pos, pos);
	in->nr_slots = 0;
	in->nr_marked = 0;
	return ret;
}
