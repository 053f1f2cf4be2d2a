// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory of a driver in a process. One thread, no locking. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"

uintptr_t vg_mem_at;

static int vg_region_map(struct vg_region *r, bool huge)
{
	void *p;

	r->fd = memfd_create("vguest", MFD_CLOEXEC |
			     (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0));
	if (r->fd < 0)
		return -errno;
	if (ftruncate(r->fd, r->size))
		goto err_close;
	p = mmap((void *)vg_mem_at, r->size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | (vg_mem_at ? MAP_FIXED_NOREPLACE : 0), r->fd, 0);
	if (p == MAP_FAILED)
		goto err_close;
	/* With a hole behind it: no two regions are one mapping. */
	if (vg_mem_at)
		vg_mem_at += (r->size + 2 * VG_HUGE_PAGE - 1) &
			     ~(VG_HUGE_PAGE - 1);
	r->hva = p;
	return 0;

err_close:
	close(r->fd);
	return -errno;
}

int vg_mem_add(struct vg_mem *mem, uint64_t gpa, uint64_t size)
{
	struct vg_region r = { .gpa = gpa, .size = size };
	struct vg_region *grown;
	int ret;

	if (mem->huge)
		r.size = (size + VG_HUGE_PAGE - 1) & ~(VG_HUGE_PAGE - 1);
	grown = realloc(mem->region, (mem->nr + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	mem->region = grown;
	ret = vg_region_map(&r, mem->huge);
	if (ret)
		return ret;
	mem->region[mem->nr++] = r;
	return 0;
}

void vg_mem_fini(struct vg_mem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		munmap(mem->region[i].hva, mem->region[i].size);
		close(mem->region[i].fd);
	}
	free(mem->region);
	*mem = (struct vg_mem){ 0 };
}

static void *vg_region_hva(const struct vg_region *r, uint64_t gpa,
			   uint64_t len)
{
	if (gpa < r->gpa || gpa - r->gpa > r->size ||
	    len > r->size - (gpa - r->gpa))
		return NULL;
	return r->hva + (gpa - r->gpa);
}

void *vg_mem_hva(struct vg_mem *mem, uint64_t gpa, uint64_t len)
{
	unsigned int i;
	void *p;

	if (!mem->nr)
		return NULL;
	p = mem->overlap ? NULL :
	    vg_region_hva(&mem->region[mem->last], gpa, len);
	for (i = 0; !p && i < mem->nr; i++) {
		p = vg_region_hva(&mem->region[i], gpa, len);
		mem->last = p ? i : mem->last;
	}
	return p;
}

void *vg_mem_piece(struct vg_mem *mem, uint64_t gpa, uint64_t *len)
{
	void *p = vg_mem_hva(mem, gpa, 1);
	const struct vg_region *r;

	if (!p)
		return NULL;
	r = &mem->region[mem->last];
	if (*len > r->size - (gpa - r->gpa))
		*len = r->size - (gpa - r->gpa);
	return p;
}

uint64_t vg_mem_alloc(struct vg_mem *mem, uint64_t size, uint64_t align)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		struct vg_region *r = &mem->region[i];
		uint64_t at = (r->used + align - 1) / align * align;

		if (at > r->size || size > r->size - at)
			continue;
		r->used = at + size;
		return r->gpa + at;
	}
	return VG_NO_GPA;
}

struct vhost_memory *vg_mem_table(const struct vg_mem *mem)
{
	struct vhost_memory *t;
	unsigned int i;

	t = calloc(1, sizeof(*t) + mem->nr * sizeof(t->regions[0]));
	if (!t)
		return NULL;
	t->nregions = mem->nr;
	for (i = 0; i < mem->nr; i++) {
		t->regions[i].guest_phys_addr = mem->region[i].gpa;
		t->regions[i].memory_size = mem->region[i].size;
		t->regions[i].userspace_addr = (uintptr_t)mem->region[i].hva;
	}
	return t;
}
