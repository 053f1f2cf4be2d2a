// SPDX-License-Identifier: GPL-2.0-only
/* The driver's side, written straight into the memory behind the addresses. */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "drv.h"

const struct vhost_memory_region drv_table[DRV_NR_REGIONS] = {
	{ .guest_phys_addr = DRV_C_GPA, .memory_size = DRV_C_LEN,
	  .userspace_addr = DRV_C_HVA },
	{ .guest_phys_addr = DRV_A_GPA, .memory_size = DRV_A_LEN,
	  .userspace_addr = DRV_A_HVA },
	{ .guest_phys_addr = DRV_B_GPA, .memory_size = DRV_B_LEN,
	  .userspace_addr = DRV_B_HVA },
};

static size_t drv_avail_len(u16 num)
{
	return sizeof(struct vring_avail) + sizeof(__virtio16) * (num + 1);
}

size_t drv_used_len(const struct drv *d)
{
	return sizeof(struct vring_used) +
	       sizeof(struct vring_used_elem) * d->guest.num +
	       sizeof(__virtio16);
}

static u64 drv_features(unsigned int f)
{
	return (f & DRV_EVENT_IDX ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0) |
	       (f & DRV_ON_EMPTY ? BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) : 0) |
	       (f & DRV_PACKED ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0) |
	       (f & DRV_IN_ORDER ? BIT_ULL(VIRTIO_F_IN_ORDER) : 0);
}

void drv_init_ring(struct drv *d, u16 num, unsigned int features)
{
	const struct vhost_vring_addr addr = {
		.desc_user_addr = DRV_DESC,
		.avail_user_addr = DRV_AVAIL,
		.used_user_addr = DRV_USED,
		.flags = features & DRV_LOG ? BIT(VHOST_VRING_F_LOG) : 0,
		.log_guest_addr = DRV_LOG_GPA,
	};
	size_t room = sizeof(*d->batch) +
		      sizeof(d->batch->chain[0]) * VD_BATCH;

	memset(d, 0, sizeof(*d));
	d->guest.desc = DRV_DESC;
	d->guest.num = num;
	umem_map(DRV_DESC, sizeof(struct vring_desc) * num,
		 features & DRV_PACKED ? UMEM_R | UMEM_W : UMEM_R);
	umem_map(DRV_AVAIL, drv_avail_len(num), UMEM_R);
	umem_map(DRV_USED, drv_used_len(d), UMEM_R | UMEM_W);
	umem_map(DRV_LOG_MAP, DRV_LOG_LEN, UMEM_R | UMEM_W);

	vd_ring_init(&d->ring, &d->log);
	vd_ring_set_num(&d->ring, num);
	vd_ring_set_features(&d->ring, drv_features(features));
	vd_ring_set_addr(&d->ring, &addr);
	d->log.bitmap = DRV_LOG_MAP - DRV_LOG_PAGE / 8;
	vd_ring_start(&d->ring, 0);

	d->batch = calloc(1, room);
	if (!d->batch)
		umem_die("out of memory");
	d->batch->max = VD_BATCH;
}

void drv_set_table(struct drv *d, const struct vhost_memory_region *table,
		   u32 nr)
{
	vd_regions_destroy(d->regions);
	d->regions = vd_regions_create(table, nr);
	if (IS_ERR(d->regions))
		umem_die("the table is refused: %ld", PTR_ERR(d->regions));
	vd_mem_set(&d->mem, d->regions);
	d->log.regions = d->regions;
	d->guest.table = table;
	d->guest.nr = nr;
}

void drv_init(struct drv *d, u16 num, unsigned int features)
{
	unsigned int i;

	drv_init_ring(d, num, features);
	for (i = 0; i < DRV_NR_REGIONS; i++)
		umem_map(drv_table[i].userspace_addr, drv_table[i].memory_size,
			 UMEM_R);
	drv_set_table(d, drv_table, DRV_NR_REGIONS);
}

