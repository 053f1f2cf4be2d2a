// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: IOTLB misses of two virtqueues, in any order of reports, reads,
 * updates and drops.
 *
 * The input is a series of commands of 4 bytes: u8 command, u8 page and access,
 * u8 length, u8 virtqueue. The reference keeps a flag per miss where the module
 * keeps a count, and rebuilds the order of turns from a counter.
 */
#include <string.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/vhost_types.h>

#include "fuzz/input.h"
#include "guest/iotlb_miss.h"
#include "umem.h"

#define NR_VQS	2U

#define MISS_CHECK(cond) do {					\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

/* The reference's view of a miss. */
struct ref_miss {
	u64 page;
	u8 perm;
	bool is_read;
};

/**
 * struct ref_vq - the reference of a virtqueue
 * @is_waiting: it waits for @awaited
 * @may_be_answered: an update for @awaited may be in flight
 * @awaited: the miss; unread or read
 * @nr: entries in @later
 * @later: misses to prefetch
 * @turn: place among those with unread misses, the lowest first; 0 for none
 */
struct ref_vq {
	bool is_waiting;
	bool may_be_answered;
	struct ref_miss awaited;
	unsigned int nr;
	struct ref_miss later[VD_MAX_PREFETCH];
	u64 turn;
};

struct fuzz {
	struct vd_misses misses;
	struct vd_vq_misses vq[NR_VQS];
	struct ref_vq ref[NR_VQS];
	u64 turn;
	unsigned int nr_woken;
};

static int ref_find(const struct ref_vq *r, u64 page, u8 perm)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (r->later[i].page == page && r->later[i].perm == perm)
			return i;
	return -1;
}

static void ref_remove(struct ref_vq *r, unsigned int i)
{
	r->nr--;
	memmove(&r->later[i], &r->later[i + 1],
		(r->nr - i) * sizeof(r->later[0]));
}

static void ref_add(struct ref_vq *r, u64 page, u8 perm)
{
	if (ref_find(r, page, perm) >= 0)
		return;
	if (r->nr == VD_MAX_PREFETCH && r->later[0].is_read)
		ref_remove(r, 0);
	if (r->nr < VD_MAX_PREFETCH)
		r->later[r->nr++] = (struct ref_miss){ page, perm, false };
}

static void ref_await(struct ref_vq *r, u64 page, u8 perm)
{
	int i = ref_find(r, page, perm);
	bool in_flight = i >= 0 && r->later[i].is_read;

	if (r->is_waiting && r->may_be_answered && r->awaited.page == page &&
	    r->awaited.perm == perm)
		in_flight = true;
	r->is_waiting = true;
	r->may_be_answered = in_flight;
	r->awaited = (struct ref_miss){ page, perm, false };
	if (i >= 0)
		ref_remove(r, i);
}

static bool ref_has_unread(const struct ref_vq *r)
{
	unsigned int i;

	if (r->is_waiting && !r->awaited.is_read)
		return true;
	for (i = 0; i < r->nr; i++)
		if (!r->later[i].is_read)
			return true;
	return false;
}

static void ref_queue(struct fuzz *f, struct ref_vq *r)
{
	if (r->turn || !ref_has_unread(r))
		return;
	r->turn = ++f->turn;
	f->nr_woken++;
}

static struct ref_vq *ref_next(struct fuzz *f)
{
	struct ref_vq *next = NULL;
	unsigned int i;

	for (i = 0; i < NR_VQS; i++)
		if (f->ref[i].turn && (!next || f->ref[i].turn < next->turn))
			next = &f->ref[i];
	return next;
}

static struct ref_miss *ref_first_unread(struct ref_vq *r)
{
	unsigned int i;

	if (r->is_waiting && !r->awaited.is_read)
		return &r->awaited;
	for (i = 0; i < r->nr; i++)
		if (!r->later[i].is_read)
			return &r->later[i];
	return NULL;
}

