/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOTLB: mappings from I/O virtual addresses to user addresses, which the
 * client writes as messages (ioctls.rst).
 */
#ifndef VD_GUEST_IOTLB_H
#define VD_GUEST_IOTLB_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/vhost_types.h>

#include "guest/regions.h"

/* Smallest unit that an IOMMU maps. */
#define VD_IOTLB_PAGE_SIZE	SZ_4K

/**
 * struct vd_iotlb_map - one mapping
 * @rb: node in &vd_iotlb.tree
 * @age: node in &vd_iotlb.fifo
 * @subtree_last: last address of the subtree, maintained by the interval tree
 * @region: the range; its "guest physical address" is an I/O address here
 * @perm: VHOST_ACCESS_RO, _WO or both
 */
struct vd_iotlb_map {
	struct rb_node rb;
	struct list_head age;
	u64 subtree_last;
	struct vd_region region;
	u8 perm;
};

/**
 * struct vd_iotlb - a device's mappings
 * @tree: mappings by range; they may overlap
 * @fifo: mappings by age, the oldest first
 * @nr: number of mappings
 *
 * A writer must hold the device's mutex and those of all queues; a reader must
 * hold one queue's mutex.
 */
struct vd_iotlb {
	struct rb_root_cached tree;
	struct list_head fifo;
	unsigned int nr;
};

void vd_iotlb_init(struct vd_iotlb *iotlb);
struct vd_iotlb_map *vd_iotlb_map_create(const struct vd_region *region,
					 u8 perm);
void vd_iotlb_add(struct vd_iotlb *iotlb, struct vd_iotlb_map *map);
void vd_iotlb_del(struct vd_iotlb *iotlb, struct vd_iotlb_map *map);
struct vd_iotlb_map *vd_iotlb_find(const struct vd_iotlb *iotlb, u64 first,
				   u64 last);
struct vd_iotlb_map *vd_iotlb_oldest(struct vd_iotlb *iotlb);

#endif