void drv_fini(struct drv *d)
{
	umem_settle();
	vd_regions_destroy(d->regions);
	free(d->batch);
}

/* 2.8.1: the wrap counter is 1 in the first lap and changes with each. */
static bool drv_wrap(const struct drv *d, u16 pos)
{
	return pos / d->guest.num % 2 == 0;
}

u16 drv_code(const struct drv *d, u16 pos)
{
	return pos % d->guest.num | drv_wrap(d, pos) << 15;
}

u32 drv_base(const struct drv *d, u16 avail, u16 used)
{
	if (!d->ring.is_packed)
		return avail;
	return drv_code(d, avail) | (u32)drv_code(d, used) << 16;
}

static struct vring_packed_desc *drv_packed_ring(const struct drv *d, u16 pos)
{
	return umem_ptr(DRV_DESC + 16ULL * (pos % d->guest.num), 16);
}

u16 drv_packed_flags(const struct drv *d, u16 pos)
{
	return le16_to_cpu(drv_packed_ring(d, pos)->flags);
}

void drv_packed_set_flags(struct drv *d, u16 pos, u16 flags)
{
	drv_packed_ring(d, pos)->flags = cpu_to_le16(flags);
}

struct vring_packed_desc drv_packed_at(const struct drv *d, u16 pos)
{
	return *drv_packed_ring(d, pos);
}

u16 drv_packed_avail(const struct drv *d, u16 pos, u16 flags)
{
	return flags | (drv_wrap(d, pos) ? BIT(7) : BIT(15));
}

bool drv_packed_is_used(const struct drv *d, u16 pos)
{
	u16 both = BIT(7) | BIT(15);

	return (drv_packed_flags(d, pos) & both) == (drv_wrap(d, pos) ? both : 0);
}

/* As if all up to @idx had been made available and used. */
static void drv_packed_reset(struct drv *d, u16 idx)
{
	u32 i;

	for (i = d->guest.num; i; i--)
		drv_packed_set_flags(d, idx - i, drv_wrap(d, idx - i) ?
				     BIT(7) | BIT(15) : 0);
}

void drv_packed_desc(struct drv *d, u16 pos, u64 addr, u32 len, u16 id,
		     u16 flags)
{
	struct vring_packed_desc *desc = drv_packed_ring(d, pos);

	desc->addr = cpu_to_le64(addr);
	desc->len = cpu_to_le32(len);
	desc->id = cpu_to_le16(id);
	desc->flags = cpu_to_le16(flags);
}

struct vring_packed_desc_event *drv_packed_driver(void)
{
	return umem_ptr(DRV_AVAIL, sizeof(struct vring_packed_desc_event));
}

struct vring_packed_desc_event *drv_packed_device(void)
{
	return umem_ptr(DRV_USED, sizeof(struct vring_packed_desc_event));
}

bool drv_packed_must_kick(const struct drv *d, u16 shown, u16 old)
{
	const struct vring_packed_desc_event *e = drv_packed_device();

	if (le16_to_cpu(e->flags) != VRING_PACKED_EVENT_FLAG_DESC)
		return le16_to_cpu(e->flags) == VRING_PACKED_EVENT_FLAG_ENABLE;
	/* Position by position, unlike the module's arithmetic. */
	for (; old != shown; old++)
		if (drv_code(d, old) == le16_to_cpu(e->off_wrap))
			return true;
	return false;
}

void drv_start_at(struct drv *d, u16 idx)
{
	if (d->ring.is_packed) {
		drv_packed_reset(d, idx);
		vd_ring_set_base(&d->ring, drv_base(d, idx, idx));
	} else {
		drv_set_avail_idx(d, idx);
		vd_ring_set_base(&d->ring, idx);
	}
	vd_ring_start(&d->ring, idx);
}

static void drv_write_desc(struct vring_desc *desc, u64 addr, u32 len,
			   u16 flags, u16 next)
{
	desc->addr = cpu_to_le64(addr);
	desc->len = cpu_to_le32(len);
	desc->flags = cpu_to_le16(flags);
	desc->next = cpu_to_le16(next);
}

