/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translation of descriptor addresses to the owner's address space. The queue's
 * mutex must be held.
 */
#ifndef VD_GUEST_TRANSLATE_H
#define VD_GUEST_TRANSLATE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/uio.h>

#include "guest/iotlb.h"
#include "guest/iotlb_miss.h"
#include "guest/regions.h"

/* Limit on IOTLB lookups to find misses to prefetch. */
#define VD_MAX_PREFETCH_LOOKUPS	256U

/**
 * struct vd_hint - a region that a lookup has found
 * @region: a copy, so that a stale hint cannot refer to freed memory [q]
 * @perm: access that it permits: VHOST_ACCESS_RO, _WO or both; 0 in an empty
 *	  hint, which serves no access [q]
 */
struct vd_hint {
	struct vd_region region;
	u8 perm;
};

/**
 * struct vd_mem - one ring's view of guest memory
 * @regions: the memory table, or NULL before there is one [q]
 * @iotlb: translates IOVAs; NULL if descriptors carry guest physical addresses,
 *	   which @regions translates [q]
 * @hint: regions of the last two lookups, the latest first: the memory of a guest
 *	  above 3 GiB is two large regions [q]
 * @miss: the miss in @iotlb, after -EAGAIN [q]
 * @nr_lookups: lookups in @iotlb made to fill @prefetch [q]
 * @prefetch: misses of addresses that will be translated soon, after
 *	      -EAGAIN [q]
 */
struct vd_mem {
	const struct vd_regions *regions;
	const struct vd_iotlb *iotlb;
	struct vd_hint hint[2];
	struct vd_miss miss;
	unsigned int nr_lookups;
	struct vd_miss_set prefetch;
};

static inline void vd_mem_clear_hints(struct vd_mem *mem)
{
	mem->hint[0].perm = 0;
	mem->hint[1].perm = 0;
}

static inline void vd_mem_set(struct vd_mem *mem,
			      const struct vd_regions *regions)
{
	mem->regions = regions;
	vd_mem_clear_hints(mem);
}

static inline void vd_mem_set_iotlb(struct vd_mem *mem,
				    const struct vd_iotlb *iotlb)
{
	mem->iotlb = iotlb;
	vd_mem_clear_hints(mem);
}

void vd_mem_forget(struct vd_mem *mem, u64 first, u64 last);
bool vd_mem_prefetch(struct vd_mem *mem, u64 addr, u32 len, u8 perm);
int vd_translate_slow(struct vd_mem *mem, u64 addr, u32 len, u8 perm,
		      struct iovec *seg, unsigned int room);

/* Whether a hint has the whole buffer and permits the access. */
static __always_inline bool vd_hint_has(const struct vd_hint *hint, u64 addr,
					u32 len, u8 perm)
{
	/* An address below the region makes off huge. */
	u64 off = addr - hint->region.gpa;

	return off <= hint->region.span && len - 1 <= hint->region.span - off &&
	       !(perm & ~hint->perm);
}

/**
 * vd_translate_hit() - vd_translate() within the regions of the last lookups
 * @mem: the ring's view of guest memory
 * @addr: address of the buffer as the guest gave it [g]
 * @len: its length in bytes, not 0 [g]
 * @perm: required access, not 0: VHOST_ACCESS_RO, _WO or both
 * @seg: receives the buffer as one piece
 *
 * Context: the queue's mutex is held. A user-access window may be open.
 * Return: true on a hit; on false the caller must use vd_translate_slow().
 */
static __always_inline bool vd_translate_hit(const struct vd_mem *mem, u64 addr,
					     u32 len, u8 perm,
					     struct iovec *seg)
{
	const struct vd_hint *hint = mem->hint;

	if (unlikely(!vd_hint_has(hint, addr, len, perm))) {
		hint++;
		if (!vd_hint_has(hint, addr, len, perm))
			return false;
	}
	seg->iov_base = (void __user *)(unsigned long)
			(hint->region.hva + (addr - hint->region.gpa));
	seg->iov_len = len;
	return true;
}

/**
 * vd_translate() - translate a guest buffer to the owner's address space
 * @mem: the ring's view of guest memory
 * @addr: address of the buffer as the guest gave it [g]
 * @len: its length in bytes, not 0 [g]
 * @perm: required access, not 0: VHOST_ACCESS_RO, _WO or both
 * @seg: receives the pieces: a buffer may span several regions
 * @room: entries in @seg, at least 1
 *
 * Return: the number of pieces; -EFAULT if a byte of the buffer lies in no
 * region or its region does not permit the access; -E2BIG if @room is too
 * small; -EAGAIN if the IOTLB has no mapping for a byte: its address is then
 * in &vd_mem.miss.
 */
static __always_inline int vd_translate(struct vd_mem *mem, u64 addr, u32 len,
					u8 perm, struct iovec *seg,
					unsigned int room)
{
	if (vd_translate_hit(mem, addr, len, perm, seg))
		return 1;
	return vd_translate_slow(mem, addr, len, perm, seg, room);
}

#endif
