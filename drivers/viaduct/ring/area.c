// SPDX-License-Identifier: GPL-2.0-only
/*
 * Location of the areas of a virtqueue.
 *
 * Without an IOTLB the client sets user addresses, which need no translation.
 * With an IOTLB, an area is translated once, and again only after a mapping
 * that it lies in is removed. Behind an IOMMU an area can be scattered; an
 * IOMMU maps pages, and fields are aligned, so a table of pages reaches every
 * field.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "guest/translate.h"
#include "ring/area.h"

void vd_area_set(struct vd_area *area, u64 addr)
{
	area->addr = addr;
	area->base = u64_to_user_ptr(addr);
	area->page = NULL;
	area->page_offset = 0;
}

/* With an IOTLB, the caller must map the area again. */
void vd_area_resize(struct vd_area *area, size_t len, u8 align, u8 perm)
{
	area->len = len;
	area->align = align;
	area->perm = perm;
}

/**
 * vd_area_map() - translate an area's I/O address
 * @area: the area; unchanged on error
 * @mem: the ring's view of guest memory
 * @page: room for VD_AREA_NR_PAGES(&vd_area.len) addresses
 *
 * Return: 0; -EAGAIN on an IOTLB miss; -EFAULT if a mapping denies the access,
 * the area wraps, or a page of it is in several pieces; -EPROTO if it is
 * scattered and not aligned.
 */
int vd_area_map(struct vd_area *area, struct vd_mem *mem, void __user **page)
{
	u32 page_offset = area->addr & (VD_AREA_PAGE_SIZE - 1);
	u32 off = page_offset, len = area->len;
	bool whole = true;
	unsigned int i;
	u64 at;

	if (area->addr + (len - 1) < area->addr)
		return -EFAULT;
	for (i = 0, at = area->addr; len; i++) {
		u32 part = min_t(u32, len, VD_AREA_PAGE_SIZE - off);
		struct iovec seg;
		int nr;

		nr = vd_translate(mem, at, part, area->perm, &seg, 1);
		if (nr < 0)
			return nr == -EAGAIN ? nr : -EFAULT;
		page[i] = seg.iov_base - off;
		whole &= !i || page[i] == page[i - 1] + VD_AREA_PAGE_SIZE;
		at += part;
		len -= part;
		off = 0;
	}
	/* A field across a page boundary would end in an unrelated page. */
	if (!whole && area->addr % area->align)
		return -EPROTO;
	area->base = page[0] + page_offset;
	area->page = whole ? NULL : page;
	area->page_offset = page_offset;
	return 0;
}
