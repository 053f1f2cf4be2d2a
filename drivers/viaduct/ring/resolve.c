// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second pass over a batch of chains, for both virtqueue formats: translate
 * buffers and follow indirect tables (virtio 1.2, sections 2.7.5.3 and 2.8.7).
 * The first pass is in chain.c and packed.c.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "guest/access.h"
#include "ring/chain.h"
#include "ring/walk.h"

/* Maximum size of an indirect table, as in vhost-net. */
#define VD_CHAIN_MAX_TABLE	65536U

/* A buffer missed in the IOTLB: collect the misses of those that follow. */
static void vd_chain_expect(struct vd_mem *mem, const struct vd_desc *d,
			    const struct vd_desc *end)
{
	for (; d < end; d++) {
		u16 kind = d->flags & (VRING_DESC_F_WRITE |
				       VRING_DESC_F_INDIRECT);
		u8 perm = kind == VRING_DESC_F_WRITE ? VHOST_ACCESS_WO :
						       VHOST_ACCESS_RO;

		if (!vd_mem_expect(mem, d->addr, d->len, perm))
			return;
	}
}

/* Record the guest addresses of a buffer's @nr pieces for the dirty log. */
static void vd_chain_note_gpa(struct vd_batch *batch, u64 gpa, int nr)
{
	unsigned int at = batch->nr_seg;

	for (; nr; nr--, at++) {
		batch->gpa[at] = gpa;
		gpa += batch->seg[at].iov_len;
	}
}

/* vd_chain_add() of a buffer outside the region of the last, or in pieces. */
static int vd_chain_add_slow(struct vd_mem *mem, struct vd_batch *batch,
			     const struct vd_desc *d, u8 perm)
{
	unsigned int at = batch->nr_seg;
	int nr;

	if (at == VD_MAX_SEGS)
		return -E2BIG;
	nr = vd_translate_slow(mem, d->addr, d->len, perm, &batch->seg[at],
			       VD_MAX_SEGS - at);
	if (nr > 0)
		vd_chain_note_gpa(batch, d->addr, nr);
	return nr;
}

/* Translate one buffer and append its pieces to the chain. */
static __always_inline int vd_chain_add(struct vd_mem *mem,
					struct vd_batch *batch,
					struct vd_chain *chain,
					const struct vd_desc *d)
{
	bool write = d->flags & VRING_DESC_F_WRITE;
	u8 perm = write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO;
	unsigned int at = batch->nr_seg;
	int nr = 1;

	if (likely(at < VD_MAX_SEGS &&
		   vd_translate_hit(mem, d->addr, d->len, perm,
				    &batch->seg[at])))
		batch->gpa[at] = d->addr;
	else
		nr = vd_chain_add_slow(mem, batch, d, perm);
	if (nr < 0)
		return nr;
	if (write) {
		chain->nr_in += nr;
		chain->in_len += d->len;
	} else {
		/* 2.7.4.2: device-readable parts must come first. */
		if (chain->nr_in)
			return -EINVAL;
		chain->nr_out += nr;
		chain->out_len += d->len;
	}
	batch->nr_seg = at + nr;
	return 0;
}

/*
 * A table that crosses a region boundary may not be contiguous in the owner's
 * address space: its descriptors are then read one by one. Regions and mappings
 * have any size, so that each byte can be a piece of its own. Must not be
 * inlined: kernels can be built to clear the stack on each call, and the array
 * of pieces would slow down the fast path.
 */
static noinline int vd_walk_read_scattered(struct vd_mem *mem,
					   struct vd_walk *walk,
					   struct vd_desc *d)
{
	struct vring_desc raw;
	struct iovec seg[sizeof(raw)];
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
	vd_walk_on(walk, d);
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
		/* As vd_walk_ring_desc(), but the size is no power of two. */
		u32 slot = array_index_nospec(walk->slot, walk->num);

		err = vd_walk_check(walk) ?:
		      vd_walk_step(walk, (const __le64 __user *)
				   &walk->table[slot], &desc[nr]);
		if (err) {
			nr = err;
			break;
		}
		nr++;
	} while (walk->more && nr < VD_TABLE_CHUNK);
	user_read_access_end();
	return nr;
}

