// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk along descriptor chains (virtio 1.2, sections 2.7.5 and 2.7.5.3).
 *
 * It has two passes over a batch of heads. vd_chain_gather() reads the
 * descriptors of all chains in one user-access window, inside which nothing
 * may be called; vd_chain_resolve() then translates addresses and follows
 * indirect tables. Each descriptor is read once, as two words, into
 * &vd_batch.desc, and only that copy is looked at: the guest may change the
 * ring at any time.
 *
 * Both passes stop at a chain that they cannot take. If it is the first of
 * the call, that is the caller's error; if not, the chains before it are
 * delivered, and the next fetch meets it as the first.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "guest/access.h"
#include "ring/chain.h"

/* The contract's limit for an indirect table. */
#define VD_CHAIN_MAX_TABLE	65536U

/*
 * Descriptors that a chain may have in its table. Only 1024 of them can hold
 * something; the rest is the patience we have with empty ones, which cost a
 * read each and count for nothing else.
 */
#define VD_CHAIN_MAX_WALK	(4 * VD_MAX_SEGS)

/* Descriptors of an indirect table read in one window. */
#define VD_CHAIN_CHUNK		16U

/**
 * struct vd_walk - where a walk stands
 * @table: indirect table, or NULL when it is not one piece
 * @gpa: its address as the guest gave it, when @table is NULL
 * @num: its size
 * @slot: the next descriptor to read
 * @left: descriptors that may still be read: no valid chain visits one twice
 * @more: there is a next one
 */
struct vd_walk {
	const struct vring_desc __user *table;
	u64 gpa;
	u32 num;
	u32 slot;
	u32 left;
	bool more;
};

/* Whether there may be a step; the slot is inside the table then. */
static __always_inline int vd_walk_check(struct vd_walk *walk)
{
	if (walk->slot >= walk->num)
		return -EINVAL;
	return walk->left-- ? 0 : -ELOOP;
}

/*
 * One step, to the descriptor at @p; runs inside a user-access window, so it
 * may call nothing.
 */
static __always_inline int vd_walk_step(struct vd_walk *walk,
					const __le64 __user *p,
					struct vd_desc *d)
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
	walk->slot = d->next;
	walk->more = d->flags & VRING_DESC_F_NEXT;
	return 0;

fault:
	return -EFAULT;
}

static __always_inline const __le64 __user *
vd_walk_ring_desc(const struct vd_ring *ring, u32 slot)
{
	return vd_area_at(&ring->desc, sizeof(struct vring_desc) * slot);
}

/* The direct part of one chain; inside the window of vd_chain_gather(). */
static __always_inline int vd_chain_gather_one(const struct vd_ring *ring,
					       struct vd_batch *batch,
					       struct vd_chain *chain)
{
	struct vd_walk walk = {
		.num = ring->num,
		.slot = chain->head,
		.left = ring->num,
	};

	chain->desc = batch->nr_desc;
	chain->nr_desc = 0;
	do {
		u32 at = chain->desc + chain->nr_desc;
		struct vd_desc d;
		int err;

		err = vd_walk_check(&walk) ?:
		      vd_walk_step(&walk, vd_walk_ring_desc(ring, walk.slot),
				   &d);
		if (err)
			return err;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* 2.7.5.3.1: never set both INDIRECT and NEXT. */
			if (walk.more)
				return -EINVAL;
		} else if (!d.len) {
			/* Nothing there: not even its address matters. */
			continue;
		}
		if (at == VD_MAX_SEGS)
			return -E2BIG;
		/* Not an index: a bounds checker would call out here. */
		*(batch->desc + at) = d;
		chain->nr_desc++;
	} while (walk.more);
	batch->nr_desc += chain->nr_desc;
	return 0;
}

/**
 * vd_chain_gather() - read the direct descriptors of the chains in a batch
 * @ring: the ring
 * @batch: chains from @first on have their head filled in; those that could
 *	   not be read are cut off
 * @first: the first chain to read
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 when at least one chain was read, else the error of the first:
 * -EFAULT, -EINVAL for an index out of range, -ELOOP for a chain longer than
 * the ring, -E2BIG for one that @batch has no room for.
 */
int vd_chain_gather(const struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int first)
{
	unsigned int i;
	int err = 0;

	if (!user_read_access_begin(ring->desc.base,
				    vd_area_window(&ring->desc,
						   sizeof(struct vring_desc) *
						   ring->num)))
		return -EFAULT;
	for (i = first; i < batch->nr; i++) {
		err = vd_chain_gather_one(ring, batch, &batch->chain[i]);
		if (err)
			break;
	}
	user_read_access_end();

	batch->nr = i;
	return i > first ? 0 : err;
}

/* Where the @nr pieces of a buffer lie for the guest: for the dirty log. */
static void vd_chain_note_gpa(struct vd_batch *batch, u64 gpa, int nr)
{
	unsigned int at = batch->nr_seg;

	for (; nr; nr--, at++) {
		batch->gpa[at] = gpa;
		gpa += batch->seg[at].iov_len;
	}
}

/* Translate one buffer and append its pieces to the chain. */
static int vd_chain_add(struct vd_mem *mem, struct vd_batch *batch,
			struct vd_chain *chain, const struct vd_desc *d)
{
	unsigned int room = VD_MAX_SEGS - batch->nr_seg;
	bool write = d->flags & VRING_DESC_F_WRITE;
	int nr;

