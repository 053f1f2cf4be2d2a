/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a ring, and the device under test beside it.
 *
 * Guest memory is three regions: A and B are adjacent in the guest but not in
 * the client; after them is a hole, then C.
 */
#ifndef DRV_H
#define DRV_H

#include "ref.h"
#include "ring/ring.h"
#include "umem.h"

#define DRV_DESC	(UMEM_BASE + 0x01000000)
#define DRV_AVAIL	(UMEM_BASE + 0x02000000)
#define DRV_USED	(UMEM_BASE + 0x03000000)

#define DRV_A_GPA	0x1000ULL
#define DRV_A_LEN	0x100000ULL
#define DRV_A_HVA	(UMEM_BASE + 0x10000000)
#define DRV_B_GPA	(DRV_A_GPA + DRV_A_LEN)
#define DRV_B_LEN	0x100000ULL
#define DRV_B_HVA	(UMEM_BASE + 0x20000000)
#define DRV_HOLE_GPA	(DRV_B_GPA + DRV_B_LEN)
#define DRV_C_GPA	0x40000000ULL
#define DRV_C_LEN	0x200000ULL
#define DRV_C_HVA	(UMEM_BASE + 0x30000000)

#define DRV_NR_REGIONS	3

/* What the driver acked, for drv_init(). */
#define DRV_EVENT_IDX	1U
#define DRV_ON_EMPTY	2U
#define DRV_PACKED	8U
#define DRV_IN_ORDER	16U
/* Not a feature, but also set before the start: log writes to the used area. */
#define DRV_LOG		4U

/*
 * The log: its address, and the page of its first bit. The log address of the
 * used area is 8 bytes before the end of that page.
 */
#define DRV_LOG_MAP	(UMEM_BASE + 0x04000000)
#define DRV_LOG_LEN	64U
#define DRV_LOG_PAGE	0x12340ULL
#define DRV_LOG_GPA	((DRV_LOG_PAGE << 12) + 4096 - 8)

/**
 * struct drv - a ring with both its sides
 * @ring: the device's
 * @log: the device's access to the dirty log
 * @mem: the device's view of guest memory
 * @batch: chains that the device has fetched
 * @regions: the memory table in the module's form
 * @guest: the same for the reference
 * @avail_idx: the driver's index
 */
struct drv {
	struct vd_ring ring;
	struct vd_dirty_log log;
	struct vd_mem mem;
	struct vd_batch *batch;
	struct vd_regions *regions;
	struct ref_guest guest;
	u16 avail_idx;
};

extern const struct vhost_memory_region drv_table[DRV_NR_REGIONS];

/* Everything but guest memory: for tests with a table of their own. */
void drv_init_ring(struct drv *d, u16 num, unsigned int features);
void drv_set_table(struct drv *d, const struct vhost_memory_region *table,
		   u32 nr);
/* All of it; the ring begins at 0. */
void drv_init(struct drv *d, u16 num, unsigned int features);
void drv_fini(struct drv *d);
/* Begin anew at another position, as after SET_VRING_BASE. */
void drv_start_at(struct drv *d, u16 idx);
/* A position in the ABI's encoding, and both positions of a packed ring. */
u16 drv_code(const struct drv *d, u16 pos);
u32 drv_base(const struct drv *d, u16 avail, u16 used);

/* Driver: a descriptor, of the ring or of an indirect table at @gpa. */
void drv_desc(struct drv *d, u16 slot, u64 addr, u32 len, u16 flags, u16 next);
void drv_table_desc(u64 gpa, u32 slot, u64 addr, u32 len, u16 flags, u16 next);
/* Driver: an entry of the avail ring, and how far the ring is filled. */
void drv_set_avail(struct drv *d, u16 idx, u16 head);
void drv_set_avail_idx(struct drv *d, u16 idx);
/* Driver: write a head after the others, and publish it. */
void drv_offer(struct drv *d, u16 head);
/* Driver: event suppression. */
void drv_set_used_event(struct drv *d, u16 event);
void drv_set_no_interrupt(struct drv *d, bool on);
/* Driver: what the device wrote. */
u16 drv_used_idx(const struct drv *d);
struct vring_used_elem drv_used_elem(const struct drv *d, u16 idx);
u16 drv_used_flags(void);
size_t drv_used_len(const struct drv *d);
u16 drv_avail_event(const struct drv *d);

/* The same of a packed ring, at positions. */
void drv_packed_desc(struct drv *d, u16 pos, u64 addr, u32 len, u16 id,
		     u16 flags);
u16 drv_packed_flags(const struct drv *d, u16 pos);
void drv_packed_set_flags(struct drv *d, u16 pos, u16 flags);
/* @flags with the bits that make the descriptor available. */
u16 drv_packed_avail(const struct drv *d, u16 pos, u16 flags);
bool drv_packed_is_used(const struct drv *d, u16 pos);
struct vring_packed_desc drv_packed_at(const struct drv *d, u16 pos);
struct vring_packed_desc_event *drv_packed_driver(void);
struct vring_packed_desc_event *drv_packed_device(void);
/* Whether the device's event suppression requests a kick for @old to @shown. */
bool drv_packed_must_kick(const struct drv *d, u16 shown, u16 old);

/* Device: add a mapping; ends the program when there is no memory. */
void drv_iotlb_add(struct vd_iotlb *iotlb, const struct vd_region *region,
		   u8 perm);
/* Device: fetch, and check that no window is left open. */
int drv_fetch(struct drv *d, unsigned int max);
/* Device: complete a chain of which only the head matters. */
int drv_complete(struct vd_ring *ring, u16 head, u32 len);
/* Both: make one chain available, and fetch it; the result of the fetch. */
int drv_try(struct drv *d, u16 head);

#endif
