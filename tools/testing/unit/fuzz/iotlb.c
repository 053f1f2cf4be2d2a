// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: messages of a client's IOMMU, and translations by them.
 *
 * The input is a series of commands of 6 bytes: u8 what (update, invalidate,
 * evict the oldest, translate), u8 how far addresses are shifted, u8 start, u8
 * length, u8 permissions, u8 room. Where mappings overlap either may serve, so
 * results are checked against all that exist.
 */
#include <errno.h>
#include <string.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "fuzz/input.h"
#include "guest/iotlb.h"
#include "guest/translate.h"
#include "lib/drv.h"
#include "umem.h"

#define MAX_MAPS	32U
#define MAX_ROOM	8U

#define IOTLB_CHECK(cond) do {					\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

struct iotlb {
	struct vd_iotlb iotlb;
	struct vd_mem mem;
	/* The mappings that must exist, the oldest first. */
	struct vd_iotlb_map map[MAX_MAPS];
	unsigned int nr;
};

struct command {
	u64 first;
	u64 last;
	u8 perm;
	u8 room;
};

static bool iotlb_holds(const struct vd_iotlb_map *map, u64 addr)
{
	return addr - map->region.gpa <= map->region.span;
}

static bool iotlb_overlaps(const struct vd_iotlb_map *map, u64 first, u64 last)
{
	return map->region.gpa <= last &&
	       first <= map->region.gpa + map->region.span;
}

static void iotlb_forget(struct iotlb *f, unsigned int i)
{
	memmove(&f->map[i], &f->map[i + 1],
		(f->nr - i - 1) * sizeof(f->map[0]));
	f->nr--;
}

static void iotlb_update(struct iotlb *f, const struct command *c)
{
	struct vd_iotlb_map *map = &f->map[f->nr];

	if (f->nr == MAX_MAPS)
		return;
	map->region.gpa = c->first;
	map->region.span = c->last - c->first;
	/* No two have the same user address. */
	map->region.hva = (u64)(f->nr + 1) << 56 ^ c->first;
	map->perm = c->perm;
	drv_iotlb_add(&f->iotlb, &map->region, map->perm);
	f->nr++;
}

static void iotlb_del(struct iotlb *f, struct vd_iotlb_map *map)
{
	vd_mem_forget(&f->mem, map->region.gpa,
		      map->region.gpa + map->region.span);
	vd_iotlb_del(&f->iotlb, map);
}

static void iotlb_invalidate(struct iotlb *f, const struct command *c)
{
	struct vd_iotlb_map *map;
	unsigned int i = 0;

	while ((map = vd_iotlb_find(&f->iotlb, c->first, c->last))) {
		IOTLB_CHECK(iotlb_overlaps(map, c->first, c->last));
		iotlb_del(f, map);
	}
	while (i < f->nr) {
		if (iotlb_overlaps(&f->map[i], c->first, c->last))
			iotlb_forget(f, i);
		else
			i++;
	}
	IOTLB_CHECK(f->iotlb.nr == f->nr);
}

static void iotlb_evict(struct iotlb *f)
{
	struct vd_iotlb_map *map = vd_iotlb_oldest(&f->iotlb);

	IOTLB_CHECK(!map == !f->nr);
	if (!map)
		return;
	IOTLB_CHECK(map->region.gpa == f->map[0].region.gpa &&
		    map->region.hva == f->map[0].region.hva);
	iotlb_del(f, map);
	iotlb_forget(f, 0);
}

/* Whether a mapping with permission @perm puts the piece where it was found. */
static bool iotlb_is_piece(const struct iotlb *f, u64 addr,
			   const struct iovec *seg, u8 perm)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++) {
		const struct vd_region *r = &f->map[i].region;

		if (!(perm & ~f->map[i].perm) && iotlb_holds(&f->map[i], addr) &&
		    seg->iov_len - 1 <= r->span - (addr - r->gpa) &&
		    (u64)seg->iov_base == r->hva + (addr - r->gpa))
			return true;
	}
	return false;
}

static bool iotlb_is_known(const struct iotlb *f, u64 addr)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++)
		if (iotlb_holds(&f->map[i], addr))
			return true;
	return false;
}

static bool iotlb_is_refused(const struct iotlb *f, const struct command *c)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++)
		if (c->perm & ~f->map[i].perm &&
		    iotlb_overlaps(&f->map[i], c->first, c->last))
			return true;
	return false;
}

static void iotlb_translate(struct iotlb *f, const struct command *c)
{
	u32 len = (u32)(c->last - c->first) + 1, got = 0;
	struct iovec seg[MAX_ROOM];
	int ret, i;

	if (!len)
		return;
	ret = vd_translate(&f->mem, c->first, len, c->perm, seg, c->room);
	switch (ret) {
	case -EAGAIN:
		IOTLB_CHECK(!iotlb_is_known(f, f->mem.miss.iova));
		IOTLB_CHECK(f->mem.miss.iova - c->first < len);
		IOTLB_CHECK(f->mem.miss.perm == c->perm);
		return;
	case -EFAULT:
		IOTLB_CHECK(iotlb_is_refused(f, c));
		return;
	case -E2BIG:
		/* The error may be found before the next piece is looked up. */
		IOTLB_CHECK(f->nr >= c->room);
		return;
	}
	IOTLB_CHECK(ret > 0 && ret <= c->room);
	for (i = 0; i < ret; i++) {
		IOTLB_CHECK(iotlb_is_piece(f, c->first + got, &seg[i],
					   c->perm));
		got += seg[i].iov_len;
	}
	IOTLB_CHECK(got == len);
}

static void iotlb_command(struct iotlb *f, struct input *in)
{
	u8 what = input_u8(in) % 4, shift = input_u8(in) % 57;
	struct command c;
	u64 len;

	c.first = (u64)input_u8(in) << shift;
	len = (u64)input_u8(in) + 1;
	len <<= what == 3 ? shift % 20 : shift;
	c.perm = input_u8(in) & VHOST_ACCESS_RW;
	c.room = 1 + input_u8(in) % MAX_ROOM;
	c.last = c.first + (len - 1);
	/* The message parser refuses what wraps. */
	if (c.last < c.first)
		c.last = ~0ULL;
	if (what == 0)
		iotlb_update(f, &c);
	else if (what == 1)
		iotlb_invalidate(f, &c);
	else if (what == 2)
		iotlb_evict(f);
	else if (c.perm)
		iotlb_translate(f, &c);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct iotlb f = {};

	slab_reset();
	vd_iotlb_init(&f.iotlb);
	vd_mem_set_iotlb(&f.mem, &f.iotlb);
	while (in.left)
		iotlb_command(&f, &in);
	while (f.nr)
		iotlb_evict(&f);
	IOTLB_CHECK(!f.iotlb.nr);
	umem_settle();
	IOTLB_CHECK(!slab_nr_live());
	return 0;
}
