// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration of a ring by the client: virtqueue format, size, addresses and
 * start position. The queue's mutex must be held.
 */
#include <linux/bits.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>

#include "ring/packed.h"
#include "ring/setup.h"
#include "ring/split.h"

static bool vd_ring_has_addr(const struct vd_ring *ring)
{
	return ring->desc.addr || ring->driver.addr || ring->device.addr;
}

/* After a change of addresses, size or features: translate again. */
void vd_ring_unmap(struct vd_ring *ring)
{
	ring->is_mapped = !ring->pages && vd_ring_has_addr(ring);
}

/* After a change of size or features, which determine the areas' lengths. */
static void vd_ring_resize(struct vd_ring *ring)
{
	if (ring->is_packed)
		vd_packed_resize(ring);
	else
		vd_split_resize(ring);
	vd_ring_unmap(ring);
}

void vd_ring_init(struct vd_ring *ring, struct vd_dirty_log *log)
{
	memset(ring, 0, sizeof(*ring));
	ring->log = log;
	ring->num = 1;
	vd_ring_resize(ring);
}

/*
 * Positions depend on the size and the format: before one of these changes, the
 * positions must be saved as a base. Position 0, where a new ring begins, is
 * the same for every size and format.
 */
static void vd_ring_keep_base(struct vd_ring *ring)
{
	if (ring->base_is_set || ring->next_avail || ring->published)
		vd_ring_set_base(ring, vd_ring_get_base(ring));
}

/**
 * vd_ring_set_features() - apply the acked features
 * @ring: the ring; must be stopped if the format or VIRTIO_F_IN_ORDER changes
 * @features: a checked set
 */
void vd_ring_set_features(struct vd_ring *ring, u64 features)
{
	bool is_packed = features & BIT_ULL(VIRTIO_F_RING_PACKED);

	if (is_packed != ring->is_packed)
		vd_ring_keep_base(ring);
	ring->is_packed = is_packed;
	ring->in_order = features & BIT_ULL(VIRTIO_F_IN_ORDER);
	ring->event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	/* For legacy drivers, which only support the split format. */
	ring->notify_on_empty = !ring->is_packed &&
				features & BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY);
	vd_ring_resize(ring);
}

/* The ring must be stopped, and @num a power of two. The base is kept. */
void vd_ring_set_num(struct vd_ring *ring, u16 num)
{
	vd_ring_keep_base(ring);
	ring->num = num;
	vd_ring_resize(ring);
}

/**
 * vd_ring_set_base() - set the start position
 * @ring: a stopped ring
 * @base: the argument of VHOST_SET_VRING_BASE; it is interpreted at the start
 *	  of the ring, when its size and format are known
 */
void vd_ring_set_base(struct vd_ring *ring, u32 base)
{
	ring->base = base;
	ring->base_is_set = true;
}

/*
 * The base of a packed ring has 32 bits: the next chain to fetch below, the next
 * used descriptor above. Some clients set only the lower half. An upper half of
 * 0 is also a valid position, slot 0 of an odd lap; but a stopped ring has
 * nothing in flight, so the lower half is then 0 too, and both readings agree.
 */
static u32 vd_ring_whole_base(u32 base)
{
	return base >> 16 ? base : base | base << 16;
}

/**
 * vd_ring_get_base() - get the position of the ring
 * @ring: the ring
 *
 * Return: the result of VHOST_GET_VRING_BASE: the next chain to fetch and, in
 * the packed format, the next used descriptor, even if the client set only the
 * former.
 */
u32 vd_ring_get_base(const struct vd_ring *ring)
{
	if (ring->base_is_set)
		return ring->is_packed ? vd_ring_whole_base(ring->base) :
					 ring->base;
	if (!ring->is_packed)
		return ring->next_avail;
	return vd_packed_to_off_wrap(ring, ring->next_avail) |
	       (u32)vd_packed_to_off_wrap(ring, ring->published) << 16;
}

void vd_ring_set_addr(struct vd_ring *ring, const struct vhost_vring_addr *addr)
{
	vd_area_set(&ring->desc, addr->desc_user_addr);
	vd_area_set(&ring->driver, addr->avail_user_addr);
	vd_area_set(&ring->device, addr->used_user_addr);
	vd_ring_unmap(ring);
	ring->is_logged = addr->flags & BIT(VHOST_VRING_F_LOG);
	ring->log_gpa = addr->log_guest_addr;
}

/* Whether the device area can be logged as if it were at @gpa. */
static bool vd_ring_can_log_at(const struct vd_ring *ring, u64 bitmap, u64 gpa)
{
	/* With an IOTLB, the memory table has the addresses to log. */
	return ring->pages ||
	       vd_dirty_log_covers(bitmap, gpa, gpa + ring->device.len - 1);
}

/**
 * vd_ring_can_set_addr() - check new addresses of a running ring
 * @ring: the ring; does not change
 * @addr: the addresses
 *
 * With an IOTLB the areas are checked on each mapping instead.
 *
 * Return: true if the areas are user memory and, if @addr sets VHOST_VRING_F_LOG,
 * can be logged. An address without a mapping is detected only on access.
 */
