/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory in the address space of a client. */
#ifndef VDC_MEMORY_H
#define VDC_MEMORY_H

#include <linux/types.h>
#include <sys/types.h>

#include "client.h"

#define VDC_MAX_REGIONS	64U

/**
 * struct vdc_region - a region of guest memory
 * @gpa: guest physical address
 * @size: bytes
 * @uaddr: address in the client
 * @dev: file system of the file that is mapped there
 * @ino: its inode
 * @offset: offset of @uaddr in it
 * @vma_start: the client's mapping at @uaddr
 * @vma_end: its end
 */
struct vdc_region {
	u64 gpa;
	u64 size;
	u64 uaddr;
	dev_t dev;
	ino_t ino;
	u64 offset;
	u64 vma_start;
	u64 vma_end;
};

/**
 * struct vdc_table - guest memory
 * @nr: regions in @region
 * @region: the regions, in the order of the client
 */
struct vdc_table {
	unsigned int nr;
	struct vdc_region region[VDC_MAX_REGIONS];
};

int vdc_memory_find(const struct vdc_client *c, struct vdc_table *table);
int vdc_memory_open(const struct vdc_client *c, const struct vdc_region *r);
bool vdc_memory_is_same(const struct vdc_region *a, const struct vdc_region *b);
bool vdc_table_covers(const struct vdc_table *table, u64 uaddr, u64 len);

#endif
