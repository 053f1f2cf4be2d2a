// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: a whole ring, worked by verbs in any order, while its memory
 * changes and vanishes under each single read. What comes of it cannot be
 * known, but every promise to the caller has to hold.
 *
 * The input is a scene, then steps of two bytes, verb and argument; changes
 * of memory are of six bytes: area, u16 offset, width, u16 value.
 */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "fuzz/scene.h"

/**
 * struct split - a run
 * @s: ring and memory
 * @in: what is left of the input
 * @taken: chains at the front of the batch that are completed
 * @changes: reads that shall meet changed memory
 */
struct split {
	struct scene s;
	struct input in;
	unsigned int taken;
	unsigned int changes;
};

static void split_poke(struct split *f)
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

static void split_before_read(void *ctx, u64 addr, size_t len)
{
	struct split *f = ctx;

	(void)len;
	if (!f->changes)
		return;
	f->changes--;
	/* Often it is the very word that is about to be read. */
	if (input_u8(&f->in) & 1) {
		u64 val = input_u16(&f->in);

		if (umem_is_mapped(addr, 2))
			memcpy(umem_ptr(addr, 2), &val, 2);
	} else {
		split_poke(f);
	}
}

static void split_give_back(struct split *f)
{
	struct drv *d = &f->s.d;

	vd_ring_rewind(&d->ring, d->batch, d->batch->nr - f->taken);
	vd_batch_reset(d->batch);
	f->taken = 0;
}

/* The caller stops a broken ring; the client attaches it again. */
static void split_restart(struct split *f)
{
	struct vd_ring *ring = &f->s.d.ring;
	u16 used_idx;

	split_give_back(f);
	if (!vd_ring_probe(ring, &f->s.d.mem, &used_idx))
		vd_ring_start(ring, used_idx);
	else
		vd_ring_start(ring, 0);
}

static bool split_is_fetch_error(int err, unsigned int first)
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

static int split_fetch(struct split *f, u8 arg)
{
	unsigned int max = 1 + arg % VD_BATCH, first = f->s.d.batch->nr;
	u16 idx = f->s.d.ring.next_avail;
	int ret = drv_fetch(&f->s.d, max);

	scene_check_batch(&f->s);
	if (ret < 0) {
		SCENE_CHECK(split_is_fetch_error(ret, first));
		SCENE_CHECK(f->s.d.batch->nr == first);
		SCENE_CHECK(f->s.d.ring.next_avail == idx);
		return ret == -ENOSPC ? 0 : ret;
	}
	SCENE_CHECK(ret <= (int)max);
	SCENE_CHECK(f->s.d.batch->nr == first + ret);
	SCENE_CHECK(f->s.d.ring.next_avail == (u16)(idx + ret));
	return 0;
}

static int split_complete(struct split *f, u8 arg)
{
	struct drv *d = &f->s.d;
	unsigned int nr = min(arg % (VD_BATCH + 1), d->batch->nr - f->taken);
	unsigned int before = vd_ring_nr_completed(&d->ring), done;
	int err = 0;

	for (done = 0; done < nr && !err; done++) {
		u16 head = d->batch->chain[f->taken++].head;

		err = vd_ring_complete(&d->ring, head, arg);
		umem_settle();
	}
	SCENE_CHECK(!err || err == -EFAULT);
	SCENE_CHECK(vd_ring_nr_completed(&d->ring) == (u16)(before + done));
	SCENE_CHECK(d->ring.nr_pending <= VD_BATCH);
	return err;
}

static int split_publish(struct split *f, u8 arg)
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

static int split_arm(struct split *f)
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

static void split_rewind(struct split *f, u8 arg)
{
	struct drv *d = &f->s.d;

	vd_ring_rewind(&d->ring, d->batch,
		       arg % (d->batch->nr - f->taken + 1));
	scene_check_batch(&f->s);
	if (d->batch->nr == f->taken)
		split_give_back(f);
}

/* Returns a negative number when the ring is broken. */
static int split_step(struct split *f, u8 verb, u8 arg)
{
	switch (verb % 11) {
	case 0:
	case 1:
		return split_fetch(f, arg);
	case 2:
		split_rewind(f, arg);
		return 0;
	case 3:
		return split_complete(f, arg);
	case 4:
		return split_publish(f, arg);
	case 5:
		return split_arm(f);
	case 6:
		return vd_ring_disarm(&f->s.d.ring);
	case 7:
		split_poke(f);
		return 0;
	case 8:
		drv_set_avail_idx(&f->s.d, f->s.d.avail_idx + arg);
		return 0;
	case 9:
		f->changes = arg;
		return 0;
	default:
		umem_fault_nth(arg);
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct split f;

	f.in = (struct input){ data, size };
	f.taken = 0;
	f.changes = 0;
	scene_init(&f.s, &f.in);
	umem_on_read(split_before_read, &f);
	while (f.in.left && umem_nr_accesses() < SCENE_MAX_ACCESSES) {
		u8 verb = input_u8(&f.in), arg = input_u8(&f.in);

		if (split_step(&f, verb, arg) < 0)
			split_restart(&f);
		umem_settle();
	}
	umem_on_read(NULL, NULL);
	scene_fini(&f.s);
	return 0;
}
