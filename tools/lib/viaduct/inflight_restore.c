// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resume of a packed ring that another process has left.
 *
 * The chains in flight are written back into the ring, in the order of their
 * counters, from the position of the next used descriptor on. These slots are the
 * device's: the driver has not seen a used descriptor there. The ring is then as if
 * the chains had not been fetched yet.
 *
 * Each step may be the last of this process, too. Marks are cleared only when the
 * ring is whole, the last chain first: those that are still marked are then the
 * first ones of the ring, to which they would be written again.
 */
#include <stdlib.h>
#include <string.h>

#include "inflight.h"
#include "ring/packed.h"

/**
 * struct vd_restore - a region that is being restored
 * @v: the ring
 * @r: private copy of the region
 * @chain: the chains in flight
 * @nr: their number
 * @seen: entries that belong to the free list or to a chain
 * @pos: position of the next used descriptor
 */
struct vd_restore {
	struct vd_vring *v;
	struct vd_packed_region *r;
	struct vd_inflight_chain *chain;
	unsigned int nr;
	bool *seen;
	u16 pos;
};

/* Whether the descriptor at @pos is available to the device. */
static bool vd_restore_is_avail(const struct vd_ring *ring, u16 pos)
{
	u16 want = vd_packed_is_odd(ring, pos) ? VD_PACKED_USED : VD_PACKED_AVAIL;
	__le16 flags = __atomic_load_n(vd_packed_flags(ring, pos),
				       __ATOMIC_RELAXED);

	return (le16_to_cpu(flags) & (VD_PACKED_AVAIL | VD_PACKED_USED)) == want;
}

/* A position from a slot and a wrap counter. */
static u16 vd_restore_pos(const struct vd_ring *ring, u16 idx, u8 wrap)
{
	return wrap ? idx : idx | ring->num;
}

/* Commit or undo the last batch: find the position and the free list. */
static const char *vd_restore_place(struct vd_restore *re)
{
	const struct vd_packed_place *place = &re->r->place;
	struct vd_ring *ring = &re->v->ring;
	u16 heads, new, old;

	if (place->idx >= ring->num || place->old_idx >= ring->num ||
	    place->wrap > 1 || place->old_wrap > 1)
		return "its position is out of range";
	new = vd_restore_pos(ring, place->idx, place->wrap);
	old = vd_restore_pos(ring, place->old_idx, place->old_wrap);
	re->pos = old;
	heads = re->r->heads.old_free;
	if (new != old && !vd_restore_is_avail(ring, old)) {
		re->pos = new;
		heads = re->r->heads.free;
	}
	re->r->heads.free = heads;
	return NULL;
}

static bool vd_restore_has_marks(const struct vd_restore *re)
{
	unsigned int i;

	for (i = 0; i < re->v->inflight->size; i++)
		if (re->r->desc[i].inflight)
			return true;
	return false;
}

/*
 * Marks of free entries are ignored. Without marks, the list may be one that
 * vd_inflight_begin_packed() has not completed.
 */
static const char *vd_restore_free_list(struct vd_restore *re)
{
	const unsigned int size = re->v->inflight->size;
	unsigned int i = re->r->heads.free;

	if (!vd_restore_has_marks(re))
		return NULL;
	for (; i < size; i = re->r->desc[i].next) {
		if (re->seen[i])
			return "its free list has a loop";
		re->seen[i] = true;
		re->r->desc[i].inflight = 0;
	}
	return NULL;
}

/* Follow a chain; its entries must belong to nothing else. */
static const char *vd_restore_chain(struct vd_restore *re, unsigned int head)
{
	const unsigned int size = re->v->inflight->size;
	const struct vd_packed_mark *m = &re->r->desc[head];
	unsigned int left = m->num, i = head;

	if (!left)
		return "a chain in flight is empty";
	for (;; i = re->r->desc[i].next) {
		if (i >= size)
			return "an entry of a chain is out of range";
		if (re->seen[i])
			return "an entry belongs to two chains";
		re->seen[i] = true;
		if (!--left)
			break;
	}
	return i == m->last ? NULL : "a chain does not end at its last entry";
}

