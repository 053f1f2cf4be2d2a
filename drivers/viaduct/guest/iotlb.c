// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings in an interval tree. If several contain an address, the one with the
 * lowest start is found; a client that replaces a mapping must send INVALIDATE
 * for the old one first.
 */
#include <linux/errno.h>
#include <linux/interval_tree_generic.h>
#include <linux/slab.h>

#include "guest/iotlb.h"

static u64 vd_iotlb_first(const struct vd_iotlb_map *map)
{
	return map->region.gpa;
}

static u64 vd_iotlb_last(const struct vd_iotlb_map *map)
{
	return map->region.gpa + map->region.span;
}

INTERVAL_TREE_DEFINE(struct vd_iotlb_map, rb, u64, subtree_last,
		     vd_iotlb_first, vd_iotlb_last, static __maybe_unused,
		     vd_iotlb_tree)

void vd_iotlb_init(struct vd_iotlb *iotlb)
{
	iotlb->tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&iotlb->fifo);
	iotlb->nr = 0;
}

/**
 * vd_iotlb_map_create() - allocate a mapping that is in no IOTLB yet
 * @region: the range, which must not wrap, and its user address
 * @perm: VHOST_ACCESS_RO, _WO or both
 *
 * Context: may reclaim memory; a queue's mutex must not be held, because its
 * handler would be blocked meanwhile.
 * Return: the mapping, or NULL.
 */
struct vd_iotlb_map *vd_iotlb_map_create(const struct vd_region *region,
					 u8 perm)
{
	struct vd_iotlb_map *map = kmalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);

	if (!map)
		return NULL;
	map->region = *region;
	map->perm = perm;
	return map;
}

/* @iotlb takes ownership of @map. */
void vd_iotlb_add(struct vd_iotlb *iotlb, struct vd_iotlb_map *map)
{
	vd_iotlb_tree_insert(map, &iotlb->tree);
	list_add_tail(&map->age, &iotlb->fifo);
	iotlb->nr++;
}

/* Frees @map, of which no &vd_mem.hint may hold a copy. */
void vd_iotlb_del(struct vd_iotlb *iotlb, struct vd_iotlb_map *map)
{
	vd_iotlb_tree_remove(map, &iotlb->tree);
	list_del(&map->age);
	iotlb->nr--;
	kfree(map);
}

/**
 * vd_iotlb_find() - find a mapping that touches a range
 * @iotlb: the IOTLB
 * @first: first I/O address
 * @last: last one
 *
 * Return: the one with the lowest start, or NULL.
 */
struct vd_iotlb_map *vd_iotlb_find(const struct vd_iotlb *iotlb, u64 first,
				   u64 last)
{
	/* A lookup changes nothing, but the generated function lacks the const. */
	return vd_iotlb_tree_iter_first((struct rb_root_cached *)&iotlb->tree,
					first, last);
}

/* Returns the mapping that was added first, or NULL. */
struct vd_iotlb_map *vd_iotlb_oldest(struct vd_iotlb *iotlb)
{
	return list_first_entry_or_null(&iotlb->fifo, struct vd_iotlb_map, age);
}
