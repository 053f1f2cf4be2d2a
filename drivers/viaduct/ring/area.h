/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A part of a virtqueue in memory: descriptor area, driver area or device area
 * (virtio 1.2, section 2.6).
 */
#ifndef VD_RING_AREA_H
#define VD_RING_AREA_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <linux/uaccess.h>

struct vd_mem;

#define VD_AREA_PAGE_SHIFT	12
#define VD_AREA_PAGE_SIZE	BIT(VD_AREA_PAGE_SHIFT)

/* Pages that an area of @len bytes can touch. */
#define VD_AREA_NR_PAGES(len)	((len) / VD_AREA_PAGE_SIZE + 2)

/**
 * struct vd_area - location and extent of an area
 * @addr: address that the client set: a user address, or an I/O address
 * @base: user address of the area, or of its first piece if it is scattered
 * @page: user addresses of its pages, or NULL if it is contiguous
 * @len: size in bytes, not 0; follows from the ring's size and features
 * @page_offset: bytes of the first page before the area
 * @align: alignment that keeps fields from crossing a page boundary, a power
 *	   of two
 * @perm: required access: VHOST_ACCESS_RO, _WO or both
 *
 * All [q].
 */
struct vd_area {
	u64 addr;
	void __user *base;
	void __user **page;
	u32 len;
	u16 page_offset;
	u8 align;
	u8 perm;
};

/*
 * Returns the user address of the field at offset @off of a mapped area. No field
 * crosses a page boundary, see vd_area_map().
 */
static __always_inline void __user *vd_area_at(const struct vd_area *area,
					       size_t off)
{
	if (likely(!area->page))
		return area->base + off;
	off += area->page_offset;
	return *(area->page + (off >> VD_AREA_PAGE_SHIFT)) +
	       (off & (VD_AREA_PAGE_SIZE - 1));
}

/* Length of a user-access window over the area, which begins at its base. */
static __always_inline size_t vd_area_window(const struct vd_area *area)
{
	return likely(!area->page) ? area->len : 1;
}

/* Whether the area shares a byte with the range from @first to @last. */
static inline bool vd_area_touches(const struct vd_area *area, u64 first,
				   u64 last)
{
	return area->addr <= last && first <= area->addr + (area->len - 1);
}

/* Whether the area would be user memory at the user address @addr. */
static inline bool vd_area_is_user_at(const struct vd_area *area, u64 addr)
{
	return access_ok(u64_to_user_ptr(addr), area->len);
}

void vd_area_set(struct vd_area *area, u64 addr);
void vd_area_resize(struct vd_area *area, size_t len, u8 align, u8 perm);
int vd_area_map(struct vd_area *area, struct vd_mem *mem, void __user **page);

#endif
