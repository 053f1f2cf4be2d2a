/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-flight state of rings in memory that outlives this process
 * (VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD). The layouts are those of the vhost-user
 * specification, "Inflight I/O tracking".
 *
 * The front end keeps the memory. After this process was killed, the next one
 * gets it by SET_INFLIGHT_FD, and can continue from any instruction at which a
 * ring was left: chains that the driver has not seen as used are available
 * again, in the same order. Each burst uses chains in the order of the ring,
 * and ends with none in flight, so little state is needed:
 *
 *   split   The avail ring has the chains behind the used index, both in guest
 *	     memory. No chain is marked; the used index is copied after a publish.
 *   packed  The ring itself is overwritten by used descriptors, and has no index.
 *	     Chains are copied before they can be overwritten, and marked; the
 *	     position is kept.
 *
 * Marks that another program has left in a split ring are taken over: those chains
 * are handed out first, in the order of their counters.
 *
 * Ordering: a kill stops the thread of a ring between two instructions, and the
 * next process sees all earlier stores. Only the compiler must be kept from
 * reordering, and values that belong together are stored by one instruction.
 *
 * The front end may write to the memory at any time. While a ring runs nothing is
 * read from it; a start reads it once, to a copy, and checks that.
 */
#ifndef VD_INFLIGHT_H
#define VD_INFLIGHT_H

#include <linux/build_bug.h>

#include "vring.h"

#define VD_INFLIGHT_VERSION	1

/* Each ring's region begins at a multiple of this. */
#define VD_INFLIGHT_ALIGN	64U

/**
 * struct vd_split_mark - state of a descriptor of a split ring
 * @inflight: it is the head of a chain in flight
 * @padding: unused
 * @next: next head of the last batch
 * @counter: order in which the chain was fetched
 */
struct vd_split_mark {
	u8 inflight;
	u8 padding[5];
	u16 next;
	u64 counter;
};

/**
 * struct vd_split_region - state of a split ring
 * @features: 0
 * @version: 1; 0 if the region is not initialised
 * @desc_num: entries in @desc
 * @last_batch_head: last head of the last batch
 * @used_idx: the ring's used index
 * @desc: the descriptors
 */
struct vd_split_region {
	u64 features;
	u16 version;
	u16 desc_num;
	u16 last_batch_head;
	u16 used_idx;
	struct vd_split_mark desc[];
};

/**
 * struct vd_packed_mark - a descriptor of a packed ring
 * @inflight: it is the first of a chain in flight
 * @padding: unused
 * @next: next entry, of the chain or of the free list
 * @last: last entry of the chain
 * @num: entries of the chain
 * @counter: order in which the chain was fetched
 * @id: buffer id
 * @flags: flags
 * @len: length
 * @addr: address
 */
struct vd_packed_mark {
	u8 inflight;
	u8 padding;
	u16 next;
	u16 last;
	u16 num;
	u64 counter;
	__le16 id;
	__le16 flags;
	__le32 len;
	__le64 addr;
};

/**
 * struct vd_packed_heads - heads of the free list, stored by one instruction
 * @free: first free entry
 * @old_free: the same before the batch that is being published
 */
struct vd_packed_heads {
	u16 free;
	u16 old_free;
} __attribute__((aligned(4), may_alias));

/**
 * struct vd_packed_place - position of the next used descriptor, stored by one
 *			    instruction
 * @idx: slot
 * @old_idx: the same before the batch that is being published
 * @wrap: wrap counter
 * @old_wrap: the same before that batch
 * @padding: 0
 */
struct vd_packed_place {
	u16 idx;
	u16 old_idx;
	u8 wrap;
	u8 old_wrap;
	u8 padding[2];
} __attribute__((aligned(8), may_alias));

/**
 * struct vd_packed_region - state of a packed ring
 * @features: 0
 * @version: 1; 0 if the region is not initialised
 * @desc_num: entries in @desc
 * @heads: heads of the free list
 * @place: position of the ring
 * @padding: unused
 * @desc: copies of descriptors
 */
struct vd_packed_region {
	u64 features;
	u16 version;
	u16 desc_num;
	struct vd_packed_heads heads;
	struct vd_packed_place place;
	u8 padding[8];
	struct vd_packed_mark desc[];
};

static_assert(sizeof(struct vd_split_mark) == 16);
static_assert(sizeof(struct vd_split_region) == 16);
static_assert(sizeof(struct vd_packed_mark) == 32);
static_assert(sizeof(struct vd_packed_region) == 32);

/* A chain in flight, found in a region: @head is its entry there. */
struct vd_inflight_chain {
	u64 counter;
	u16 head;
};

/**
 * struct vd_inflight - a running ring's side of its region
 * @split: the region of a split ring
 * @packed: the region of a packed ring
 * @size: entries of the region, at least those of the ring
 * @counter: of the next chain that is fetched
 * @nr_slots: packed: entries in use; descriptors fetched since the last publish
 * @nr_marked: packed: entries that may be marked
 * @redo: split: an avail ring of chains that are handed out before those of the
 *	  driver's
 * @redo_avail: memory of @redo
 * @redo_end: position behind the last of them
 * @nr_redo: their number; 0 once all are used
 * @batch_head: split: &vd_split_region.last_batch_head
 *
 * All [v].
 */
struct vd_inflight {
	union {
		struct vd_split_region *split;
		struct vd_packed_region *packed;
	};
	u16 size;
	u64 counter;
	unsigned int nr_slots;
	unsigned int nr_marked;
	struct vd_area redo;
	void *redo_avail;
	u16 redo_end;
	unsigned int nr_redo;
	u16 batch_head;
};

/* Bytes of the region of one ring with @size entries. */
static inline u64 vd_inflight_stride(bool is_packed, unsigned int size)
{
	u64 len = is_packed ? sizeof(struct vd_packed_region) +
			      sizeof(struct vd_packed_mark) * size :
			      sizeof(struct vd_split_region) +
			      sizeof(struct vd_split_mark) * size;

	return (len + VD_INFLIGHT_ALIGN - 1) & ~(u64)(VD_INFLIGHT_ALIGN - 1);
}

/* Keep the compiler from moving stores; see the file's head. */
static inline void vd_inflight_step(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

int vd_inflight_resume(struct vd_vring *v, u16 used_idx);
void vd_inflight_begin(struct vd_vring *v, bool is_resumed);
void vd_inflight_end(struct vd_vring *v);
int vd_inflight_fetch(struct vd_vring *v, unsigned int max);
int vd_inflight_publish(struct vd_vring *v);
int vd_inflight_sort(struct vd_inflight_chain *chain, unsigned int nr);

/* inflight_split.c; a reason on error, else NULL. */
const char *vd_inflight_resume_split(struct vd_vring *v, u16 used_idx);
void vd_inflight_begin_split(struct vd_vring *v);
int vd_inflight_fetch_split(struct vd_vring *v, unsigned int max);
int vd_inflight_publish_split(struct vd_vring *v);

/* inflight_packed.c and inflight_restore.c */
const char *vd_inflight_resume_packed(struct vd_vring *v);
void vd_inflight_begin_packed(struct vd_vring *v);
int vd_inflight_fetch_packed(struct vd_vring *v, unsigned int max);
int vd_inflight_publish_packed(struct vd_vring *v);
void vd_inflight_set_heads(struct vd_packed_region *r, u16 free, u16 old_free);
void vd_inflight_set_place(struct vd_vring *v, u16 pos, u16 old);

#endif
