// SPDX-License-Identifier: GPL-2.0-only
/* Start and end of the in-flight state of a ring; inflight.h describes it. */
#include <errno.h>
#include <stdlib.h>

#include "inflight.h"

/* Check that the device's memory has a region for the ring, and find it. */
static int vd_inflight_open(struct vd_vring *v)
{
	struct viaduct_dev *dev = v->dev;
	u64 stride = vd_inflight_stride(v->ring.is_packed, dev->inflight_size);
	struct vd_inflight *in;

	if (v->idx >= dev->inflight_queues)
		return vd_dev_fail(dev, "in-flight memory of %u rings lacks ring %u",
				   dev->inflight_queues, v->idx);
	if (v->num > dev->inflight_size)
		return vd_dev_fail(dev, "in-flight memory of %u entries is too small for ring %u",
				   dev->inflight_size, v->idx);
	/* The features may have changed since SET_INFLIGHT_FD. */
	if (stride * dev->inflight_queues > dev->inflight.size)
		return vd_dev_fail(dev, "in-flight memory is too small for the format of ring %u",
				   v->idx);
	in = calloc(1, sizeof(*in));
	if (!in)
		return vd_dev_fail(dev, "out of memory");
	in->split = (void *)(dev->inflight.data + stride * v->idx);
	in->size = dev->inflight_size;
	v->inflight = in;
	return 0;
}

/* Take the ring over from the previous process, whose region is valid. */
static int vd_inflight_take_over(struct vd_vring *v, u16 used_idx)
{
	const char *reason = v->ring.is_packed ?
			     vd_inflight_resume_packed(v) :
			     vd_inflight_resume_split(v, used_idx);

	if (reason)
		return vd_dev_fail(v->dev, "in-flight state of ring %u: %s",
				   v->idx, reason);
	return 1;
}

/**
 * vd_inflight_resume() - open the in-flight state of a ring that is being started
 * @v: the ring, locked; the engine's ring has its addresses
 * @used_idx: the used index in memory, of a split ring
 *
 * At the first start after SET_INFLIGHT_FD, a region that was in use determines
 * the position. The base from the front end is a guess and is ignored.
 *
 * Return: 1 if the ring continues from the region; 0 if the region is yet to be
 * initialised, or -1 after vd_dev_fail().
 */
int vd_inflight_resume(struct vd_vring *v, u16 used_idx)
{
	bool may_resume = v->may_resume;
	u16 version;
	int ret;

	ret = vd_inflight_open(v);
	if (ret)
		return ret;
	v->may_resume = false;
	/* Both formats have the version at the same place. */
	version = __atomic_load_n(&v->inflight->split->version,
				  __ATOMIC_RELAXED);
	if (may_resume && version > VD_INFLIGHT_VERSION)
		return vd_dev_fail(v->dev, "in-flight state of ring %u has version %u",
				   v->idx, version);
	if (may_resume && version)
		ret = vd_inflight_take_over(v, used_idx);
	/* Do not start on zeroes that replace the memory. */
	if (ret >= 0 && vd_dev_has_faulted(v->dev))
		return vd_dev_fail(v->dev, "shared memory has shrunk");
	return ret;
}

/**
 * vd_inflight_begin() - write the state of a ring that was started
 * @v: the ring, locked
 * @is_resumed: result of vd_inflight_resume()
 */
void vd_inflight_begin(struct vd_vring *v, bool is_resumed)
{
	struct vd_split_region *r = v->inflight->split;

	/* While the region of a resumed ring is written it stays valid. */
	if (!is_resumed)
		__atomic_store_n(&r->version, 0, __ATOMIC_RELAXED);
	vd_inflight_step();
	r->features = 0;
	r->desc_num = v->inflight->size;
	if (v->ring.is_packed)
		vd_inflight_begin_packed(v);
	else if (!is_resumed)
		vd_inflight_begin_split(v);
	vd_inflight_step();
	__atomic_store_n(&r->version, VD_INFLIGHT_VERSION, __ATOMIC_RELAXED);
}

/**
 * vd_inflight_end() - forget the in-flight state of a ring
 * @v: the ring, locked; has completed no chain that is not published
 */
void vd_inflight_end(struct vd_vring *v)
{
	if (!v->inflight)
		return;
	/* Chains to be handed out again are recorded in the region only. */
	v->may_resume |= !!v->inflight->nr_redo;
	free(v->inflight->redo_avail);
	free(v->inflight);
	v->inflight = NULL;
}

/**
 * vd_inflight_fetch() - as vd_ring_fetch(), of a ring with in-flight state
 * @v: the ring, locked
 * @max: maximum number of chains
 *
 * Return: as vd_ring_fetch().
 */
int vd_inflight_fetch(struct vd_vring *v, unsigned int max)
{
	return v->ring.is_packed ? vd_inflight_fetch_packed(v, max) :
				   vd_inflight_fetch_split(v, max);
}

/**
 * vd_inflight_publish() - as vd_ring_publish(), of a ring with in-flight state
 * @v: the ring, locked; chains that were not completed have been returned
 *
 * Return: as vd_ring_publish().
 */
int vd_inflight_publish(struct vd_vring *v)
{
	return v->ring.is_packed ? vd_inflight_publish_packed(v) :
				   vd_inflight_publish_split(v);
}

static int vd_inflight_compare(const void *a, const void *b)
{
	const struct vd_inflight_chain *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

/**
 * vd_inflight_sort() - sort chains by their counters
 * @chain: the chains
 * @nr: their number
 *
 * Return: 0, or -EINVAL if two have the same counter.
 */
int vd_inflight_sort(struct vd_inflight_chain *chain, unsigned int nr)
{
	unsigned int i;

	qsort(chain, nr, sizeof(*chain), vd_inflight_compare);
	for (i = 1; i < nr; i++)
		if (chain[i].counter == chain[i - 1].counter)
			return -EINVAL;
	return 0;
}