static int vd_walk_init(struct vd_walk *walk, struct vd_mem *mem,
			const struct vd_desc *d, bool is_row)
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
	walk->is_row = is_row;
	return 0;
}

static int vd_chain_indirect(struct vd_mem *mem, struct vd_batch *batch,
			     struct vd_chain *chain, const struct vd_desc *d,
			     bool is_packed)
{
	struct vd_desc *desc = batch->table;
	struct vd_walk walk;
	int err, nr, i;

	err = vd_walk_init(&walk, mem, d, is_packed);
	while (!err && walk.more) {
		nr = vd_walk_read(mem, &walk, desc);
		if (nr < 0)
			return nr;
		for (i = 0; i < nr && !err; i++) {
			/* 2.7.5.3.1: a table must not refer to another. */
			if (desc[i].flags & VRING_DESC_F_INDIRECT)
				return -EINVAL;
			if (desc[i].len)
				err = vd_chain_add(mem, batch, chain,
						   &desc[i]);
			else
				batch->nr_empty++;
			if (err == -EAGAIN)
				vd_chain_expect(mem, &desc[i], &desc[nr]);
		}
	}
	return err;
}

/*
 * Fast path: a chain of one direct descriptor in the region of the last hit, as
 * most are. Returns false for any other.
 */
static __always_inline bool vd_chain_resolve_hit(const struct vd_mem *mem,
						 struct vd_batch *batch,
						 struct vd_chain *chain)
{
	const struct vd_desc *d = &batch->desc[chain->desc];
	unsigned int at = batch->nr_seg;
	bool write;

	if (chain->nr_desc != 1 || d->flags & VRING_DESC_F_INDIRECT ||
	    at == VD_MAX_SEGS)
		return false;
	write = d->flags & VRING_DESC_F_WRITE;
	if (!vd_translate_hit(mem, d->addr, d->len,
			      write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
			      &batch->seg[at]))
		return false;
	batch->gpa[at] = d->addr;
	batch->nr_seg = at + 1;
	chain->seg = at;
	chain->nr_out = !write;
	chain->nr_in = write;
	chain->out_len = write ? 0 : d->len;
	chain->in_len = write ? d->len : 0;
	return true;
}

static int vd_chain_resolve_one(struct vd_mem *mem, struct vd_batch *batch,
				struct vd_chain *chain, bool is_packed)
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
			err = vd_chain_indirect(mem, batch, chain, d,
						is_packed);
		else
			err = vd_chain_add(mem, batch, chain, d);
	}
	return err;
}

/**
 * vd_chain_resolve() - translate the chains that were gathered
 * @mem: the ring's view of guest memory
 * @batch: the batch; chains from the first failure on are removed
 * @first: the first chain to translate
 * @is_packed: indirect tables have the packed format
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 if at least one chain was translated, else the error of the first:
 * those of vd_chain_gather(), -EFAULT for an address that lies in no region,
 * -EAGAIN for an IOTLB miss, -EINVAL for a bad table or a readable part after a
 * writable one.
 */
int vd_chain_resolve(struct vd_mem *mem, struct vd_batch *batch,
		     unsigned int first, bool is_packed)
{
	const struct vd_desc *end = &batch->desc[batch->nr_desc];
	unsigned int i, nr_seg;
	int err = 0;

	for (i = first; i < batch->nr; i++) {
		if (likely(vd_chain_resolve_hit(mem, batch, &batch->chain[i])))
			continue;
		nr_seg = batch->nr_seg;
		err = vd_chain_resolve_one(mem, batch, &batch->chain[i],
					   is_packed);
		if (err) {
			batch->nr_seg = nr_seg;
			batch->nr_desc = batch->chain[i].desc;
			break;
		}
	}
	if (err == -EAGAIN && i == first)
		vd_chain_expect(mem, &batch->desc[batch->nr_desc], end);
	batch->nr = i;
	return i > first ? 0 : err;
}