void drv_desc(struct drv *d, u16 slot, u64 addr, u32 len, u16 flags, u16 next)
{
	u64 at = DRV_DESC + sizeof(struct vring_desc) * slot;

	(void)d;
	drv_write_desc(umem_ptr(at, sizeof(struct vring_desc)), addr, len,
		       flags, next);
}

void drv_table_desc(u64 gpa, u32 slot, u64 addr, u32 len, u16 flags, u16 next)
{
	struct vring_desc desc;
	const u8 *byte = (const u8 *)&desc;
	unsigned int i;

	gpa += sizeof(desc) * slot;
	drv_write_desc(&desc, addr, len, flags, next);
	/* Byte by byte, as the table may cross from one region to the next. */
	for (i = 0; i < sizeof(desc); i++, gpa++) {
		const struct vhost_memory_region *r =
			ref_owner(drv_table, DRV_NR_REGIONS, gpa);

		if (!r)
			umem_die("the test's table lies outside of memory");
		*(u8 *)umem_ptr(r->userspace_addr + (gpa - r->guest_phys_addr),
				1) = byte[i];
	}
}

static struct vring_avail *drv_avail(const struct drv *d)
{
	return umem_ptr(DRV_AVAIL, drv_avail_len(d->guest.num));
}

static struct vring_used *drv_used(const struct drv *d)
{
	return umem_ptr(DRV_USED, drv_used_len(d));
}

void drv_set_avail_idx(struct drv *d, u16 idx)
{
	d->avail_idx = idx;
	drv_avail(d)->idx = cpu_to_le16(idx);
}

void drv_set_avail(struct drv *d, u16 idx, u16 head)
{
	drv_avail(d)->ring[idx % d->guest.num] = cpu_to_le16(head);
}

void drv_offer(struct drv *d, u16 head)
{
	drv_set_avail(d, d->avail_idx, head);
	drv_set_avail_idx(d, d->avail_idx + 1);
}

void drv_set_used_event(struct drv *d, u16 event)
{
	drv_avail(d)->ring[d->guest.num] = cpu_to_le16(event);
}

void drv_set_no_interrupt(struct drv *d, bool on)
{
	drv_avail(d)->flags = cpu_to_le16(on ? VRING_AVAIL_F_NO_INTERRUPT : 0);
}

u16 drv_used_idx(const struct drv *d)
{
	return le16_to_cpu(drv_used(d)->idx);
}

struct vring_used_elem drv_used_elem(const struct drv *d, u16 idx)
{
	return drv_used(d)->ring[idx % d->guest.num];
}

u16 drv_used_flags(void)
{
	return le16_to_cpu(*(__le16 *)umem_ptr(DRV_USED, sizeof(__le16)));
}

u16 drv_avail_event(const struct drv *d)
{
	__virtio16 event;

	memcpy(&event, &drv_used(d)->ring[d->guest.num], sizeof(event));
	return le16_to_cpu(event);
}

int drv_fetch(struct drv *d, unsigned int max)
{
	int ret = vd_ring_fetch(&d->ring, &d->mem, d->batch, max);

	umem_settle();
	return ret;
}

int drv_complete(struct vd_ring *ring, u16 head, u32 len)
{
	const struct vd_chain chain = {
		.head = head, .nr_slots = 1, .in_len = len,
	};

	return vd_ring_complete(ring, &chain, len);
}

void drv_iotlb_add(struct vd_iotlb *iotlb, const struct vd_region *region,
		   u8 perm)
{
	struct vd_iotlb_map *map = vd_iotlb_map_create(region, perm);

	if (!map)
		umem_die("no memory for a mapping");
	vd_iotlb_add(iotlb, map);
}

int drv_try(struct drv *d, u16 head)
{
	drv_offer(d, head);
	return drv_fetch(d, 1);
}
