// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory table as a flat array.
 *
 * VHOST_SET_MEM_TABLE takes regions in any order, and they may overlap: an
 * address belongs to the region with the lowest start among those that contain
 * it, and to the first in the table if starts are equal. The table is therefore
 * sorted and cut into disjoint regions once, here, so that the data path finds
 * at most one. A table is constant; a new one replaces the old.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "guest/regions.h"

/* Sort key: start address, then position in the client's table. */
struct vd_regions_key {
	u64 gpa;
	u32 idx;
};

static int vd_regions_key_cmp(const void *a, const void *b)
{
	const struct vd_regions_key *x = a, *y = b;

	if (x->gpa != y->gpa)
		return x->gpa < y->gpa ? -1 : 1;
	return x->idx < y->idx ? -1 : x->idx > y->idx;
}

static bool vd_regions_is_user(const struct vhost_memory_region *r)
{
	u64 last;

	return !check_add_overflow(r->userspace_addr, r->memory_size - 1,
				   &last) &&
	       access_ok((void __user *)(unsigned long)r->userspace_addr,
			 r->memory_size);
}

/*
 * Append the part of @r that no earlier entry covers. Entries must be added in
 * order of their start: since none starts after @r, the rest of @r is contiguous.
 */
static void vd_regions_add(struct vd_regions *regions,
			   const struct vhost_memory_region *r)
{
	u64 gpa = r->guest_phys_addr, last = gpa + (r->memory_size - 1);
	struct vd_region *new = &regions->region[regions->nr];

	if (regions->nr) {
		const struct vd_region *prev = new - 1;
		u64 covered = prev->gpa + prev->span;

		if (last <= covered)
			return;
		gpa = max(gpa, covered + 1);
	}
	new->gpa = gpa;
	new->span = last - gpa;
	new->hva = r->userspace_addr + (gpa - r->guest_phys_addr);
	regions->nr++;
}

/**
 * vd_regions_create() - check a memory table and sort it for lookups
 * @table: the client's entries, already copied from user space
 * @nr: number of entries; with 0 every lookup fails
 *
 * An entry must not be empty and must not wrap. Whether all user ranges are
 * user memory is only recorded (&vd_regions.is_user): VHOST_SET_MEM_TABLE must
 * not fail for it unless a ring runs.
 *
 * Return: the table, or ERR_PTR of -EFAULT for a bad entry, -ENOMEM.
 */
struct vd_regions *vd_regions_create(const struct vhost_memory_region *table,
				     u32 nr)
{
	struct vd_regions_key *keys;
	struct vd_regions *regions;
	u64 last;
	u32 i;

	for (i = 0; i < nr; i++)
		if (!table[i].memory_size ||
		    check_add_overflow(table[i].guest_phys_addr,
				       table[i].memory_size - 1, &last))
			return ERR_PTR(-EFAULT);

	regions = kvzalloc(struct_size(regions, region, nr),
			   GFP_KERNEL_ACCOUNT);
	keys = kvmalloc_array(max(nr, 1U), sizeof(*keys), GFP_KERNEL);
	if (!regions || !keys) {
		kvfree(keys);
		kvfree(regions);
		return ERR_PTR(-ENOMEM);
	}

	regions->is_user = true;
	for (i = 0; i < nr; i++) {
		keys[i].gpa = table[i].guest_phys_addr;
		keys[i].idx = i;
		regions->is_user &= vd_regions_is_user(&table[i]);
	}
	sort(keys, nr, sizeof(*keys), vd_regions_key_cmp, NULL);
	for (i = 0; i < nr; i++)
		vd_regions_add(regions, &table[keys[i].idx]);
	kvfree(keys);
	return regions;
}

/* No ring may use @regions, which may be NULL. */
void vd_regions_destroy(struct vd_regions *regions)
{
	kvfree(regions);
}

/**
 * vd_regions_lookup() - find the region that holds an address
 * @regions: the memory table
 * @gpa: the address [g]
 *
 * Return: the region, or NULL.
 */
const struct vd_region *vd_regions_lookup(const struct vd_regions *regions,
					  u64 gpa)
{
	const struct vd_region *r = regions->region;
	u32 nr = regions->nr;

	/*
	 * The last region that does not start above @gpa, or the first one. Not
	 * bsearch(), which calls its comparison through a pointer.
	 */
	while (nr > 1) {
		u32 half = nr / 2;

		if (r[half].gpa <= gpa)
			r += half;
		nr -= half;
	}
	/* An address below the region makes the difference huge. */
	return nr && gpa - r->gpa <= r->span ? r : NULL;
}
