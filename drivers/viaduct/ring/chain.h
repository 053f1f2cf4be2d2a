/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptor chains of both virtqueue formats: read from the ring, checked, and
 * translated to the owner's address space.
 *
 * A batch of chains is fetched in two passes. The first is made by the format
 * (split_avail.c, packed_avail.c): it reads the descriptors of all chains in one
 * user-access window, inside which no function may be called, not even by a
 * sanitizer that checks a bool or an array index. The second is
 * vd_chain_translate(): it translates addresses and follows indirect tables.
 * Descriptors are copied to &vd_batch.desc, and only the copy may be checked and
 * used: the guest may change the ring at any time.
 *
 * Most chains are one direct descriptor in a region that has been found before.
 * The first pass translates these at once (vd_chain_take_hit()), up to the first
 * chain of another kind; the second pass begins with that one.
 *
 * Both passes stop at the first chain that fails. Its error is returned if it is
 * the first of the call; otherwise the next fetch begins with it.
 */
#ifndef VD_RING_CHAIN_H
#define VD_RING_CHAIN_H

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/virtio_ring.h>

#include "guest/translate.h"
#include "types.h"

/*
 * Maximum number of descriptors of a chain, in the ring or in a table. The
 * factor of 4 tolerates zero-length ones, which cost only a read each.
 */
#define VD_CHAIN_MAX_WALK	(4 * VD_MAX_SEGS)

/* Descriptors of an indirect table that are read in one window. */
#define VD_TABLE_CHUNK		16U

/* Private copy of a descriptor of the guest; only the copy is checked. */
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
 * @first_seg: index in &vd_batch.seg of the first piece
 * @first_desc: index in &vd_batch.desc of the first descriptor
 * @next: slot after its last descriptor
 * @nr_out: readable pieces, which come first
 * @nr_in: writable pieces
 * @nr_desc: number of descriptors from @first_desc on
 * @nr_slots: ring slots that it occupies; 1 in a split ring
 *
 * vd_chain_take_hit() sets the members from @nr_out on to constants, so that
 * the compiler can merge the stores.
 */
struct vd_chain {
	size_t out_len;
	size_t in_len;
	u16 head;
	u16 first_seg;
	u16 first_desc;
	u16 next;
	u16 nr_out;
	u16 nr_in;
	u16 nr_desc;
	u16 nr_slots;
};

/**
 * struct vd_batch - fetched chains and their buffers
 * @nr: chains in @chain
 * @max: capacity of @chain
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

/*
 * Read the descriptor at @p, of a split ring or an indirect table, as two words;
 * inside a window.
 */
static __always_inline int vd_desc_read(struct vd_desc *d,
					const __le64 __user *p)
{
	__le64 addr, rest;
	u64 word;

	unsafe_get_user(addr, p, fault);
	unsafe_get_user(rest, p + 1, fault);

	word = le64_to_cpu(rest);
	d->addr = le64_to_cpu(addr);
	d->len = (u32)word;
	d->flags = (u16)(word >> 32);
	d->next = (u16)(word >> 48);
	return 0;

fault:
	return -EFAULT;
}

/*
 * Check a descriptor of the ring and append a copy to &vd_batch.desc, where *@at
 * is the next entry; inside a window.
 */
static __always_inline int vd_chain_keep(struct vd_batch *batch, u32 *at,
					 const struct vd_desc *d)
{
	if (d->flags & VRING_DESC_F_INDIRECT) {
		/* 2.7.5.3.1, 2.8.7: a table is the only descriptor of a chain. */
		if (d->flags & VRING_DESC_F_NEXT)
			return -EINVAL;
	} else if (!d->len) {
		/* Zero-length: its address must not be checked. */
		batch->nr_empty++;
		return 0;
	}
	if (*at == VD_MAX_SEGS)
		return -E2BIG;
	/* Not indexed: a bounds sanitizer would call a function. */
	*(batch->desc + (*at)++) = *d;
	return 0;
}

/* Number of chains that vd_chain_take_hit() can append. */
static __always_inline unsigned int
vd_chain_hit_room(const struct vd_batch *batch)
{
	return VD_MAX_SEGS - max(batch->nr_seg, batch->nr_desc);
}

/* vd_chain_take_hit() by direction: @write must be a constant. */
static __always_inline bool vd_chain_take_single(const struct vd_mem *mem,
						 struct vd_batch *batch,
						 struct vd_chain *chain,
						 const struct vd_desc *d,
						 bool write)
{
	unsigned int at = batch->nr_seg;

	if (!vd_translate_hit(mem, d->addr, d->len,
			      write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
			      batch->seg + at))
		return false;
	/* Not indexed: a bounds sanitizer would call a function. */
	*(batch->gpa + at) = d->addr;
	chain->first_seg = at;
	chain->first_desc = batch->nr_desc;
	chain->out_len = write ? 0 : d->len;
	chain->in_len = write ? d->len : 0;
	chain->nr_out = write ? 0 : 1;
	chain->nr_in = write ? 1 : 0;
	chain->nr_desc = 1;
	chain->nr_slots = 1;
	batch->nr_seg = at + 1;
	batch->nr_desc++;
	return true;
}

/**
 * vd_chain_take_hit() - append a chain of one direct descriptor and translate it
 * @mem: the ring's view of guest memory
 * @batch: the batch; vd_chain_hit_room() must not be 0
 * @chain: the chain; the caller must fill in &vd_chain.head and &vd_chain.next
 * @d: its first descriptor
 *
 * The descriptor counts in &vd_batch.nr_desc, but its copy there is not written:
 * the second pass does not read it.
 *
 * Context: the queue's mutex is held. A user-access window may be open.
 * Return: false, with @batch unchanged, for a chain of another kind.
 */
static __always_inline bool vd_chain_take_hit(const struct vd_mem *mem,
					      struct vd_batch *batch,
					      struct vd_chain *chain,
					      const struct vd_desc *d)
{
	if (d->flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT) || !d->len)
		return false;
	return d->flags & VRING_DESC_F_WRITE ?
	       vd_chain_take_single(mem, batch, chain, d, true) :
	       vd_chain_take_single(mem, batch, chain, d, false);
}

int vd_chain_translate(struct vd_mem *mem, struct vd_batch *batch,
		       unsigned int first, unsigned int at, bool is_packed);

#endif
