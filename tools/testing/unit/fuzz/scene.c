// SPDX-License-Identifier: GPL-2.0-only
/* Builds scenes, and checks the invariants of all of them. */
#include <linux/kernel.h>
#include <string.h>

#include "fuzz/scene.h"

#define REGION(gpa, size, n) {					\
	.guest_phys_addr = (gpa),				\
	.memory_size = (size),					\
	.userspace_addr = UMEM_BASE + 0x10000000ULL * (n),	\
}

/* The second touches the first, the last overlaps it; one ends at the highest address. */
const struct vhost_memory_region scene_regions[SCENE_NR_REGIONS] = {
	REGION(0x1000, 0x1000, 1),
	REGION(0x2000, 0x0800, 2),
	REGION(0x10000, 0x8000, 3),
	REGION(~0ULL - 0xfff, 0x1000, 4),
	REGION(0x2400, 0x0800, 5),
};

u64 scene_gpa(u8 place, s16 off)
{
	const struct vhost_memory_region *r =
		&scene_regions[(place >> 1) % SCENE_NR_REGIONS];

	if (place & 0x80)
		return ((u64)place << 57) + ((u64)(s64)off << (place & 0x3f));
	if (place & 1)
		return r->guest_phys_addr + r->memory_size + off;
	return r->guest_phys_addr + off;
}

static void scene_map(struct scene *s, u8 mask)
{
	u32 i, nr = 0;

	/* Region C always exists: it contains the tables. */
	mask |= 1 << 2;
	for (i = 0; i < SCENE_NR_REGIONS; i++) {
		const struct vhost_memory_region *r = &scene_regions[i];

		umem_map(r->userspace_addr, r->memory_size, UMEM_R);
		if (mask & (1 << i))
			s->table[nr++] = *r;
	}
	drv_set_table(&s->d, s->table, nr);
}

/* Fill descriptors from the input; returns how many were written. */
static u32 scene_descs(struct input *in, struct vring_desc *desc, u32 max)
{
	u32 nr = 0;

	while (nr < max && in->left) {
		u8 place = input_u8(in), flags;
		u16 off, len;
		u32 repeat;
		s8 step;

		if (place == SCENE_END)
			break;
		off = input_u16(in);
		len = input_u16(in);
		flags = input_u8(in);
		step = input_u8(in);
		for (repeat = 1U << (flags >> 4); repeat && nr < max; repeat--) {
			desc[nr].addr = cpu_to_le64(scene_gpa(place, off));
			desc[nr].len = cpu_to_le32(flags & 8 ? len * 16U : len);
			desc[nr].flags = cpu_to_le16(flags & 7);
			desc[nr].next = cpu_to_le16(nr + step);
			nr++;
		}
	}
	return nr;
}

/* The packed layout has the flags where the split one has the next slot. */
static void scene_turn(struct vring_desc *desc, u32 nr)
{
	for (; nr; nr--, desc++)
		swap(desc->flags, desc->next);
}

void scene_offer(struct scene *s, unsigned int nr)
{
	struct drv *d = &s->d;

	if (!d->ring.is_packed) {
		drv_set_avail_idx(d, d->avail_idx + nr);
		return;
	}
	for (; nr; nr--, d->avail_idx++) {
		u16 flags = drv_packed_flags(d, d->avail_idx) & 7;

		drv_packed_set_flags(d, d->avail_idx,
				     drv_packed_avail(d, d->avail_idx, flags));
	}
}

void scene_init(struct scene *s, struct input *in, unsigned int layout)
{
	u16 num = 1U << (input_u8(in) % 12);
	unsigned int i, nr, nr_offers;
	u8 mask, features;
	u16 idx;

	umem_reset();
	features = input_u8(in) & ~DRV_PACKED;
	drv_init_ring(&s->d, num, features | layout);
	mask = input_u8(in);
	scene_map(s, mask);
	idx = input_u16(in);
	drv_start_at(&s->d, idx);
	nr_offers = input_u8(in);
	for (i = 0; i < nr_offers; i++) {
		u16 head = num > 255 ? input_u16(in) : input_u8(in);

		if (!s->d.ring.is_packed)
			drv_offer(&s->d, head);
	}
	nr = input_u8(in);
	if (num > 255)
		nr *= 16;
	scene_descs(in, umem_ptr(DRV_DESC, 16 * num), min_t(u32, nr, num));
	scene_descs(in, umem_ptr(scene_regions[2].userspace_addr,
				 scene_regions[2].memory_size),
		    scene_regions[2].memory_size / 16);
	if (!s->d.ring.is_packed)
		return;
	scene_turn(umem_ptr(DRV_DESC, 16 * num), num);
	scene_turn(umem_ptr(scene_regions[2].userspace_addr,
			    scene_regions[2].memory_size),
		   scene_regions[2].memory_size / 16);
	s->d.avail_idx = idx;
	scene_offer(s, nr_offers);
}

void scene_fini(struct scene *s)
{
	drv_fini(&s->d);
}

/* A piece must lie in one of the regions. */
static void scene_check_seg(const struct scene *s, const struct iovec *seg)
{
	u64 hva = (u64)seg->iov_base;
	u32 i;

	SCENE_CHECK(seg->iov_len);
	for (i = 0; i < s->d.guest.nr; i++) {
		const struct vhost_memory_region *r = &s->table[i];

		if (hva >= r->userspace_addr &&
		    hva - r->userspace_addr < r->memory_size &&
		    seg->iov_len <= r->memory_size - (hva - r->userspace_addr))
			return;
	}
	umem_die("a piece lies outside of all regions");
}

void scene_check_batch(const struct scene *s)
{
	const struct vd_batch *batch = s->d.batch;
	unsigned int i, k, nr_seg = 0, nr_desc = 0;

	SCENE_CHECK(batch->nr <= batch->max);
	for (i = 0; i < batch->nr; i++) {
		const struct vd_chain *c = &batch->chain[i];
		size_t len[2] = {};

		if (!s->d.ring.is_packed)
			SCENE_CHECK(c->head < s->d.ring.num);
		SCENE_CHECK(c->nr_slots && c->nr_slots <= s->d.ring.num);
		SCENE_CHECK(c->first_seg == nr_seg && c->first_desc == nr_desc);
		nr_desc += c->nr_desc;
		nr_seg += c->nr_out + c->nr_in;
		SCENE_CHECK(nr_seg <= VD_MAX_SEGS && nr_desc <= VD_MAX_SEGS);
		for (k = c->first_seg; k < nr_seg; k++) {
			scene_check_seg(s, &batch->seg[k]);
			len[k >= c->first_seg + (u32)c->nr_out] +=
				batch->seg[k].iov_len;
		}
		SCENE_CHECK(len[0] == c->out_len && len[1] == c->in_len);
	}
	SCENE_CHECK(batch->nr_seg == nr_seg && batch->nr_desc == nr_desc);
}
