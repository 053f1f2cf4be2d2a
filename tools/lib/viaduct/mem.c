// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping the files of a front end.
 *
 * Every number comes from the front end. A file is accepted only if it has the
 * pages of the range now, and if its file system is memory: a file system that
 * a process serves could stop an access for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/err.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "mem.h"
#include "sigbus.h"

/*
 * Files of tmpfs and hugetlbfs, and no others, have seals. The file system is not
 * asked, as it would be by fstat(): a process that serves it need not answer.
 */
static bool vd_map_is_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

/* Size and page size of the file; false with a reason if it cannot be used. */
static bool vd_map_check(int fd, u64 offset, u64 size, bool any, u64 *page,
			 const char **reason)
{
	struct stat st;
	u64 end;

	if (!size || __builtin_add_overflow(offset, size, &end))
		*reason = "a range is empty or wraps";
	else if (!any && !vd_map_is_memory(fd))
		*reason = "memory is not on tmpfs or hugetlbfs";
	else if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		*reason = "memory is not a file";
	else if (st.st_size < 0 || end > (u64)st.st_size)
		*reason = "a range exceeds its file";
	else
		*reason = NULL;
	if (*reason)
		return false;
	/* A power of two: the size of a huge page on hugetlbfs. */
	*page = st.st_blksize < 4096 ? 4096 : st.st_blksize;
	return true;
}

/**
 * vd_map_open() - map a range of a file
 * @map: filled in
 * @fd: the file; stays open
 * @offset: offset of the range [any value]
 * @size: bytes of the range [any value]
 * @any: accept a file of any file system
 * @faulted: flag for vd_sigbus_guard()
 * @reason: set on error
 *
 * The mapping begins at the page of @offset: with many regions in one large file,
 * mappings from its beginning would exceed the address space.
 *
 * Return: 0 or -errno.
 */
int vd_map_open(struct vd_map *map, int fd, u64 offset, u64 size, bool any,
		int *faulted, const char **reason)
{
	u64 page, start, len;
	void *p;

	if (!vd_map_check(fd, offset, size, any, &page, reason))
		return -EINVAL;
	start = offset & ~(page - 1);
	len = (offset - start + size + page - 1) & ~(page - 1);
	*reason = "memory cannot be mapped";
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		 fd, start);
	if (p == MAP_FAILED)
		return -errno;
	if (vd_sigbus_guard(p, len, faulted)) {
		munmap(p, len);
		return -ENOMEM;
	}
	madvise(p, len, MADV_DONTDUMP);
	*map = (struct vd_map){ p, len, (u8 *)p + (offset - start), size };
	*reason = NULL;
	return 0;
}

/**
 * vd_map_close() - unmap a file
 * @map: the mapping, which no thread uses, or an empty one
 */
void vd_map_close(struct vd_map *map)
{
	if (!map->base)
		return;
	vd_sigbus_unguard(map->base);
	munmap(map->base, map->len);
	*map = (struct vd_map){};
}

/**
 * vd_table_add() - append a region
 * @table: the table; vd_table_build() must follow
 * @r: the region [any value]
 * @fd: its file; stays open
 * @any: accept a file of any file system
 * @faulted: flag for vd_sigbus_guard()
 * @reason: set on error
 *
 * Return: 0 or -errno.
 */
int vd_table_add(struct vd_table *table, const struct vd_proto_region *r,
		 int fd, bool any, int *faulted, const char **reason)
{
	struct vd_slot *slot = &table->slot[table->nr];
	u64 last;
	int err;

	*reason = "too many regions";
	if (table->nr == VD_MEM_MAX_SLOTS)
		return -ENOSPC;
	*reason = "a region is empty or wraps";
	if (!r->size || __builtin_add_overflow(r->gpa, r->size - 1, &last) ||
	    __builtin_add_overflow(r->uaddr, r->size - 1, &last))
		return -EINVAL;
	err = vd_map_open(&slot->map, fd, r->offset, r->size, any, faulted,
			  reason);
	if (err)
		return err;
	slot->gpa = r->gpa;
	slot->uaddr = r->uaddr;
	table->nr++;
	return 0;
}

/**
 * vd_table_find() - find a region by its addresses and size
 * @table: the table
 * @r: the region
 *
 * Return: its index, or -ENOENT.
 */
int vd_table_find(const struct vd_table *table,
		  const struct vd_proto_region *r)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		const struct vd_slot *slot = &table->slot[i];

		if (slot->gpa == r->gpa && slot->uaddr == r->uaddr &&
		    slot->map.size == r->size)
			return i;
	}
	return -ENOENT;
}

/**
 * vd_table_build() - make the table for the engine
 * @table: the regions; an earlier &vd_table.regions is not freed
 *
 * Return: 0 or -errno.
 */
int vd_table_build(struct vd_table *table)
{
	struct vhost_memory_region *r = calloc(table->nr + 1, sizeof(*r));
	unsigned int i;

	table->regions = NULL;
	if (!r)
		return -ENOMEM;
	for (i = 0; i < table->nr; i++) {
		r[i].guest_phys_addr = table->slot[i].gpa;
		r[i].memory_size = table->slot[i].map.size;
		r[i].userspace_addr = (uintptr_t)table->slot[i].map.data;
	}
	table->regions = vd_regions_create(r, table->nr);
	free(r);
	if (!IS_ERR(table->regions))
		return 0;
	table->regions = NULL;
	return -ENOMEM;
}

/**
 * vd_table_close() - unmap all regions
 * @table: the table, which no ring uses; empty afterwards
 */
void vd_table_close(struct vd_table *table)
{
	while (table->nr)
		vd_map_close(&table->slot[--table->nr].map);
	vd_regions_destroy(table->regions);
	table->regions = NULL;
}

/**
 * vd_table_hva() - translate an address of the front end
 * @table: the table
 * @uaddr: address in the front end's address space [any value]
 * @len: bytes, not 0; must lie in one region
 *
 * Return: the address here, or 0.
 */
u64 vd_table_hva(const struct vd_table *table, u64 uaddr, u64 len)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		const struct vd_slot *slot = &table->slot[i];
		u64 off = uaddr - slot->uaddr;

		if (off < slot->map.size && len <= slot->map.size - off)
			return (uintptr_t)slot->map.data + off;
	}
	return 0;
}
