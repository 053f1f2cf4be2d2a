/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_COVER_H
#define FZ_COVER_H

#include "prog.h"

struct fz_time;

#define FZ_MAX_BLOCKS	0x10000

/* Blocks of the module, by their addresses. */
struct fz_set {
	uint64_t slot[FZ_MAX_BLOCKS];	/* by hash; 0 is free */
	unsigned int nr;
};

/* Returns whether @pc was not in the set. */
bool fz_set_add(struct fz_set *s, uint64_t pc);
bool fz_set_has(const struct fz_set *s, uint64_t pc);

/*
 * Runs a program; @pc has room for FZ_MAX_BLOCKS. The number of blocks that it reached,
 * or -1 with what is left of it in @why.
 */
int fz_cover_run(const struct fz_prog *p, uint64_t *pc, struct fz_time *time,
		 const char **why);
/* False without the module vdcover: nothing is counted then. */
bool fz_cover_open(void);
/* What has been reached since the last run, or since the module was inserted. */
int fz_cover_take(uint64_t *pc);

#endif