bool vd_ring_can_set_addr(const struct vd_ring *ring,
			  const struct vhost_vring_addr *addr)
{
	if (addr->flags & BIT(VHOST_VRING_F_LOG) &&
	    !vd_ring_can_log_at(ring, ring->log->bitmap, addr->log_guest_addr))
		return false;
	return ring->pages ||
	       (vd_area_is_user_at(&ring->desc, addr->desc_user_addr) &&
		vd_area_is_user_at(&ring->driver, addr->avail_user_addr) &&
		vd_area_is_user_at(&ring->device, addr->used_user_addr));
}

/* Returns whether all areas are user memory; size and addresses must be set. */
bool vd_ring_is_user(const struct vd_ring *ring)
{
	return ring->pages ||
	       (vd_area_is_user_at(&ring->desc, ring->desc.addr) &&
		vd_area_is_user_at(&ring->driver, ring->driver.addr) &&
		vd_area_is_user_at(&ring->device, ring->device.addr));
}

/**
 * vd_ring_can_log() - check that the writes to a ring can be logged
 * @ring: the ring, with size, addresses and features set
 * @bitmap: user address of the dirty bitmap
 *
 * Return: true if they can, or if they need not be logged. An address without a
 * mapping is detected only on a write.
 */
bool vd_ring_can_log(const struct vd_ring *ring, u64 bitmap)
{
	return !ring->is_logged ||
	       vd_ring_can_log_at(ring, bitmap, ring->log_gpa);
}

/* Clears the addresses. @pages translates I/O addresses; NULL: user addresses. */
void vd_ring_set_pages(struct vd_ring *ring, struct vd_ring_pages *pages)
{
	static const struct vhost_vring_addr none;

	ring->pages = pages;
	vd_ring_set_addr(ring, &none);
}

/**
 * vd_ring_forget() - unmap the ring if it lies in a removed mapping
 * @ring: the ring
 * @first: first I/O address of the mapping
 * @last: its last address
 */
void vd_ring_forget(struct vd_ring *ring, u64 first, u64 last)
{
	if (vd_area_touches(&ring->desc, first, last) ||
	    vd_area_touches(&ring->driver, first, last) ||
	    vd_area_touches(&ring->device, first, last))
		vd_ring_unmap(ring);
}

/**
 * vd_ring_map() - translate the I/O addresses of a ring's areas
 * @ring: the ring
 * @mem: its view of guest memory
 *
 * Return: 0; -EAGAIN on an IOTLB miss; -EFAULT if a mapping denies the access;
 * -EPROTO if an area is neither contiguous nor aligned (virtio 1.2, 2.7 and
 * 2.8); -ENXIO if the ring has no addresses.
 */
int vd_ring_map(struct vd_ring *ring, struct vd_mem *mem)
{
	int err;

	if (likely(ring->is_mapped))
		return 0;
	if (!vd_ring_has_addr(ring))
		return -ENXIO;
	err = vd_area_map(&ring->desc, mem, ring->pages->desc) ?:
	      vd_area_map(&ring->driver, mem, ring->pages->driver) ?:
	      vd_area_map(&ring->device, mem, ring->pages->device);
	ring->is_mapped = !err;
	return err;
}

/**
 * vd_ring_probe() - check that a ring can be started, and enable kicks
 * @ring: the ring; only &vd_ring.kick_flags changes
 * @mem: its view of guest memory
 * @used_idx: position of the next used entry: in a split ring as this or a
 *	      previous device left it in memory, in a packed ring 0
 *
 * Context: on the owner's mm, may fault.
 * Return: 0; -EFAULT; -EAGAIN if the IOTLB has no mapping for the device area.
 */
int vd_ring_probe(struct vd_ring *ring, struct vd_mem *mem, u16 *used_idx)
{
	__le16 idx;
	int err = 0;

	/* Only the device area is accessed. */
	if (ring->pages && !ring->is_mapped)
		err = vd_area_map(&ring->device, mem, ring->pages->device);
	if (err)
		return err;
	*used_idx = 0;
	if (ring->is_packed)
		return vd_packed_set_kick_flags(ring,
						VRING_PACKED_EVENT_FLAG_ENABLE);
	err = vd_split_set_kick_flags(ring, 0);
	if (err)
		return err;
	if (get_user(idx, vd_split_used_idx(ring)))
		return -EFAULT;
	*used_idx = le16_to_cpu(idx);
	return 0;
}

/*
 * The next used descriptor is at most one lap behind the next chain to fetch.
 * For any other used half of a base, assume that nothing is in flight.
 */
static void vd_ring_start_packed(struct vd_ring *ring, u32 base)
{
	u16 in_flight;

	ring->next_avail = vd_packed_from_off_wrap(ring, base);
	ring->used_idx = vd_packed_from_off_wrap(ring, base >> 16);
	in_flight = (ring->next_avail - ring->used_idx) & (2 * ring->num - 1);
	if (in_flight > ring->num)
		ring->used_idx = ring->next_avail;
}

/* Start at the base; @used_idx is from vd_ring_probe(). */
void vd_ring_start(struct vd_ring *ring, u16 used_idx)
{
	u32 base = vd_ring_get_base(ring);

	ring->base_is_set = false;
	ring->next_avail = base;
	ring->used_idx = used_idx;
	if (ring->is_packed)
		vd_ring_start_packed(ring, base);
	ring->published = ring->used_idx;
	ring->written = ring->used_idx;
	ring->seen_avail = ring->next_avail;
	ring->signalled_valid = false;
	ring->head_is_known = false;
	ring->may_merge = false;
	ring->nr_completed = 0;
	ring->nr_pending = 0;
}
