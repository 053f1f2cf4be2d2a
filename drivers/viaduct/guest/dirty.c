// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marking guest pages as written (VHOST_SET_LOG_BASE).
 *
 * Page number p is bit p % 8 of byte p / 8. The client clears bits while we
 * set others, so each update is one atomic OR on the 32-bit word that holds
 * the bits. That is what a futex operation does to a word of user memory, with
 * its range checked, its faults handled and its page made dirty on the way.
 * An aligned word lies in one page, so bits that are not ours never fault.
 *
 * A mark becomes visible after the write that it tells of: the operation is
 * fully ordered on every architecture that has more than one.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mutex.h> /* for <linux/futex.h>, which does not include it */
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include <asm/futex.h>

#include "guest/dirty.h"
#include "guest/regions.h"

/*
 * Calls that one mark is worth. An architecture whose atomics can be disturbed
 * by other processors gives up after a number of attempts (128 on arm64) with
 * -EAGAIN. Contention ends long before this; a client that keeps it up on
 * purpose loses the mark, and not the worker.
 */
#define VD_DIRTY_MAX_TRIES	4096

static int vd_dirty_or(u64 word, u32 mask)
{
	int err, old, tries = VD_DIRTY_MAX_TRIES;

	for (;;) {
		err = arch_futex_atomic_op_inuser(FUTEX_OP_OR, mask, &old,
						  u64_to_user_ptr(word));
		if (likely(err != -EAGAIN) || !--tries)
			return err;
		cond_resched();
	}
}

/**
 * vd_dirty_mark() - mark the pages of a written range
 * @base: user address of the bitmap
 * @gpa: guest physical address of the range
 * @len: its length in bytes; nothing is marked for 0
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: 0; -EFAULT when the bitmap has no place for one of the pages, or
 * the range wraps; -EAGAIN when the client keeps the word busy. Earlier pages
 * may be marked then.
 */
int vd_dirty_mark(u64 base, u64 gpa, u64 len)
{
	u64 page = gpa >> VD_DIRTY_PAGE_SHIFT, last, byte;
	unsigned int bit, nr;
	int err;

	if (!len)
		return 0;
	if (check_add_overflow(gpa, len - 1, &last))
		return -EFAULT;
	last >>= VD_DIRTY_PAGE_SHIFT;
	while (page <= last) {
		if (check_add_overflow(base, page / 8, &byte))
			return -EFAULT;
		bit = byte % sizeof(u32) * 8 + page % 8;
		nr = min_t(u64, last - page + 1, 32 - bit);
		err = vd_dirty_or(byte & ~3ULL, GENMASK(bit + nr - 1, bit));
		if (err)
			return err;
		page += nr;
	}
	return 0;
}

/*
 * How far regions reach without a gap from @at on, up to @end. They may lie
 * over each other, and are not sorted by user address.
 */
static u64 vd_dirty_reach(const struct vd_regions *regions, u64 at, u64 end)
{
	u64 before;
	u32 i;

	do {
		before = at;
		for (i = 0; i < regions->nr && at < end; i++) {
			const struct vd_region *r = &regions->region[i];

			if (at - r->hva <= r->span)
				at = r->hva + r->span + 1;
		}
	} while (at < end && at != before);
	return at;
}

/**
 * vd_dirty_mark_user() - mark the pages of a range of the owner's memory
 * @base: user address of the bitmap
 * @regions: the memory table, which may show a page to the guest twice
 * @at: user address of the range
 * @len: its length in bytes
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: 0; -EFAULT when a part of the range is in no region, or the bitmap
 * has no place for it. All that can be marked is marked.
 */
int vd_dirty_mark_user(u64 base, const struct vd_regions *regions, u64 at,
		       u64 len)
{
	bool whole = false;
	int err = 0;
	u32 i;

	for (i = 0; i < regions->nr; i++) {
		const struct vd_region *r = &regions->region[i];
		u64 first = max(at, r->hva);
		u64 end = min(at + len, r->hva + r->span + 1);

		if (first >= end)
			continue;
		err = vd_dirty_mark(base, r->gpa + (first - r->hva),
				    end - first) ?: err;
		whole |= end - first == len;
	}
	if (!err && !whole && vd_dirty_reach(regions, at, at + len) < at + len)
		err = -EFAULT;
	return err;
}

/**
 * vd_dirty_is_user() - check that the bits of a range are user memory
 * @base: user address of the bitmap
 * @gpa: guest physical address of the range's first byte
 * @last: and of its last byte
 *
 * Return: true when they are. Whether anything is mapped there is only found
 * out when it is written.
 */
bool vd_dirty_is_user(u64 base, u64 gpa, u64 last)
{
	u64 first_byte, last_byte;

	return gpa <= last &&
	       !check_add_overflow(base, (gpa >> VD_DIRTY_PAGE_SHIFT) / 8,
				   &first_byte) &&
	       !check_add_overflow(base, (last >> VD_DIRTY_PAGE_SHIFT) / 8,
				   &last_byte) &&
	       access_ok(u64_to_user_ptr(first_byte),
			 last_byte - first_byte + 1);
}

/**
 * vd_dirty_covers() - check that the bits of all guest memory are user memory
 * @base: user address of the bitmap
 * @regions: the memory table
 *
 * Return: true when they are, or when there is no memory.
 */
bool vd_dirty_covers(u64 base, const struct vd_regions *regions)
{
	const struct vd_region *last;

	if (!regions->nr)
		return true;
	last = &regions->region[regions->nr - 1];
	return vd_dirty_is_user(base, regions->region[0].gpa,
				last->gpa + last->span);
}
