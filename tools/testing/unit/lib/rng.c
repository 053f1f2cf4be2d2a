// SPDX-License-Identifier: GPL-2.0-only
/* Splitmix64: every seed is a good one. */
#include "rng.h"

void rng_seed(struct rng *rng, u64 seed)
{
	rng->state = seed;
}

u64 rng_next(struct rng *rng)
{
	u64 z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u32 rng_below(struct rng *rng, u32 limit)
{
	return (u32)rng_next(rng) % limit;
}

bool rng_once_in(struct rng *rng, u32 n)
{
	return !rng_below(rng, n);
}
