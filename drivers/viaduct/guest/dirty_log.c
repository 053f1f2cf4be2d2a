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

#include "guest/dirty_log.h"
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

/* Mark the pages of a range; on error, earlier pages may have been marked. */
static int vd_dirty_mark(u64 bitmap, u64 gpa, u64 len)
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
		if (check_add_overflow(bitmap, page / 8, &byte))
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

static int vd_dirty_count(struct vd_dirty_log *log, int err)
{
	if (err)
		log->lost++;
	log->marked = true;
	return err;
}

/**
 * vd_dirty_log_gpa() - log a write to guest memory
 * @log: the log; a failure is counted in &vd_dirty_log.lost
 * @gpa: guest physical address of the range
 * @len: its length in bytes; nothing is marked for 0
 *
 * Context: on the owner's mm, may fault; not inside a user-access window.
 * Return: 0; -EFAULT if the bitmap does not cover one of the pages, or the
 * range wraps; -EAGAIN if the client keeps a word of the bitmap contended. On
 * error, earlier pages may have been marked.
 */
int vd_dirty_log_gpa(struct vd_dirty_log *log, u64 gpa, u64 len)
{
	return vd_dirty_count(log, vd_dirty_mark(log->bitmap, gpa, len));
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
 * vd_dirty_log_hva() - log a write to the owner's memory
 * @log: the log; its memory table may map a page at several guest addresses
 * @hva: user address of the range
 * @len: its length in bytes
 *
 * For I/O addresses: the log has a bit per page of guest physical addresses.
 *
 * Context: as vd_dirty_log_gpa().
 * Return: as vd_dirty_log_gpa(), and -EFAULT if a part of the range is in no
 * region. The other pages are marked nevertheless.
 */
int vd_dirty_log_hva(struct vd_dirty_log *log, u64 hva, u64 len)
{
	const struct vd_regions *regions = log->regions;
	bool whole = false;
	int err = 0;
	u32 i;

	for (i = 0; i < regions->nr; i++) {
		const struct vd_region *r = &regions->region[i];
		u64 first = max(hva, r->hva);
		u64 end = min(hva + len, r->hva + r->span + 1);

		if (first >= end)
			continue;
		err = vd_dirty_mark(log->bitmap, r->gpa + (first - r->hva),
				    end - first) ?: err;
		whole |= end - first == len;
	}
	if (!err && !whole && vd_dirty_reach(regions, hva, hva + len) < hva + len)
		err = -EFAULT;
	return vd_dirty_count(log, err);
}

/**
 * vd_dirty_log_covers() - check that writes to a range can be logged
 * @bitmap: user address of the bitmap
 * @gpa: guest physical address of the range's first byte
 * @last: that of its last byte
 *
 * Return: true if the bits of the range are user memory. An address without a
 * mapping is detected only on a write.
 */
bool vd_dirty_log_covers(u64 bitmap, u64 gpa, u64 last)
{
	u64 first_byte, last_byte;

	return gpa <= last &&
	       !check_add_overflow(bitmap, (gpa >> VD_DIRTY_PAGE_SHIFT) / 8,
				   &first_byte) &&
	       !check_add_overflow(bitmap, (last >> VD_DIRTY_PAGE_SHIFT) / 8,
				   &last_byte) &&
	       access_ok(u64_to_user_ptr(first_byte),
			 last_byte - first_byte + 1);
}

/* As vd_dirty_log_covers(), for all guest memory; true without memory. */
bool vd_dirty_log_covers_memory(u64 bitmap, const struct vd_regions *regions)
{
	const struct vd_region *last;

	if (!regions->nr)
		return true;
	last = &regions->region[regions->nr - 1];
	return vd_dirty_log_covers(bitmap, regions->region[0].gpa,
				   last->gpa + last->span);
}
