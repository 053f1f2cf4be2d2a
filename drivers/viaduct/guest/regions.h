/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory table: maps guest physical addresses to addresses in the client's
 * address space.
 */
#ifndef VD_GUEST_REGIONS_H
#define VD_GUEST_REGIONS_H

#include <linux/types.h>
#include <linux/vhost_types.h>

/**
 * struct vd_region - a range of guest memory with one user mapping
 * @gpa: first guest physical address [c]
 * @span: size - 1, so that a region can cover the whole address space [c]
 * @hva: address of the first byte in the owner's address space [c]
 */
struct vd_region {
	u64 gpa;
	u64 span;
	u64 hva;
};

/**
 * struct vd_regions - an immutable memory table
 * @nr: entries in @region [c]
 * @is_user: every range lies in user address space [c]
 * @region: sorted by @gpa, disjoint [c]
 */
struct vd_regions {
	u32 nr;
	bool is_user;
	struct vd_region region[];
};

struct vd_regions *vd_regions_create(const struct vhost_memory_region *table,
				     u32 nr);
void vd_regions_destroy(struct vd_regions *regions);
const struct vd_region *vd_regions_lookup(const struct vd_regions *regions,
					  u64 gpa);

#endif
