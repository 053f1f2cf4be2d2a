// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marking guest pages as written (VHOST_SET_LOG_BASE).
 *
 * Page number p is bit p % 8 of byte p / 8. The client clears bits while the
 * device sets others, so each update is one atomic OR on the 32-bit word that
 * holds the bits. A futex operation does this to a word of user memory: it
 * checks the range, handles faults and makes the page dirty. An aligned word
 * lies in one page, so the unrelated bits of a word add no fault.
 *
 * A mark becomes visible after the write that it records: the operation is
 * fully ordered on every SMP architecture.
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
 * Attempts per mark. An architecture with LL/SC atomics gives up after a number
 * of tries (128 on arm64) with -EAGAIN. Contention ends long before this limit;
 * a client that keeps the word contended on purpose must not block the worker:
 * it loses the mark.
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
 * Return: 0; -EFAULT if the bitmap does not cover one of the pages, or the
 * range wraps; -EAGAIN if the client keeps the word contended. On error earlier
 * pages may have been marked.
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
 * Return the first address from @at on that no region covers; the search ends
 * at @end or above. Regions may overlap in user space and are not sorted by
 * user address.
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
 * @regions: the memory table, which may map a page at several guest addresses
 * @at: user address of the range
 * @len: its length in bytes
 *
 * Context: on the owner's mm, may fault and sleep.
 * Return: 0; -EFAULT if a part of the range is in no region, or the bitmap does
 * not cover it. The other pages are marked nevertheless.
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
 * Return: true if they are. An address without a mapping is detected only on
 * a write.
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
