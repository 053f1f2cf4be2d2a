// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-flight state of a split ring.
 *
 * A chain of this library needs no mark: the avail ring has all chains behind
 * the used index, in the order in which they are used, and the driver replaces
 * no entry of a chain that is not used. A program that uses chains out of order
 * leaves marks. Their chains may no longer be in the avail ring; they are
 * handed out first, from a private avail ring. The marks are cleared when these
 * are used, in the steps of the specification.
 */
#include <stdlib.h>
#include <string.h>

#include "inflight.h"
#include "ring/split.h"

/* Whether position @pos is that of a chain to be handed out again. */
static bool vd_inflight_is_redo(const struct vd_inflight *in, u16 pos)
{
	u16 left = in->redo_end - pos;

	return left && left <= in->nr_redo;
}

/* The entry of that chain. */
static struct vd_split_mark *vd_inflight_redo_mark(const struct vd_vring *v,
						   u16 pos)
{
	const struct vring_avail *avail = v->inflight->redo_avail;
	u16 head = le16_to_cpu((__force __le16)
			       avail->ring[pos & (v->ring.num - 1)]);

	return &v->inflight->split->desc[head];
}

/*
 * The previous process has published a batch, but may not have cleared its
 * marks. Clears them here and in the copy @r.
 */
static const char *vd_inflight_finish_batch(struct vd_vring *v,
					    struct vd_split_region *r,
					    u16 used_idx)
{
	struct vd_split_region *shared = v->inflight->split;
	u16 nr = used_idx - r->used_idx, head = r->last_batch_head;

	if (nr > v->ring.num)
		return "its used index is not that of the ring";
	for (; nr; nr--) {
		if (head >= v->ring.num)
			return "a descriptor of the last batch is out of range";
		r->desc[head].inflight = 0;
		shared->desc[head].inflight = 0;
		head = r->desc[head].next;
	}
	vd_inflight_step();
	shared->used_idx = used_idx;
	v->inflight->batch_head = r->last_batch_head;
	return NULL;
}

/* Make the avail ring of the @nr chains, from position @used_idx on. */
static const char *vd_inflight_make_redo(struct vd_vring *v,
					 const struct vd_inflight_chain *chain,
					 unsigned int nr, u16 used_idx)
{
	struct vd_inflight *in = v->inflight;
	struct vring_avail *avail = calloc(1, v->ring.driver.len);
	unsigned int i;

	if (!avail)
		return "out of memory";
	for (i = 0; i < nr; i++)
		avail->ring[(u16)(used_idx + i) & (v->ring.num - 1)] =
			(__force __virtio16)cpu_to_le16(chain[i].head);
	in->redo_end = used_idx + nr;
	avail->idx = (__force __virtio16)cpu_to_le16(in->redo_end);
	in->redo = v->ring.driver;
	in->redo.base = avail;
	in->redo_avail = avail;
	in->nr_redo = nr;
	return NULL;
}

/* Find the marked chains in the copy @r; @chain has room for all. */
static const char *vd_inflight_find_marks(struct vd_vring *v,
					  const struct vd_split_region *r,
					  struct vd_inflight_chain *chain,
					  u16 used_idx)
{
	unsigned int i, nr = 0;

	for (i = 0; i < r->desc_num; i++) {
		if (!r->desc[i].inflight)
			continue;
		if (i >= v->ring.num)
			return "a descriptor in flight is out of range";
		chain[nr++] = (struct vd_inflight_chain){ r->desc[i].counter, i };
	}
	if (vd_inflight_sort(chain, nr))
		return "two chains have one counter";
	return nr ? vd_inflight_make_redo(v, chain, nr, used_idx) : NULL;
}

/* Continue where the previous process was; returns a reason on bad state. */
const char *vd_inflight_resume_split(struct vd_vring *v, u16 used_idx)
{
	const unsigned int size = v->inflight->size;
	size_t len = sizeof(struct vd_split_region) +
		     sizeof(struct vd_split_mark) * size;
	struct vd_inflight_chain *chain = calloc(size, sizeof(*chain));
	struct vd_split_region *r = malloc(len);
	const char *reason = "out of memory";

	if (!r || !chain)
		goto out;
	memcpy(r, v->inflight->split, len);
	reason = NULL;
	if (vd_dev_has_faulted(v->dev))
		goto out;
	if (r->desc_num != size)
		reason = "it is of another size";
	reason = reason ?: vd_inflight_finish_batch(v, r, used_idx) ?:
		 vd_inflight_find_marks(v, r, chain, used_idx);
	vd_ring_set_base(&v->ring, used_idx);
out:
	free(chain);
	free(r);
	return reason;
}

/* Nothing is in flight. */
void vd_inflight_begin_split(struct vd_vring *v)
{
	struct vd_split_region *r = v->inflight->split;

	r->last_batch_head = 0;
	r->used_idx = v->ring.published;
	memset(r->desc, 0, sizeof(r->desc[0]) * v->inflight->size);
}

int vd_inflight_fetch_split(struct vd_vring *v, unsigned int max)
{
	struct vd_ring *ring = &v->ring;
	struct vd_area driver = ring->driver;
	int ret;

	if (likely(!vd_inflight_is_redo(v->inflight, ring->next_avail)))
		return vd_ring_fetch(ring, &v->mem, v->batch, max);
	ring->driver = v->inflight->redo;
	ret = vd_ring_fetch(ring, &v->mem, v->batch, max);
	ring->driver = driver;
	return ret;
}

/* Put the chains from @pos up to the used index on the list of the last batch. */
static void vd_inflight_link_batch(struct vd_vring *v, u16 pos)
{
	struct vd_inflight *in = v->inflight;

	for (; pos != v->ring.used_idx; pos++) {
		struct vd_split_mark *mark;

		if (!vd_inflight_is_redo(in, pos))
			break;
		mark = vd_inflight_redo_mark(v, pos);
		mark->next = in->batch_head;
		vd_inflight_step();
		in->batch_head = mark - in->split->desc;
		in->split->last_batch_head = in->batch_head;
	}
	vd_inflight_step();
}

/* These chains are published: clear their marks. */
static void vd_inflight_clear_batch(struct vd_vring *v, u16 pos)
{
	struct vd_inflight *in = v->inflight;

	for (; pos != v->ring.used_idx; pos++) {
		if (!vd_inflight_is_redo(in, pos))
			break;
		vd_inflight_redo_mark(v, pos)->inflight = 0;
	}
	if (vd_inflight_is_redo(in, v->ring.used_idx))
		return;
	free(in->redo_avail);
	in->redo_avail = NULL;
	in->nr_redo = 0;
}

int vd_inflight_publish_split(struct vd_vring *v)
{
	struct vd_inflight *in = v->inflight;
	const u16 old = v->ring.published;
	int ret;

	if (unlikely(in->nr_redo))
		vd_inflight_link_batch(v, old);
	ret = vd_ring_publish(&v->ring, v->call >= 0);
	if (ret < 0)
		return ret;
	vd_inflight_step();
	if (unlikely(in->nr_redo))
		vd_inflight_clear_batch(v, old);
	vd_inflight_step();
	in->split->used_idx = v->ring.published;
	return ret;
}
