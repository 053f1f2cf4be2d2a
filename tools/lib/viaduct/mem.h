/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that a front end shares: guest memory and the dirty log. */
#ifndef VD_MEM_H
#define VD_MEM_H

#include <linux/types.h>

#include "guest/regions.h"
#include "proto.h"

#define VD_MEM_MAX_SLOTS	509U

/**
 * struct vd_map - a mapped file
 * @base: address of its first byte here; NULL if there is none
 * @len: bytes mapped
 * @data: address of the shared range
 * @size: bytes of the shared range
 */
struct vd_map {
	void *base;
	size_t len;
	u8 *data;
	u64 size;
};

/**
 * struct vd_slot - a region of guest memory
 * @gpa: guest physical address
 * @uaddr: address in the front end's address space
 * @map: the memory here
 */
struct vd_slot {
	u64 gpa;
	u64 uaddr;
	struct vd_map map;
};

/**
 * struct vd_table - guest memory
 * @nr: regions in @slot
 * @slot: the regions, in the order of the front end
 * @regions: the same for the engine, or NULL without regions
 */
struct vd_table {
	unsigned int nr;
	struct vd_slot slot[VD_MEM_MAX_SLOTS];
	struct vd_regions *regions;
};

int vd_map_open(struct vd_map *map, int fd, u64 offset, u64 size, bool any,
		int *faulted, const char **reason);
void vd_map_close(struct vd_map *map);
int vd_table_add(struct vd_table *table, const struct vd_proto_region *r,
		 int fd, bool any, int *faulted, const char **reason);
int vd_table_find(const struct vd_table *table,
		  const struct vd_proto_region *r);
int vd_table_build(struct vd_table *table);
void vd_table_close(struct vd_table *table);
u64 vd_table_hva(const struct vd_table *table, u64 uaddr, u64 len);

#endif
