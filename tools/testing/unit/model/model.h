/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model test: a driver and a device work a ring in random steps, and
 * each answer of the device is held against a model of the ring in which
 * positions never wrap and nothing is ever in memory.
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
 * @slot: which they are; the first is its head
 * @buf: its buffers, those of a table too
 */
struct model_chain {
	u16 nr;
	u16 nr_slots;
	u16 nr_desc;
	u16 slot[MODEL_MAX_BUFS + 1];
	struct model_buf buf[MODEL_MAX_BUFS];
};

struct model_used {
	u16 head;
	u32 len;
};

/**
 * struct model - both sides, and what is known of them
 * @d: ring, memory, device
 * @rng: decides everything
 * @base: the 16-bit index at position 0
 * @made: chains written to the avail ring
 * @shown: those that the driver's index covers
 * @seen: @shown, when the device looked last
 * @fetched: chains taken and not given back
 * @taken: chains at the front of the batch that are completed
 * @completed: used entries
 * @published: those that the device has shown
 * @reaped: those that the driver has taken
 * @decided: @published at the last interrupt decision
 * @has_decided: there was one
 * @asleep: the device waits for a kick
 * @has_border_table: a chain's table lies across two regions
 * @nr_free: entries in @free
 * @free: descriptors that are free
 * @avail: heads by position
 * @used: used entries by position
 * @chain: by head
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
	unsigned int nr_free;
	u16 free[MODEL_MAX_NUM];
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

static inline unsigned int model_slot(const struct model *m, u64 pos)
{
	return model_idx(m, pos) % m->d.guest.num;
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