/* Find and check all chains in flight. */
static const char *vd_restore_chains(struct vd_restore *re)
{
	const unsigned int size = re->v->inflight->size;
	unsigned int i, nr_slots = 0;
	const char *reason;

	for (i = 0; i < size; i++) {
		const struct vd_packed_mark *m = &re->r->desc[i];

		if (!m->inflight)
			continue;
		reason = vd_restore_chain(re, i);
		if (reason)
			return reason;
		nr_slots += m->num;
		re->chain[re->nr++] = (struct vd_inflight_chain){
			m->counter, i
		};
	}
	if (nr_slots > re->v->ring.num)
		return "chains in flight exceed the ring";
	return vd_inflight_sort(re->chain, re->nr) ?
	       "two chains have one counter" : NULL;
}

/* Write a descriptor back, available at @pos. */
static void vd_restore_desc(struct vd_ring *ring, u16 pos,
			    const struct vd_packed_mark *m)
{
	const size_t off = vd_packed_off(ring, pos);
	u16 flags = le16_to_cpu(m->flags) & ~(VD_PACKED_AVAIL | VD_PACKED_USED);
	struct vring_packed_desc *d = vd_area_at(&ring->desc, off);

	flags |= vd_packed_is_odd(ring, pos) ? VD_PACKED_USED : VD_PACKED_AVAIL;
	d->addr = m->addr;
	d->len = m->len;
	d->id = m->id;
	/* The driver polls the flags: they must not be used ones for a moment. */
	__atomic_store_n(&d->flags, cpu_to_le16(flags), __ATOMIC_RELEASE);
	vd_ring_log(ring, &ring->desc, off, sizeof(*d));
}

/* Store the decision of vd_restore_place(), so that a further start agrees. */
static void vd_restore_settle(struct vd_restore *re)
{
	struct vd_packed_region *shared = re->v->inflight->packed;
	unsigned int i;

	/* Heads first: the ring still shows which of the places is valid. */
	vd_inflight_set_heads(shared, re->r->heads.free, re->r->heads.free);
	vd_inflight_set_place(re->v, re->pos, re->pos);
	for (i = 0; i < re->v->inflight->size; i++)
		if (!re->r->desc[i].inflight)
			shared->desc[i].inflight = 0;
}

static void vd_restore_ring(struct vd_restore *re)
{
	u16 pos = re->pos;
	unsigned int i;

	for (i = 0; i < re->nr; i++) {
		const struct vd_packed_mark *head =
			&re->r->desc[re->chain[i].head], *m = head;
		unsigned int left = head->num;

		for (;; m = &re->r->desc[m->next]) {
			vd_restore_desc(&re->v->ring, pos++, m);
			if (!--left)
				break;
		}
	}
	vd_inflight_step();
	for (i = re->nr; i; i--) {
		re->v->inflight->packed->desc[re->chain[i - 1].head].inflight = 0;
		vd_inflight_step();
	}
}

static const char *vd_restore(struct vd_restore *re)
{
	const char *reason;
	u16 at;

	if (vd_dev_has_faulted(re->v->dev))
		return NULL;
	if (re->r->desc_num != re->v->inflight->size)
		return "it is of another size";
	reason = vd_restore_place(re) ?: vd_restore_free_list(re) ?:
		 vd_restore_chains(re);
	if (reason)
		return reason;
	vd_restore_settle(re);
	vd_restore_ring(re);
	at = vd_packed_to_off_wrap(&re->v->ring, re->pos);
	vd_ring_set_base(&re->v->ring, at | (u32)at << 16);
	return NULL;
}

/* Continue where the previous process was; returns a reason on bad state. */
const char *vd_inflight_resume_packed(struct vd_vring *v)
{
	const unsigned int size = v->inflight->size;
	size_t len = sizeof(struct vd_packed_region) +
		     sizeof(struct vd_packed_mark) * size;
	struct vd_restore re = {
		.v = v,
		.r = malloc(len),
		.chain = calloc(size, sizeof(*re.chain)),
		.seen = calloc(size, sizeof(*re.seen)),
	};
	const char *reason = "out of memory";

	if (re.r && re.chain && re.seen) {
		memcpy(re.r, v->inflight->packed, len);
		reason = vd_restore(&re);
	}
	free(re.r);
	free(re.chain);
	free(re.seen);
	return reason;
}
