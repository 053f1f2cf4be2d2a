/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring engine: one virtqueue seen from the device.
 *
 *   fetch     take up to a batch of chains: read once, check, translate
 *   rewind    return the last ones, as if they had never been fetched
 *   complete  record a chain as used; not yet visible to the driver
 *   publish   make all completed chains visible at once, and decide whether
 *	       the driver wants an interrupt
 *   arm       enable kicks, then check for chains that arrived meanwhile
 *   disarm    disable kicks
 *   mute      undo an arm, to poll instead
 *   peek      check whether chains have arrived
 *
 * The engine depends on guest memory only, not on threads, files or sockets; it
 * compiles in user space. The caller must serialise all calls for a ring (the
 * queue's mutex) and run on the owner's mm. On an error from any verb the ring
 * has failed a check, and the caller must stop it for good; except that -EAGAIN
 * waits for the client's IOMMU, and -ENOSPC for room in the batch.
 */
#ifndef VD_RING_RING_H
#define VD_RING_RING_H

#include <linux/types.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>
#include <linux/virtio_ring.h>

#include "guest/area.h"
#include "guest/translate.h"
#include "types.h"

/* 2.7: the largest ring. */
#define VD_RING_MAX_NUM		32768

/*
 * Limit on the descriptors of a chain, in the ring as in a table. A chain has
 * at most VD_MAX_SEGS non-empty descriptors; the factor of 4 tolerates
 * zero-length ones, which only cost a read each.
 */
#define VD_CHAIN_MAX_WALK	(4 * VD_MAX_SEGS)

/* Descriptors of an indirect table that are read in one window. */
#define VD_TABLE_CHUNK		16U

/* A descriptor as the guest wrote it: read once, checked from here. */
struct vd_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/**
 * struct vd_chain - one descriptor chain, checked and translated
 * @out_len: readable bytes
 * @in_len: writable bytes
 * @head: head index or buffer id, which identifies the chain to the driver
 * @seg: index in &vd_batch.seg of the first piece
 * @nr_out: readable pieces, which come first
 * @nr_in: writable pieces
 * @desc: index in &vd_batch.desc of the first descriptor
 * @nr_desc: descriptors there
 * @nr_slots: slots that it occupies in the ring: its descriptors in a packed
 *	      ring, one avail entry in a split ring
 * @next: slot after its last descriptor
 */
struct vd_chain {
	size_t out_len;
	size_t in_len;
	u16 head;
	u16 seg;
	u16 nr_out;
	u16 nr_in;
	u16 desc;
	u16 nr_desc;
	u16 nr_slots;
	u16 next;
};

/**
 * struct vd_batch - fetched chains and their buffers
 * @nr: chains in @chain
 * @max: room in @chain
 * @nr_seg: pieces in @seg
 * @nr_desc: descriptors in @desc
 * @nr_empty: zero-length descriptors read since the caller last reset this
 * @desc: descriptors read from the ring, before translation
 * @table: the same for a chunk of an indirect table; not on the stack, because
 *	   kernels can be built to clear it on each call
 * @gpa: address of each piece as the guest gave it
 * @seg: pieces in the owner's address space; contiguous for a chain and for
 *	 consecutive chains
 * @chain: chains in the order in which they were made available
 *
 * All [q]; holds no chains between two runs of the handler.
 */
struct vd_batch {
	unsigned int nr;
	unsigned int max;
	unsigned int nr_seg;
	unsigned int nr_desc;
	unsigned int nr_empty;
	struct vd_desc desc[VD_MAX_SEGS];
	struct vd_desc table[VD_TABLE_CHUNK];
	u64 gpa[VD_MAX_SEGS];
	struct iovec seg[VD_MAX_SEGS];
	struct vd_chain chain[];
};

static inline void vd_batch_reset(struct vd_batch *batch)
{
	batch->nr = 0;
	batch->nr_seg = 0;
	batch->nr_desc = 0;
}

/**
 * struct vd_ring_log - dirty log of writes to the ring
 * @on: writes are logged [q]
 * @base: user address of the dirty bitmap [q]
 * @gpa: guest physical address of the device area, for the log only; unused
 *	 with an IOTLB and for packed descriptors, which are found through
 *	 @regions [q]
 * @regions: the memory table [q]
 * @marked: a page was marked since the caller last cleared this [q]
 * @lost: marks that could not be made [q]
 */
struct vd_ring_log {
	bool on;
	bool marked;
	u64 base;
	u64 gpa;
	const struct vd_regions *regions;
	u64 lost;
};

/* Page tables of a ring whose areas are scattered. */
struct vd_ring_pages {
	void __user *desc[VD_AREA_NR_PAGES(VD_RING_MAX_NUM *
					   sizeof(struct vring_desc))];
	void __user *driver[VD_AREA_NR_PAGES(VD_RING_MAX_NUM * sizeof(__le16))];
	void __user *device[VD_AREA_NR_PAGES(VD_RING_MAX_NUM *
					     sizeof(struct vring_used_elem))];
};

/**
 * struct vd_used - used entry for one or more completed chains, not yet written
 * @len: bytes written into the last of them
 * @id: &vd_chain.head of the last of them
 * @nr_slots: slots of the ring that they occupy
 */
struct vd_used {
	u32 len;
	u16 id;
	u16 nr_slots;
};

/**
 * struct vd_ring - one virtqueue (virtio 1.2, sections 2.7 and 2.8)
 * @desc: descriptor area: the table, or the ring itself [q]
 * @driver: driver area: the avail ring, or the driver's event suppression
 *	    structure [q]
 * @device: device area: the used ring, or the device's event suppression
 *	    structure [q]
 * @pages: page tables to translate the areas' I/O addresses; NULL if they are
 *	   user addresses [q]
 * @is_mapped: the areas can be accessed [q]
 * @is_packed: the virtqueue format is packed [q]
 * @in_order: VIRTIO_F_IN_ORDER is acked [q]
 * @event_idx: VIRTIO_F_EVENT_IDX is acked [q]
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY is acked [q]
 * @num: ring size, a power of two up to 32768 [q]
 * @base_is_set: the next start takes its positions from @base [q]
 * @base: start position, in the encoding of VHOST_SET_VRING_BASE [q]
 *
 * Positions are free-running: they do not wrap at the end of the ring. The slot
 * is the position modulo @num.
 *
 * @next_avail: position of the next chain to fetch [q]
 * @seen_avail: position up to which chains were available at the last check [q]
 * @used_idx: position after the completed chains [q]
 * @published: position up to which they are visible to the driver [q]
 * @signalled: @published at the last interrupt decision [q]
 * @signalled_valid: @signalled is valid [q]
 * @nr_completed: completed chains that are not yet published [q]
 * @told: flags on kicks last written to the device area; their encoding depends
 *	  on the virtqueue format [q]
 * @head_is_known: in order, the next chain begins in slot @next_head [q]
 * @next_head: valid if @head_is_known [q]
 * @log: the log of writes to the ring [q]
 * @may_merge: in order, the next used entry may replace the last one [q]
 * @nr_pending: entries in @pending [q]
 * @written: position of the first entry in @pending [q]
 * @first_flags: packed only: flags for slot @published; writing them publishes
 *		 all completed chains [q]
 * @pending: used entries that are not yet written to the ring [q]
 */
struct vd_ring {
	struct vd_area desc;
	struct vd_area driver;
	struct vd_area device;
	struct vd_ring_pages *pages;
	bool is_mapped;
	bool is_packed;
	bool in_order;
	bool event_idx;
	bool notify_on_empty;
	u16 num;
	bool base_is_set;
	u32 base;

	u16 next_avail;
	u16 seen_avail;
	u16 used_idx;
	u16 published;
	u16 signalled;
	bool signalled_valid;
	u16 nr_completed;
	u16 told;
	bool head_is_known;
	u16 next_head;

	struct vd_ring_log log;
	bool may_merge;
	u16 written;
	u16 first_flags;
	unsigned int nr_pending;
	struct vd_used pending[VD_BATCH];
};

void vd_ring_init(struct vd_ring *ring);
void vd_ring_set_features(struct vd_ring *ring, u64 features);
void vd_ring_set_num(struct vd_ring *ring, u16 num);
void vd_ring_set_base(struct vd_ring *ring, u32 base);
u32 vd_ring_get_base(const struct vd_ring *ring);
void vd_ring_set_addr(struct vd_ring *ring, const struct vhost_vring_addr *addr);
bool vd_ring_is_user(const struct vd_ring *ring);
bool vd_ring_log_is_user(const struct vd_ring *ring);
void vd_ring_set_pages(struct vd_ring *ring, struct vd_ring_pages *pages);
void vd_ring_unmap(struct vd_ring *ring);
void vd_ring_forget(struct vd_ring *ring, u64 first, u64 last);
int vd_ring_map(struct vd_ring *ring, struct vd_mem *mem);
int vd_ring_probe(struct vd_ring *ring, struct vd_mem *mem, u16 *used_idx);
void vd_ring_start(struct vd_ring *ring, u16 used_idx);

int vd_ring_fetch(struct vd_ring *ring, struct vd_mem *mem,
		  struct vd_batch *batch, unsigned int max);
void vd_ring_rewind(struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int nr);
int vd_ring_flush_last(struct vd_ring *ring);
int vd_ring_publish(struct vd_ring *ring, bool may_call);
int vd_ring_arm(struct vd_ring *ring);
int vd_ring_disarm(struct vd_ring *ring);
int vd_ring_mute(struct vd_ring *ring);
int vd_ring_peek(struct vd_ring *ring);

/**
 * vd_ring_complete() - record a chain as used
 * @ring: the ring
 * @chain: the chain
 * @len: bytes written into its writable part
 *
 * The entry may be written to guest memory at once, but is not visible to the
 * driver before vd_ring_publish(). In order, one entry may stand for earlier
 * chains that were used entirely (2.7.9, 2.8.8). Only chains without a writable
 * part are merged into a later entry: some drivers read the length of each of
 * the others.
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0, or -EFAULT with the chain not completed.
 */
static inline int vd_ring_complete(struct vd_ring *ring,
				   const struct vd_chain *chain, u32 len)
{
	struct vd_used *e = &ring->pending[ring->nr_pending];
	u16 nr_slots = chain->nr_slots;

	ring->used_idx += nr_slots;
	ring->nr_completed++;
	if (ring->in_order) {
		if (ring->may_merge && ring->nr_pending) {
			nr_slots += (--e)->nr_slots;
			ring->nr_pending--;
		}
		ring->may_merge = !chain->in_len;
	}
	e->len = len;
	e->id = chain->head;
	e->nr_slots = nr_slots;
	return ++ring->nr_pending < VD_BATCH ? 0 : vd_ring_flush_last(ring);
}

static inline unsigned int vd_ring_nr_completed(const struct vd_ring *ring)
{
	return ring->nr_completed;
}

#endif
