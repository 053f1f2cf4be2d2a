// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second pass over a batch of chains, for both virtqueue formats: translate
 * buffers and follow indirect tables (virtio 1.2, sections 2.7.5.3 and 2.8.7).
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/virtio_ring.h>

#include "guest/access.h"
#include "ring/chain.h"

/* Maximum size of an indirect table, as in vhost-net. */
#define VD_CHAIN_MAX_TABLE	65536U

/**
 * struct vd_table - a walk along an indirect table
 * @desc: the table, or NULL if it is not contiguous
 * @gpa: its address as the guest gave it, if @desc is NULL
 * @num: number of descriptors in the table
 * @slot: the next descriptor to read
 * @left: limit on further reads: no valid chain visits a descriptor twice
 * @more: there is a next descriptor
 * @is_packed: descriptors follow each other in memory, without links (2.8.7)
 *
 * The flags must not be bools: UBSAN checks a bool by a call when it is read,
 * which may be inside a user-access window.
 */
struct vd_table {
	const struct vring_desc __user *desc;
	u64 gpa;
	u32 num;
	u32 slot;
	u32 left;
	u8 more;
	u8 is_packed;
};

/* After an IOTLB miss, prefetch the misses of the buffers that follow. */
static void vd_chain_prefetch(struct vd_mem *mem, const struct vd_desc *d,
			      const struct vd_desc *end)
{
	for (; d < end; d++) {
		u16 kind = d->flags & (VRING_DESC_F_WRITE |
				       VRING_DESC_F_INDIRECT);
		u8 perm = kind == VRING_DESC_F_WRITE ? VHOST_ACCESS_WO :
						       VHOST_ACCESS_RO;

		if (!vd_mem_prefetch(mem, d->addr, d->len, perm))
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

/* vd_chain_add() for a buffer outside the cached regions, or in pieces. */
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

/* A step must be allowed, and its slot must be inside the table. */
static __always_inline int vd_table_check(struct vd_table *table)
{
	if (table->slot >= table->num)
		return -EINVAL;
	return table->left-- ? 0 : -ELOOP;
}

static __always_inline void vd_table_advance(struct vd_table *table,
					     struct vd_desc *d)
{
	if (!table->is_packed) {
		table->slot = d->next;
		table->more = !!(d->flags & VRING_DESC_F_NEXT);
		return;
	}
	/*
	 * The packed format has id and flags in the opposite order. Only the
	 * WRITE flag is valid in a table; the others must be ignored.
	 */
	d->flags = d->next & VRING_DESC_F_WRITE;
	table->more = ++table->slot < table->num;
}

/*
 * Read the descriptor at @gpa. A table that crosses a region boundary may not be
 * contiguous in the owner's address space: its descriptors are then read one by
 * one, and each byte of one can be a piece of its own. Must not be inlined: kernels
 * can be built to clear the stack on each call, and the array of pieces would slow
 * the fast path.
 */
static noinline int vd_table_read_scattered(struct vd_mem *mem, u64 gpa,
					    struct vd_desc *d)
{
	struct vring_desc raw;
	struct iovec seg[sizeof(raw)];
	size_t done = 0;
	int nr, i;

	nr = vd_translate(mem, gpa, sizeof(raw), VHOST_ACCESS_RO, seg,
			  ARRAY_SIZE(seg));
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
	return 0;
}

/* Read up to a chunk of descriptors; returns how many. */
static int vd_table_read(struct vd_mem *mem, struct vd_table *table,
			 struct vd_desc *desc)
{
	int nr = 0, err;

	if (!table->desc) {
		err = vd_table_check(table);
		if (!err)
			err = vd_table_read_scattered(mem, table->gpa +
						      sizeof(*table->desc) *
						      table->slot, desc);
		if (err)
			return err;
		vd_table_advance(table, desc);
		return 1;
	}
	if (!user_read_access_begin(table->desc,
				    sizeof(*table->desc) * table->num))
		return -EFAULT;
	do {
		/* Bound a speculative read if the check is mispredicted. */
		u32 slot = array_index_nospec(table->slot, table->num);

		err = vd_table_check(table) ?:
		      vd_desc_read(&desc[nr], (const __le64 __user *)
				   &table->desc[slot]);
		if (err) {
			nr = err;
			break;
		}
		vd_table_advance(table, &desc[nr]);
		nr++;
	} while (table->more && nr < VD_TABLE_CHUNK);
	user_read_access_end();
	return nr;
}

static int vd_table_init(struct vd_table *table, struct vd_mem *mem,
			 const struct vd_desc *d, bool is_packed)
{
	struct iovec seg;
	int nr;

	if (!d->len || d->len % sizeof(struct vring_desc) ||
	    d->len / sizeof(struct vring_desc) > VD_CHAIN_MAX_TABLE)
		return -EINVAL;
	nr = vd_translate(mem, d->addr, d->len, VHOST_ACCESS_RO, &seg, 1);
	if (nr < 0 && nr != -E2BIG)
		return nr;
	table->desc = nr < 0 ? NULL :
		      (const struct vring_desc __user *)seg.iov_base;
	table->gpa = d->addr;
	table->num = d->len / sizeof(struct vring_desc);
	table->left = min(table->num, VD_CHAIN_MAX_WALK);
	table->slot = 0;
	table->more = true;
	table->is_packed = is_packed;
	return 0;
}

/* Append the buffers of the indirect table at @d to the chain. */
static int vd_chain_add_table(struct vd_mem *mem, struct vd_batch *batch,
			      struct vd_chain *chain, const struct vd_desc *d,
			      bool is_packed)
{
	struct vd_desc *desc = batch->table;
	struct vd_table table;
	int err, nr, i;

	err = vd_table_init(&table, mem, d, is_packed);
	while (!err && table.more) {
		nr = vd_table_read(mem, &table, desc);
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
				vd_chain_prefetch(mem, &desc[i], &desc[nr]);
		}
	}
	return err;
}

static int vd_chain_translate_one(struct vd_mem *mem, struct vd_batch *batch,
				  struct vd_chain *chain, bool is_packed)
{
	const struct vd_desc *d = &batch->desc[chain->first_desc];
	const struct vd_desc *end = d + chain->nr_desc;
	int err = 0;

	chain->first_seg = batch->nr_seg;
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	for (; d < end && !err; d++) {
		if (d->flags & VRING_DESC_F_INDIRECT)
			err = vd_chain_add_table(mem, batch, chain, d,
						 is_packed);
		else
			err = vd_chain_add(mem, batch, chain, d);
	}
	return err;
}

/**
 * vd_chain_translate() - translate chains after their descriptors were read
 * @mem: the ring's view of guest memory
 * @batch: the batch; chains from the first failure on are removed
 * @first: the first chain of this fetch
 * @at: the first chain to translate: those before it have been translated
 * @is_packed: indirect tables have the packed format
 *
 * Return: 0 if a chain remains from @first on, else the error of the first:
 * -EFAULT for an address that lies in no region or denies the access, -EAGAIN
 * for an IOTLB miss, -EINVAL for a bad table or a readable part after a writable
 * one, -ELOOP for a table with a loop, or of more than VD_CHAIN_MAX_WALK entries,
 * -E2BIG for a chain that does not fit into @batch.
 */
int vd_chain_translate(struct vd_mem *mem, struct vd_batch *batch,
		       unsigned int first, unsigned int at, bool is_packed)
{
	const struct vd_desc *end = &batch->desc[batch->nr_desc];
	unsigned int i, nr_seg;
	int err = 0;

	for (i = at; i < batch->nr; i++) {
		nr_seg = batch->nr_seg;
		err = vd_chain_translate_one(mem, batch, &batch->chain[i],
					     is_packed);
		if (err) {
			batch->nr_seg = nr_seg;
			batch->nr_desc = batch->chain[i].first_desc;
			break;
		}
	}
	if (err == -EAGAIN && i == first)
		vd_chain_prefetch(mem, &batch->desc[batch->nr_desc], end);
	batch->nr = i;
	return i > first ? 0 : err;
}
