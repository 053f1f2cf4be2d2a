// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locating the areas of a virtqueue.
 *
 * Without an IOTLB the client sets user addresses, which need no translation.
 * With one an area is translated once, and again only after a mapping that it
 * lies in is removed. Behind an IOMMU an area can be scattered; an IOMMU maps
 * pages, and fields are aligned, so a table of pages reaches every field.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "guest/area.h"
#include "guest/translate.h"

/**
 * vd_area_set() - an area of the owner's address space
 * @area: the area
 * @addr: its user address
 */
void vd_area_set(struct vd_area *area, u64 addr)
{
	area->addr = addr;
	area->base = u64_to_user_ptr(addr);
	area->page = NULL;
	area->skew = 0;
}

/**
 * vd_area_is_user() - check that an area is user memory
 * @area: an area in one piece
 * @len: its size in bytes
 *
 * Return: true if it is. An address without a mapping is detected only on
 * access.
 */
bool vd_area_is_user(const struct vd_area *area, size_t len)
{
	return access_ok(area->base, len);
}

/**
 * vd_area_map() - translate an area's I/O address
 * @area: the area; unchanged on error
 * @mem: the ring's view of guest memory
 * @len: the area's size in bytes, not 0
 * @align: alignment that keeps fields from crossing a page boundary, a power
 *	   of two
 * @perm: required access: VHOST_ACCESS_RO, _WO or both
 * @page: room for VD_AREA_NR_PAGES(@len) addresses
 *
 * Context: the queue's mutex is held.
 * Return: 0; -EAGAIN if the IOTLB has no mapping for a byte of it (see
 * vd_translate()); -EFAULT if a mapping denies the access, the area wraps, or a
 * page of it is in several pieces; -EPROTO if it is scattered and not aligned.
 */
int vd_area_map(struct vd_area *area, struct vd_mem *mem, size_t len,
		u32 align, u8 perm, void __user **page)
{
	u32 skew = area->addr & (VD_AREA_PAGE_SIZE - 1), off = skew;
	bool whole = true;
	unsigned int i;
	u64 at;

	if (area->addr + (len - 1) < area->addr)
		return -EFAULT;
	for (i = 0, at = area->addr; len; i++) {
		u32 part = min_t(size_t, len, VD_AREA_PAGE_SIZE - off);
		struct iovec seg;
		int nr;

		nr = vd_translate(mem, at, part, perm, &seg, 1);
		if (nr < 0)
			return nr == -EAGAIN ? nr : -EFAULT;
		page[i] = seg.iov_base - off;
		whole &= !i || page[i] == page[i - 1] + VD_AREA_PAGE_SIZE;
		at += part;
		len -= part;
		off = 0;
	}
	/* A field across a page boundary would go on in an unrelated page. */
	if (!whole && area->addr % align)
		return -EPROTO;
	area->base = page[0] + skew;
	area->page = whole ? NULL : page;
	area->skew = skew;
	return 0;
}
