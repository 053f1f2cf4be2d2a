/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model test: a driver and a device use a ring in random steps, and each
 * result of the device is compared with a model of the ring in which positions
 * never wrap and nothing is in guest memory.
 */
#ifndef MODEL_H
#define MODEL_H

#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/rng.h"

#define MODEL_MAX_NUM	1024U
#define MODEL_MAX_BUFS	192U
/* Entries that a head's own indirect table has room for. */
#define MODEL_MAX_TABLE	(DRV_C_LEN / MODEL_MAX_NUM / 16)

struct model_buf {
	u64 gpa;
	u32 len;
	bool write;
};

/**
 * struct model_chain - a chain as the driver made it
 * @nr: entries in @buf
 * @nr_slots: descriptors of the ring that it holds
 * @nr_desc: those of them that are not empty
 * @in_len: bytes that the device may write
 * @slot: its descriptors; the first is its head, or its id with the packed
 *	  layout, which takes slots in turn
 * @has_border_table: its table lies across two regions
 * @buf: its buffers, those of a table too
 */
struct model_chain {
	u16 nr;
	u16 nr_slots;
	u16 nr_desc;
	u32 in_len;
	bool has_border_table;
	u16 slot[MODEL_MAX_BUFS + 1];
	struct model_buf buf[MODEL_MAX_BUFS];
};

struct model_used {
	u16 head;
	u32 len;
};

/**
 * struct model - both sides, and their expected state
 * @d: ring, memory, device
 * @rng: decides everything
 * @base: the 16-bit index at position 0
 * @made: chains written to the avail ring
 * @shown: chains that the driver's index covers
 * @seen: @shown at the device's last check
 * @fetched: chains fetched and not rewound
 * @taken: chains at the front of the batch that are completed
 * @completed: used entries
 * @published: used entries visible to the driver
 * @reaped: used entries that the driver has taken
 * @decided: position behind @published at the last interrupt decision
 * @has_decided: there was one
 * @asleep: the device waits for a kick
 * @has_border_table: a chain's table lies across two regions
 * @first_flags: with the packed layout, what shows all that was made
 * @made_at: position behind the chains made
 * @nr_free: entries in @free
 * @free: descriptors that are free, or ids
 * @next_slot: in order, the next descriptor of the table
 * @nr_slots: with the packed layout, descriptors that are free
 * @at: positions of chains
 * @avail: heads by position
 * @used: used entries by position
 * @chain: by head
 *
 * Chains are counted; with the split layout a chain's number is its position
 * in the ring, too, with the packed one that is in @at.
 */
struct model {
	struct drv d;
	struct rng rng;
	u16 base;
	u64 made;
	u64 shown;
	u64 seen;
	u64 fetched;
	unsigned int taken;
	u64 completed;
	u64 published;
	u64 reaped;
	u64 decided;
	bool has_decided;
	bool asleep;
	bool has_border_table;
	u16 first_flags;
	u64 made_at;
	unsigned int nr_free;
	u16 next_slot;
	unsigned int nr_slots;
	u16 free[MODEL_MAX_NUM];
	u64 at[MODEL_MAX_NUM];
	u16 avail[MODEL_MAX_NUM];
	struct model_used used[MODEL_MAX_NUM];
	struct model_chain chain[MODEL_MAX_NUM];
};

#define MODEL_CHECK(cond) do {					\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

static inline u16 model_idx(const struct model *m, u64 pos)
{
	return m->base + pos;
}

/* Position of chain number @nr, or behind the last one. */
static inline u64 model_at(const struct model *m, u64 nr)
{
	if (!m->d.ring.is_packed)
		return nr;
	return nr == m->made ? m->made_at : m->at[nr % MODEL_MAX_NUM];
}

/* The same as the 16 bits that both sides count in. */
static inline u16 model_pos(const struct model *m, u64 nr)
{
	return model_idx(m, model_at(m, nr));
}

/* The driver's steps. */
void model_driver_start(struct model *m);
void model_add(struct model *m);
void model_show(struct model *m);
void model_reap(struct model *m);
void model_wish(struct model *m);

/* The device's steps. */
void model_fetch(struct model *m);
void model_rewind(struct model *m);
void model_complete(struct model *m);
void model_publish(struct model *m);
void model_arm(struct model *m);
void model_restart(struct model *m);
void model_swap_table(struct model *m);

#endif
