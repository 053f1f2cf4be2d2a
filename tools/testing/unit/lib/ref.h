/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second implementation of translation and chains, slow and simple, written
 * from the ABI and the virtio specification alone. Tests compare the module with
 * it.
 */
#ifndef REF_H
#define REF_H

#include <linux/types.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>

/* Limits: pieces of a chain, entries of a table, descriptors of a chain. */
#define REF_MAX_SEGS	1024U
#define REF_MAX_TABLE	65536U
#define REF_MAX_WALK	4096U

/**
 * struct ref_guest - a guest as the reference sees it
 * @table: the memory table in the client's order
 * @nr: entries in @table
 * @desc: user address of the descriptor table
 * @num: ring size
 */
struct ref_guest {
	const struct vhost_memory_region *table;
	u32 nr;
	u64 desc;
	u16 num;
};

/**
 * struct ref_chain - expected result for a head
 * @is_bad: no device may serve it
 * @is_big: it needs more pieces, or descriptors, than fit
 * @nr_desc: descriptors in the ring that are not empty
 * @nr_out: readable pieces
 * @nr_in: writable pieces
 * @out_len: readable bytes
 * @in_len: writable bytes
 * @gpa: guest physical address of each piece
 * @seg: the pieces
 */
struct ref_chain {
	bool is_bad;
	bool is_big;
	unsigned int nr_desc;
	unsigned int nr_out;
	unsigned int nr_in;
	size_t out_len;
	size_t in_len;
	u64 gpa[REF_MAX_SEGS];
	struct iovec seg[REF_MAX_SEGS];
};

/* The entry that contains an address: lowest start, then first in the table. */
const struct vhost_memory_region *
ref_owner(const struct vhost_memory_region *table, u32 nr, u64 gpa);
/*
 * The pieces of a buffer; -EFAULT if a part of it is not mapped, -E2BIG for
 * more than @room. If both apply, either is correct.
 */
int ref_translate(const struct vhost_memory_region *table, u32 nr, u64 gpa,
		  u32 len, struct iovec *seg, unsigned int room);
void ref_walk(const struct ref_guest *guest, u16 head, struct ref_chain *chain);

#endif
