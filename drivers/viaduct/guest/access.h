/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and writing guest memory.
 *
 * Enabling user access costs as much as a small copy. The ring code therefore
 * opens one window for a whole batch of accesses (user_access_begin(), which
 * also checks the range). Small payload copies run in a window too, and bypass
 * the copy routines, because their check of the kernel object's size is not
 * needed here.
 */
#ifndef VD_GUEST_ACCESS_H
#define VD_GUEST_ACCESS_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/uaccess.h>

/* Up to this length a loop of words is faster than a copy routine. */
#define VD_ACCESS_SMALL	256U

/**
 * vd_access_unsafe_read() - copy from guest memory inside an open window
 * @dst: kernel memory of at least @len bytes
 * @src: address in the owner's address space, inside the window
 * @len: bytes
 *
 * A constant @len is unrolled.
 *
 * Return: 0 or -EFAULT; @dst is then undefined, and the window still open.
 */
static __always_inline int vd_access_unsafe_read(void *dst,
						 const void __user *src,
						 size_t len)
{
	/* Unrolled by four: the loop costs more than the copy. */
	for (; len >= 4 * sizeof(u64); len -= 4 * sizeof(u64)) {
		unsafe_get_user(((u64 *)dst)[0], (const u64 __user *)src, fault);
		unsafe_get_user(((u64 *)dst)[1], (const u64 __user *)src + 1,
				fault);
		unsafe_get_user(((u64 *)dst)[2], (const u64 __user *)src + 2,
				fault);
		unsafe_get_user(((u64 *)dst)[3], (const u64 __user *)src + 3,
				fault);
		dst += 4 * sizeof(u64);
		src += 4 * sizeof(u64);
	}
	for (; len >= sizeof(u64); len -= sizeof(u64)) {
		unsafe_get_user(*(u64 *)dst, (const u64 __user *)src, fault);
		dst += sizeof(u64);
		src += sizeof(u64);
	}
	if (len & sizeof(u32)) {
		unsafe_get_user(*(u32 *)dst, (const u32 __user *)src, fault);
		dst += sizeof(u32);
		src += sizeof(u32);
	}
	if (len & sizeof(u16)) {
		unsafe_get_user(*(u16 *)dst, (const u16 __user *)src, fault);
		dst += sizeof(u16);
		src += sizeof(u16);
	}
	if (len & 1)
		unsafe_get_user(*(u8 *)dst, (const u8 __user *)src, fault);
	return 0;

fault:
	return -EFAULT;
}

/**
 * vd_access_read() - copy from guest memory
 * @dst: kernel memory of at least @len bytes
 * @src: address in the owner's address space, checked here
 * @len: bytes
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT; @dst is then undefined.
 */
static __always_inline int vd_access_read(void *dst, const void __user *src,
					  size_t len)
{
	int err;

	if (len > VD_ACCESS_SMALL)
		return copy_from_user(dst, src, len) ? -EFAULT : 0;
	if (!user_read_access_begin(src, len))
		return -EFAULT;
	err = vd_access_unsafe_read(dst, src, len);
	user_read_access_end();
	return err;
}

#endif
