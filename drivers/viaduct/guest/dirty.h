/* SPDX-License-Identifier: GPL-2.0-only */
/* The dirty log: a bitmap of guest pages in the owner's address space. */
#ifndef VD_GUEST_DIRTY_H
#define VD_GUEST_DIRTY_H

#include <linux/types.h>

struct vd_regions;

/* A page of the log, whatever the host's page size is. */
#define VD_DIRTY_PAGE_SHIFT	12

int vd_dirty_mark(u64 base, u64 gpa, u64 len);
int vd_dirty_mark_user(u64 base, const struct vd_regions *regions, u64 at,
		       u64 len);
bool vd_dirty_is_user(u64 base, u64 gpa, u64 last);
bool vd_dirty_covers(u64 base, const struct vd_regions *regions);

#endif
