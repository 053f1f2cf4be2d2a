/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that a seed determines. */
#ifndef RNG_H
#define RNG_H

#include <linux/types.h>

struct rng {
	u64 state;
};

void rng_seed(struct rng *rng, u64 seed);
u64 rng_next(struct rng *rng);
/* 0 to @limit - 1. */
u32 rng_below(struct rng *rng, u32 limit);
/* True with a probability of 1 in @n. */
bool rng_once_in(struct rng *rng, u32 n);

#endif
