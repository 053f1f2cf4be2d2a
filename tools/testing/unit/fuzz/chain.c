// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: the descriptor walk, against the reference. Memory does not
 * change, so the result of a fetch is determined to the last piece.
 */
#include <errno.h>
#include <linux/kernel.h>

#include "fuzz/scene.h"

static void chain_compare(const struct vd_batch *batch, unsigned int at,
			  const struct ref_chain *want)
{
	const struct vd_chain *seen = &batch->chain[at];
	unsigned int i;

	SCENE_CHECK(seen->nr_out == want->nr_out);
	SCENE_CHECK(seen->nr_in == want->nr_in);
	SCENE_CHECK(seen->out_len == want->out_len);
	SCENE_CHECK(seen->in_len == want->in_len);
	SCENE_CHECK(seen->nr_desc == want->nr_desc);
	for (i = 0; i < want->nr_out + want->nr_in; i++) {
		const struct iovec *s = &batch->seg[seen->first_seg + i];

		SCENE_CHECK(s->iov_base == want->seg[i].iov_base);
		SCENE_CHECK(s->iov_len == want->seg[i].iov_len);
		SCENE_CHECK(batch->gpa[seen->first_seg + i] == want->gpa[i]);
	}
}

static u16 chain_head(const struct drv *d, u16 idx)
{
	return *(u16 *)umem_ptr(DRV_AVAIL + 4 + 2 * (idx % d->guest.num), 2);
}

/**
 * struct chain_expect - what a fetch should find
 * @nr: chains that can be served, and fit
 * @is_bad: the next one cannot be served
 * @is_full: the next one can, but does not fit
 */
struct chain_expect {
	unsigned int nr;
	bool is_bad;
	bool is_full;
};

/*
 * Fetch with the reference; the module's fetch has been made, into the batch
 * from @first on.
 */
static struct chain_expect chain_expect(const struct drv *d,
					unsigned int first, u16 idx,
					unsigned int max)
{
	static struct ref_chain want;
	const struct vd_batch *batch = d->batch;
	struct chain_expect e = {};
	unsigned int nr_seg = 0, nr_desc = 0, i;

	for (i = 0; i < first; i++) {
		nr_seg += batch->chain[i].nr_out + batch->chain[i].nr_in;
		nr_desc += batch->chain[i].nr_desc;
	}
	while (e.nr < max) {
		ref_walk(&d->guest, chain_head(d, idx + e.nr), &want);
		e.is_bad = want.is_bad || want.is_big;
		if (e.is_bad)
			break;
		nr_seg += want.nr_out + want.nr_in;
		nr_desc += want.nr_desc;
		e.is_full = nr_seg > REF_MAX_SEGS || nr_desc > REF_MAX_SEGS;
		if (e.is_full)
			break;
		SCENE_CHECK(first + e.nr < batch->nr);
		chain_compare(batch, first + e.nr, &want);
		e.nr++;
	}
	return e;
}

/* One fetch; false when the ring turned out to be broken. */
static bool chain_fetch(struct scene *s, unsigned int max)
{
	struct drv *d = &s->d;
	unsigned int first = d->batch->nr, room = VD_BATCH - first;
	u16 idx = d->ring.next_avail, left = d->avail_idx - idx;
	int ret = drv_fetch(d, max);
	struct chain_expect e;

	scene_check_batch(s);
	if (left > d->guest.num) {
		SCENE_CHECK(ret == -EPROTO);
		return false;
	}
	e = chain_expect(d, first, idx, min(min_t(unsigned int, left, room), max));
	SCENE_CHECK(d->batch->nr == first + e.nr);
	SCENE_CHECK(d->ring.next_avail == (u16)(idx + e.nr));
	if (e.nr)
		SCENE_CHECK(ret == (int)e.nr);
	else if (!left)
		SCENE_CHECK(!ret);
	else if (!room || e.is_full)
		SCENE_CHECK(ret == -ENOSPC);
	else
		SCENE_CHECK(ret < 0 && (ret != -ENOSPC || first));
	return ret >= 0 || ret == -ENOSPC;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	static struct scene s;
	unsigned int round;

	scene_init(&s, &in, 0);
	/* The reference reads each head from the available ring. */
	s.d.ring.in_order = false;
	for (round = 0; round < 4; round++) {
		if (umem_nr_accesses() >= SCENE_MAX_ACCESSES)
			break;
		if (!chain_fetch(&s, 1 + ((size >> round) & 63)))
			break;
		/* Sometimes into an empty batch. */
		if (round == 2)
			vd_batch_reset(s.d.batch);
	}
	scene_fini(&s);
	return 0;
}
