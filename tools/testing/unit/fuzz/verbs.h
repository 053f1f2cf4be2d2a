/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzz target for the layout that FUZZ_LAYOUT names: a whole ring, driven by
 * verbs in any order, while its memory may change or vanish before each read.
 * The results are not predictable, but every guarantee to the caller must hold.
 *
 * The input is a scene, then steps of two bytes, verb and argument; changes
 * of memory are of six bytes: area, u16 offset, width, u16 value.
 */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "fuzz/scene.h"

/**
 * struct fuzz - a run
 * @s: ring and memory
 * @in: what is left of the input
 * @taken: chains at the front of the batch that are completed
 * @changes: reads before which memory must change
 */
struct fuzz {
	struct scene s;
	struct input in;
	unsigned int taken;
	unsigned int changes;
};

static void fuzz_poke(struct fuzz *f)
{
	static const u64 base[] = { DRV_DESC, DRV_AVAIL, DRV_USED };
	u8 area = input_u8(&f->in);
	u16 off = input_u16(&f->in);
	u8 width = 1U << (input_u8(&f->in) % 4);
	u64 val = (s16)input_u16(&f->in);
	u64 addr;

	if (area % 4 < 3)
		addr = base[area % 4] + off;
	else
		addr = scene_regions[area / 4 % SCENE_NR_REGIONS].userspace_addr +
		       off;
	if (umem_is_mapped(addr, width))
		memcpy(umem_ptr(addr, width), &val, width);
}

static void fuzz_before_read(void *ctx, u64 addr, size_t len)
{
	struct fuzz *f = ctx;

	(void)len;
	if (!f->changes)
		return;
	f->changes--;
	/* Often the word that is about to be read. */
	if (input_u8(&f->in) & 1) {
		u64 val = input_u16(&f->in);

		if (umem_is_mapped(addr, 2))
			memcpy(umem_ptr(addr, 2), &val, 2);
	} else {
		fuzz_poke(f);
	}
}

static void fuzz_give_back(struct fuzz *f)
{
	struct drv *d = &f->s.d;

	vd_ring_rewind(&d->ring, d->batch, d->batch->nr - f->taken);
	vd_batch_reset(d->batch);
	f->taken = 0;
}

/* The caller stops a broken ring; the client attaches it again. */
static void fuzz_restart(struct fuzz *f)
{
	struct vd_ring *ring = &f->s.d.ring;
	u16 used_idx;

	fuzz_give_back(f);
	if (!vd_ring_probe(ring, &f->s.d.mem, &used_idx))
		vd_ring_start(ring, used_idx);
	else
		vd_ring_start(ring, 0);
}

/* The positions must be possible: used neither ahead, nor more than a lap behind. */
static void fuzz_check_base(struct fuzz *f, u32 asked)
{
	const struct vd_ring *ring = &f->s.d.ring;
	u16 in_flight = (ring->next_avail - ring->used_idx) &
			(2 * ring->num - 1);

	if (!ring->is_packed) {
		SCENE_CHECK(vd_ring_get_base(ring) == asked);
		return;
	}
	SCENE_CHECK(in_flight <= ring->num);
	SCENE_CHECK(asked >> 16 || !in_flight);
	SCENE_CHECK(ring->published == ring->used_idx);
}

/* Any base that a client may give; the split format's has 16 bits. */
static void fuzz_rebase(struct fuzz *f)
{
	struct vd_ring *ring = &f->s.d.ring;
	u32 base = input_u16(&f->in);

	if (ring->is_packed)
		base |= (u32)input_u16(&f->in) << 16;
	vd_ring_set_base(ring, base);
	fuzz_restart(f);
	fuzz_check_base(f, base);
}

static bool fuzz_is_fetch_error(int err, unsigned int first)
{
	switch (err) {
	case -ENOSPC:
		return first;
	case -EFAULT:
	case -EPROTO:
	case -EINVAL:
	case -ELOOP:
	case -E2BIG:
		return true;
	}
	return false;
}

/* Slots of the ring that chains from @first on take. */
static u32 fuzz_nr_slots(const struct vd_batch *batch, unsigned int first)
{
	u32 nr = 0;

	for (; first < batch->nr; first++)
		nr += batch->chain[first].nr_slots;
	return nr;
}

