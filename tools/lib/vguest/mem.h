/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_MEM_H
#define VGUEST_MEM_H

#include <linux/vhost.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/*
 * Guest memory: any number of regions, each a memfd of its own mapped at an
 * unrelated address, so that guest contiguity never implies host contiguity.
 */

#define VG_NO_GPA	UINT64_MAX

struct vg_region {
	uint64_t gpa;		/* first guest address */
	uint64_t size;		/* bytes */
	uint8_t *hva;		/* where this process sees it */
	int fd;			/* the memfd */
	uint64_t used;		/* bytes given out by vg_mem_alloc() */
};

struct vg_mem {
	struct vg_region *region;
	unsigned int nr;
	unsigned int last;	/* region of the previous look-up */
	bool huge;		/* further regions are of huge pages */
	bool overlap;		/* regions may overlap: the first counts */
};

#define VG_HUGE_PAGE	(2ULL << 20)

/* The size of a page: what mprotect() and munmap() work on; 16384 on some arm64. */
static inline size_t vg_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

/*
 * Regions are mapped from this address on, in the order of their creation,
 * instead of where the kernel chooses. For a kernel that treats a range of
 * addresses differently.
 */
extern uintptr_t vg_mem_at;

int vg_mem_add(struct vg_mem *mem, uint64_t gpa, uint64_t size);
void vg_mem_fini(struct vg_mem *mem);

/* Host address of a guest range inside one region, or NULL. */
void *vg_mem_hva(struct vg_mem *mem, uint64_t gpa, uint64_t len);

/* The same up to the end of the region; @len is set to the bytes available. */
void *vg_mem_piece(struct vg_mem *mem, uint64_t gpa, uint64_t *len);

/* First fit; single allocations are never freed. VG_NO_GPA when full. */
uint64_t vg_mem_alloc(struct vg_mem *mem, uint64_t size, uint64_t align);

/* The table for VHOST_SET_MEM_TABLE, to be freed by the caller. */
struct vhost_memory *vg_mem_table(const struct vg_mem *mem);

#endif
