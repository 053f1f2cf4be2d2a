/* SPDX-License-Identifier: GPL-2.0-only */
/* From the addresses in descriptors to those of the owner's address space. */
#ifndef VD_GUEST_TRANSLATE_H
#define VD_GUEST_TRANSLATE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/uio.h>

#include "guest/regions.h"

/**
 * struct vd_mem - one ring's view of guest memory
 * @regions: the memory table, or NULL before there is one [q]
 * @hint: the stretch that held the last address, or NULL: buffers come from
 *	  the same stretch most of the time [q]
 */
struct vd_mem {
	const struct vd_regions *regions;
	const struct vd_region *hint;
};

static inline void vd_mem_set(struct vd_mem *mem,
			      const struct vd_regions *regions)
{
	mem->regions = regions;
	mem->hint = NULL;
}

int vd_translate_slow(struct vd_mem *mem, u64 gpa, u32 len, struct iovec *seg,
		      unsigned int room);

/**
 * vd_translate() - find a guest buffer in the owner's address space
 * @mem: the ring's view of guest memory
 * @gpa: guest physical address of the buffer [g]
 * @len: its length in bytes, not 0 [g]
 * @seg: where the pieces go: a buffer may lie across several regions
 * @room: how many pieces fit there, at least 1
 *
 * Context: the queue's mutex is held.
 * Return: the number of pieces, -EFAULT when a byte of the buffer lies in no
 * region, -E2BIG when @room is too small.
 */
static __always_inline int vd_translate(struct vd_mem *mem, u64 gpa, u32 len,
					struct iovec *seg, unsigned int room)
{
	const struct vd_region *r = mem->hint;

	if (likely(r)) {
		u64 off = gpa - r->gpa;

		/* An address below the region makes off huge. */
		if (likely(off <= r->span && len - 1 <= r->span - off)) {
			seg->iov_base = (void __user *)
					(unsigned long)(r->hva + off);
			seg->iov_len = len;
			return 1;
		}
	}
	return vd_translate_slow(mem, gpa, len, seg, room);
}

#endif
