// SPDX-License-Identifier: GPL-2.0-only
/* Slow path of the translation: a region without a hint, or several. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "guest/translate.h"

/**
 * vd_mem_forget() - drop the hints that lie in a removed mapping
 * @mem: the ring's view of guest memory
 * @first: first I/O address of the mapping
 * @last: its last address
 *
 * Context: the queue's mutex is held.
 */
void vd_mem_forget(struct vd_mem *mem, u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mem->hint); i++) {
		const struct vd_region *r = &mem->hint[i].region;

		if (first <= r->gpa + r->span && r->gpa <= last)
			mem->hint[i].perm = 0;
	}
}

static void vd_mem_set_hint(struct vd_mem *mem, const struct vd_region *r,
			    u8 perm)
{
	mem->hint[1] = mem->hint[0];
	mem->hint[0].region = *r;
	mem->hint[0].perm = perm;
}

/* Make the region that holds @addr the first hint. */
static int vd_mem_look_up(struct vd_mem *mem, u64 addr, u8 perm)
{
	const struct vd_iotlb_map *map;
	const struct vd_region *r;

	if (!mem->iotlb) {
		r = vd_regions_lookup(mem->regions, addr);
		if (!r)
			return -EFAULT;
		vd_mem_set_hint(mem, r, VHOST_ACCESS_RW);
		return 0;
	}
	map = vd_iotlb_find(mem->iotlb, addr, addr);
	if (!map) {
		mem->miss.iova = addr;
		mem->miss.perm = perm;
		mem->prefetch.nr = 0;
		mem->nr_lookups = 0;
		return -EAGAIN;
	}
	if (perm & ~map->perm)
		return -EFAULT;
	vd_mem_set_hint(mem, &map->region, map->perm);
	return 0;
}

/* Returns false if there is no room for another miss to prefetch. */
static bool vd_mem_add_miss(struct vd_mem *mem, const struct vd_miss *miss)
{
	return vd_miss_is_same(miss, &mem->miss) ||
	       vd_miss_set_find(&mem->prefetch, miss) >= 0 ||
	       vd_miss_set_add(&mem->prefetch, miss);
}

/**
 * vd_mem_prefetch() - collect the misses of a buffer to prefetch
 * @mem: the ring's view of guest memory, after a miss in its IOTLB
 * @addr: address of a buffer as the guest gave it [g]
 * @len: its length in bytes [g]
 * @perm: required access: VHOST_ACCESS_RO or _WO
 *
 * Return: false if &vd_mem.prefetch is full or the lookup limit is reached.
 */
bool vd_mem_prefetch(struct vd_mem *mem, u64 addr, u32 len, u8 perm)
{
	struct vd_miss miss = { .iova = addr, .perm = perm };
	u64 last = addr + (len - 1), end;

	/* Not a valid buffer: its own translation reports the error. */
	if (!len || last < addr)
		return true;
	do {
		const struct vd_iotlb_map *map;

		if (mem->nr_lookups++ >= VD_MAX_PREFETCH_LOOKUPS)
			return false;
		map = vd_iotlb_find(mem->iotlb, miss.iova, miss.iova);
		if (map) {
			end = map->region.gpa + map->region.span;
		} else {
			end = miss.iova | (VD_IOTLB_PAGE_SIZE - 1);
			if (!vd_mem_add_miss(mem, &miss))
				return false;
		}
		miss.iova = end + 1;
	} while (end < last);
	return true;
}

/**
 * vd_translate_slow() - translate by lookups instead of the hints
 * @mem: the ring's view of guest memory; the last region found becomes its
 *	 first hint
 * @addr: address of the buffer as the guest gave it [g]
 * @len: its length in bytes, not 0 [g]
 * @perm: required access: VHOST_ACCESS_RO or _WO
 * @seg: receives the pieces
 * @room: entries in @seg
 *
 * Context: the queue's mutex is held.
 * Return: as vd_translate().
 */
int vd_translate_slow(struct vd_mem *mem, u64 addr, u32 len, u8 perm,
		      struct iovec *seg, unsigned int room)
{
	int nr = 0;

	while (len) {
		const struct vd_region *r;
		u32 piece;
		u64 off;
		int err;

		if (!room--)
			return -E2BIG;
		err = vd_mem_look_up(mem, addr, perm);
		if (err)
			return err;
		r = &mem->hint[0].region;
		off = addr - r->gpa;
		piece = min_t(u64, len - 1, r->span - off) + 1;
		seg[nr].iov_base = (void __user *)(unsigned long)(r->hva + off);
		seg[nr].iov_len = piece;
		nr++;
		addr += piece;
		len -= piece;
		/* A buffer may end at 2^64, but must not wrap to 0. */
		if (len && !addr)
			return -EFAULT;
	}
	return nr;
}
