// SPDX-License-Identifier: GPL-2.0-only
/* The translation's general case: another region, or several. */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "guest/translate.h"

/**
 * vd_translate_slow() - translate without the help of the last hit
 * @mem: the ring's view of guest memory; the last region found becomes its
 *	 hint
 * @gpa: guest physical address of the buffer [g]
 * @len: its length in bytes, not 0 [g]
 * @seg: where the pieces go
 * @room: how many pieces fit there
 *
 * Context: the queue's mutex is held.
 * Return: as vd_translate().
 */
int vd_translate_slow(struct vd_mem *mem, u64 gpa, u32 len, struct iovec *seg,
		      unsigned int room)
{
	int nr = 0;

	while (len) {
		const struct vd_region *r;
		u64 off;
		u32 piece;

		if (!room--)
			return -E2BIG;
		r = vd_regions_lookup(mem->regions, gpa);
		if (!r)
			return -EFAULT;
		mem->hint = r;
		off = gpa - r->gpa;
		piece = min_t(u64, len - 1, r->span - off) + 1;
		seg[nr].iov_base = (void __user *)(unsigned long)(r->hva + off);
		seg[nr].iov_len = piece;
		nr++;
		gpa += piece;
		len -= piece;
		/* A buffer may end at 2^64, but not go on at 0. */
		if (len && !gpa)
			return -EFAULT;
	}
	return nr;
}