static int fuzz_fetch(struct fuzz *f, u8 arg)
{
	unsigned int max = 1 + arg % VD_BATCH, first = f->s.d.batch->nr;
	u16 idx = f->s.d.ring.next_avail;
	int ret = drv_fetch(&f->s.d, max);

	scene_check_batch(&f->s);
	if (ret < 0) {
		SCENE_CHECK(fuzz_is_fetch_error(ret, first));
		SCENE_CHECK(f->s.d.batch->nr == first);
		SCENE_CHECK(f->s.d.ring.next_avail == idx);
		return ret == -ENOSPC ? 0 : ret;
	}
	SCENE_CHECK(ret <= (int)max);
	SCENE_CHECK(f->s.d.batch->nr == first + ret);
	SCENE_CHECK(f->s.d.ring.next_avail ==
		    (u16)(idx + fuzz_nr_slots(f->s.d.batch, first)));
	return 0;
}

static int fuzz_complete(struct fuzz *f, u8 arg)
{
	struct drv *d = &f->s.d;
	unsigned int nr = min(arg % (VD_BATCH + 1), d->batch->nr - f->taken);
	unsigned int before = vd_ring_nr_completed(&d->ring), done;
	int err = 0;

	for (done = 0; done < nr && !err; done++) {
		const struct vd_chain *chain = &d->batch->chain[f->taken++];

		err = vd_ring_complete(&d->ring, chain,
				       arg & 1 ? arg : chain->in_len);
		umem_settle();
	}
	SCENE_CHECK(!err || err == -EFAULT);
	/* The one that failed is not completed. */
	done -= !!err;
	SCENE_CHECK(vd_ring_nr_completed(&d->ring) == (u16)(before + done));
	SCENE_CHECK(d->ring.nr_pending < VD_BATCH);
	return err;
}

static int fuzz_publish(struct fuzz *f, u8 arg)
{
	struct drv *d = &f->s.d;
	int ret = vd_ring_publish(&d->ring, arg & 1);

	SCENE_CHECK(ret == 0 || ret == -EFAULT || (ret == 1 && arg & 1));
	if (ret >= 0) {
		SCENE_CHECK(!vd_ring_nr_completed(&d->ring));
		SCENE_CHECK(!d->ring.nr_pending);
	}
	return ret;
}

static int fuzz_arm(struct fuzz *f)
{
	int ret = vd_ring_arm(&f->s.d.ring);

	SCENE_CHECK(ret == 0 || ret == 1 || ret == -EFAULT);
	if (ret > 0) {
		umem_settle();
		ret = vd_ring_disarm(&f->s.d.ring);
		SCENE_CHECK(ret == 0 || ret == -EFAULT);
	}
	return ret;
}

static void fuzz_rewind(struct fuzz *f, u8 arg)
{
	struct drv *d = &f->s.d;

	vd_ring_rewind(&d->ring, d->batch,
		       arg % (d->batch->nr - f->taken + 1));
	scene_check_batch(&f->s);
	if (d->batch->nr == f->taken)
		fuzz_give_back(f);
}

/* Returns a negative number when the ring is broken. */
static int fuzz_step(struct fuzz *f, u8 verb, u8 arg)
{
	switch (verb % 12) {
	case 0:
	case 1:
		return fuzz_fetch(f, arg);
	case 2:
		fuzz_rewind(f, arg);
		return 0;
	case 3:
		return fuzz_complete(f, arg);
	case 4:
		return fuzz_publish(f, arg);
	case 5:
		return fuzz_arm(f);
	case 6:
		return vd_ring_disarm(&f->s.d.ring);
	case 7:
		fuzz_poke(f);
		return 0;
	case 8:
		scene_offer(&f->s, arg);
		return 0;
	case 9:
		f->changes = arg;
		return 0;
	case 11:
		fuzz_rebase(f);
		return 0;
	default:
		umem_fault_nth(arg);
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct fuzz f;

	f.in = (struct input){ data, size };
	f.taken = 0;
	f.changes = 0;
	scene_init(&f.s, &f.in, FUZZ_LAYOUT);
	umem_on_read(fuzz_before_read, &f);
	while (f.in.left && umem_nr_accesses() < SCENE_MAX_ACCESSES) {
		u8 verb = input_u8(&f.in), arg = input_u8(&f.in);

		if (fuzz_step(&f, verb, arg) < 0)
			fuzz_restart(&f);
		umem_settle();
	}
	umem_on_read(NULL, NULL);
	scene_fini(&f.s);
	return 0;
}