	if (!room)
		return -E2BIG;
	nr = vd_translate(mem, d->addr, d->len,
			  write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
			  &batch->seg[batch->nr_seg], room);
	if (nr < 0)
		return nr;
	vd_chain_note_gpa(batch, d->addr, nr);
	if (write) {
		chain->nr_in += nr;
		chain->in_len += d->len;
	} else {
		/* 2.7.4.2: device-readable parts come first. */
		if (chain->nr_in)
			return -EINVAL;
		chain->nr_out += nr;
		chain->out_len += d->len;
	}
	batch->nr_seg += nr;
	return 0;
}

/*
 * A table that crosses a border of regions need not be one piece in the
 * owner's address space: its descriptors are then fetched one by one.
 */
static int vd_walk_read_scattered(struct vd_mem *mem, struct vd_walk *walk,
				  struct vd_desc *d)
{
	struct vring_desc raw;
	struct iovec seg[2];
	size_t done = 0;
	int nr, i;

	nr = vd_walk_check(walk);
	if (nr)
		return nr;
	nr = vd_translate(mem, walk->gpa + sizeof(raw) * walk->slot,
			  sizeof(raw), VHOST_ACCESS_RO, seg, ARRAY_SIZE(seg));
	if (nr < 0)
		return nr;
	for (i = 0; i < nr; i++) {
		if (vd_access_read((u8 *)&raw + done, seg[i].iov_base,
				   seg[i].iov_len))
			return -EFAULT;
		done += seg[i].iov_len;
	}
	d->addr = le64_to_cpu((__force __le64)raw.addr);
	d->len = le32_to_cpu((__force __le32)raw.len);
	d->flags = le16_to_cpu((__force __le16)raw.flags);
	d->next = le16_to_cpu((__force __le16)raw.next);
	walk->slot = d->next;
	walk->more = d->flags & VRING_DESC_F_NEXT;
	return 1;
}

/* Read up to a chunk of descriptors of an indirect table. */
static int vd_walk_read(struct vd_mem *mem, struct vd_walk *walk,
			struct vd_desc *desc)
{
	int nr = 0, err;

	if (!walk->table)
		return vd_walk_read_scattered(mem, walk, desc);
	if (!user_read_access_begin(walk->table,
				    sizeof(*walk->table) * walk->num))
		return -EFAULT;
	do {
		err = vd_walk_check(walk) ?:
		      vd_walk_step(walk, (const __le64 __user *)
				   &walk->table[walk->slot], &desc[nr]);
		if (err) {
			nr = err;
			break;
		}
		nr++;
	} while (walk->more && nr < VD_CHAIN_CHUNK);
	user_read_access_end();
	return nr;
}

static int vd_walk_init(struct vd_walk *walk, struct vd_mem *mem,
			const struct vd_desc *d)
{
	struct iovec seg;
	int nr;

	if (!d->len || d->len % sizeof(struct vring_desc) ||
	    d->len / sizeof(struct vring_desc) > VD_CHAIN_MAX_TABLE)
		return -EINVAL;
	nr = vd_translate(mem, d->addr, d->len, VHOST_ACCESS_RO, &seg, 1);
	if (nr < 0 && nr != -E2BIG)
		return nr;
	walk->table = nr < 0 ? NULL :
		      (const struct vring_desc __user *)seg.iov_base;
	walk->gpa = d->addr;
	walk->num = d->len / sizeof(struct vring_desc);
	walk->left = min(walk->num, VD_CHAIN_MAX_WALK);
	walk->slot = 0;
	walk->more = true;
	return 0;
}

static int vd_chain_indirect(struct vd_mem *mem, struct vd_batch *batch,
			     struct vd_chain *chain, const struct vd_desc *d)
{
	struct vd_desc desc[VD_CHAIN_CHUNK];
	struct vd_walk walk;
	int err, nr, i;

	err = vd_walk_init(&walk, mem, d);
	while (!err && walk.more) {
		nr = vd_walk_read(mem, &walk, desc);
		if (nr < 0)
			return nr;
		for (i = 0; i < nr && !err; i++) {
			/* 2.7.5.3.1: a table holds no other table. */
			if (desc[i].flags & VRING_DESC_F_INDIRECT)
				return -EINVAL;
			if (desc[i].len)
				err = vd_chain_add(mem, batch, chain,
						   &desc[i]);
		}
	}
	return err;
}

static int vd_chain_resolve_one(struct vd_mem *mem, struct vd_batch *batch,
				struct vd_chain *chain)
{
	const struct vd_desc *d = &batch->desc[chain->desc];
	const struct vd_desc *end = d + chain->nr_desc;
	int err = 0;

	chain->seg = batch->nr_seg;
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	for (; d < end && !err; d++) {
		if (d->flags & VRING_DESC_F_INDIRECT)
			err = vd_chain_indirect(mem, batch, chain, d);
		else
			err = vd_chain_add(mem, batch, chain, d);
	}
	return err;
}

/**
 * vd_chain_resolve() - translate the chains that vd_chain_gather() read
 * @mem: the ring's view of guest memory
 * @batch: the batch; chains that could not be translated are cut off
 * @first: the first chain to translate
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 when at least one chain was translated, else the error of the
 * first: those of vd_chain_gather(), -EFAULT for an address that lies in no
 * region, -EAGAIN for one that the IOTLB does not know, -EINVAL for a bad table
 * or a readable part after a writable one.
 */
int vd_chain_resolve(struct vd_mem *mem, struct vd_batch *batch,
		     unsigned int first)
{
	unsigned int i, nr_seg;
	int err = 0;

	for (i = first; i < batch->nr; i++) {
		nr_seg = batch->nr_seg;
		err = vd_chain_resolve_one(mem, batch, &batch->chain[i]);
		if (err) {
			batch->nr_seg = nr_seg;
			batch->nr_desc = batch->chain[i].desc;
			break;
		}
	}
	batch->nr = i;
	return i > first ? 0 : err;
}