static void miss_read(struct fuzz *f)
{
	struct ref_vq *r = ref_next(f);
	struct ref_miss *want = r ? ref_first_unread(r) : NULL;
	struct vd_miss got;

	MISS_CHECK(vd_misses_has_unread(&f->misses) == !!r);
	MISS_CHECK(vd_misses_read(&f->misses, &got) == !!r);
	if (!r)
		return;
	/* A virtqueue has no turn without something to read, bar a fault. */
	MISS_CHECK(want);
	MISS_CHECK(got.iova >> 12 == want->page && got.perm == want->perm);
	want->is_read = true;
	if (want == &r->awaited)
		r->may_be_answered = true;
	r->turn = ref_has_unread(r) ? ++f->turn : 0;
}

static void miss_report(struct fuzz *f, unsigned int i, u64 page, u8 perm,
			unsigned int nr)
{
	const struct vd_miss miss = { page << 12, perm };
	struct vd_miss_set set = {};
	unsigned int k;

	ref_await(&f->ref[i], page, perm);
	for (k = 1; k <= nr; k++) {
		const struct vd_miss more = { (page + k) << 12 | 8, perm };

		if (!vd_miss_set_add(&set, &more))
			break;
		ref_add(&f->ref[i], page + k, perm);
	}
	ref_queue(f, &f->ref[i]);
	vd_miss_report(&f->misses, &f->vq[i], &miss, &set);
}

static void miss_report_aside(struct fuzz *f, unsigned int i, u64 page, u8 perm)
{
	const struct vd_miss miss = { page << 12, perm };
	struct ref_vq *r = &f->ref[i];
	int at;

	if (!r->is_waiting) {
		ref_await(r, page, perm);
	} else if (r->awaited.is_read || r->awaited.page != page || r->awaited.perm != perm) {
		at = ref_find(r, page, perm);
		if (at >= 0 && r->later[at].is_read)
			ref_remove(r, at);
		ref_add(r, page, perm);
	}
	ref_queue(f, r);
	vd_miss_report_aside(&f->misses, &f->vq[i], &miss);
}

static void miss_resolve(struct fuzz *f, unsigned int i, u64 page, u64 last)
{
	struct ref_vq *r = &f->ref[i];
	bool want = r->is_waiting && r->may_be_answered &&
		    r->awaited.page >= page && r->awaited.page <= last;
	unsigned int k;

	if (want) {
		r->is_waiting = false;
		if (!r->awaited.is_read)
			ref_add(r, r->awaited.page, r->awaited.perm);
	}
	for (k = r->nr; k-- > 0; )
		if (r->later[k].is_read && r->later[k].page >= page &&
		    r->later[k].page <= last)
			ref_remove(r, k);
	MISS_CHECK(vd_miss_resolve(&f->misses, &f->vq[i], page << 12,
				   last << 12 | 0xfff) == want);
}

static void miss_drop(struct fuzz *f, unsigned int i)
{
	bool want = f->ref[i].is_waiting;

	memset(&f->ref[i], 0, sizeof(f->ref[i]));
	MISS_CHECK(vd_miss_drop(&f->misses, &f->vq[i]) == want);
}

static void miss_command(struct fuzz *f, struct input *in)
{
	u8 command = input_u8(in) % 8, where = input_u8(in);
	u8 len = input_u8(in), i = input_u8(in) % NR_VQS;
	u64 page = where >> 1;
	u8 perm = where & 1 ? VHOST_ACCESS_WO : VHOST_ACCESS_RO;

	if (command <= 1)
		miss_report(f, i, page, perm, len % 40);
	else if (command == 2)
		miss_report_aside(f, i, page, perm);
	else if (command <= 5)
		miss_read(f);
	else if (command == 6)
		miss_resolve(f, i, page, page + len % 32);
	else if (len < 32)
		miss_drop(f, i);
	MISS_CHECK(f->misses.wait.nr_woken == f->nr_woken);
	MISS_CHECK(f->vq[i].nr_read <= f->vq[i].prefetch.nr);
	MISS_CHECK(f->vq[i].prefetch.nr == f->ref[i].nr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	static struct fuzz f;
	unsigned int i;

	memset(&f, 0, sizeof(f));
	vd_misses_init(&f.misses);
	for (i = 0; i < NR_VQS; i++)
		vd_miss_init(&f.vq[i]);
	vd_misses_open(&f.misses, true);
	while (in.left)
		miss_command(&f, &in);
	umem_settle();
	return 0;
}
