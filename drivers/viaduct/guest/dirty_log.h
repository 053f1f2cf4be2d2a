/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log: a bitmap of guest pages in the owner's address space, in which
 * the client finds the pages that the device has written.
 */
#ifndef VD_GUEST_DIRTY_LOG_H
#define VD_GUEST_DIRTY_LOG_H

#include <linux/types.h>

struct vd_regions;

/* Page size of the log, independent of the host's. */
#define VD_DIRTY_PAGE_SHIFT	12

/**
 * struct vd_dirty_log - a queue's access to the dirty log
 * @bitmap: user address of the bitmap [q]
 * @regions: the memory table, to find the guest addresses of user memory [q]
 * @lost: writes that could not be marked since the caller last cleared this [q]
 * @marked: there was a mark since the caller last cleared this [q]
 */
struct vd_dirty_log {
	u64 bitmap;
	const struct vd_regions *regions;
	u64 lost;
	bool marked;
};

int vd_dirty_log_gpa(struct vd_dirty_log *log, u64 gpa, u64 len);
int vd_dirty_log_hva(struct vd_dirty_log *log, u64 hva, u64 len);
bool vd_dirty_log_covers(u64 bitmap, u64 gpa, u64 last);
bool vd_dirty_log_covers_memory(u64 bitmap, const struct vd_regions *regions);

#endif
