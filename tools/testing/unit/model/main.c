// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: model [SEED [OPS]]
 *
 * Runs OPS random steps, in episodes that differ in ring size, features,
 * starting index and in the busier side, driver or device. The same seed makes
 * the same steps; a failure names it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/model.h"

#define EPISODE_OPS	50000U

static const struct {
	void (*run)(struct model *m);
	unsigned int weight;
} steps[] = {
	{ model_add, 40 },
	{ model_show, 15 },
	{ model_reap, 6 },
	{ model_wish, 4 },
	{ model_fetch, 12 },
	{ model_rewind, 3 },
	{ model_complete, 12 },
	{ model_publish, 8 },
	{ model_arm, 8 },
	{ model_restart, 1 },
	{ model_swap_table, 1 },
};

/* Chances of an episode: the usual ones, each halved, kept or doubled. */
static unsigned int model_weigh(struct rng *rng, unsigned int *weight)
{
	unsigned int i, sum = 0;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		weight[i] = (steps[i].weight << rng_below(rng, 3)) / 2 + 1;
		sum += weight[i];
	}
	return sum;
}

static void model_start(struct model *m, struct rng *rng)
{
	unsigned int features;

	memset(m, 0, offsetof(struct model, free));
	m->rng = *rng;
	umem_reset();
	features = rng_below(rng, 32);
	/* Packed descriptors are logged by the memory table: not in here. */
	if (features & DRV_PACKED)
		features &= ~DRV_LOG;
	drv_init(&m->d, 1U << rng_below(rng, 11), features);
	/* Often close to the wrap of the index. */
	m->base = rng_once_in(rng, 2) ? rng_next(rng) :
					-rng_below(rng, 300);
	drv_start_at(&m->d, m->base);
	if (!m->d.ring.is_packed)
		*(u16 *)umem_ptr(DRV_USED + 2, 2) = m->base;
	model_driver_start(m);
}

static void model_episode(struct model *m, struct rng *rng, unsigned int ops)
{
	unsigned int weight[ARRAY_SIZE(steps)];
	unsigned int sum, pick, i;

	model_start(m, rng);
	sum = model_weigh(rng, weight);
	while (ops--) {
		pick = rng_below(&m->rng, sum);
		for (i = 0; pick >= weight[i]; i++)
			pick -= weight[i];
		steps[i].run(m);
	}
	MODEL_CHECK(!m->d.log.lost);
	drv_fini(&m->d);
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long ops = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000000;
	unsigned long left, chains = 0;
	static struct model model;
	struct timespec a, b;
	struct rng rng;

	rng_seed(&rng, seed);
	printf("# model: seed %llu, %lu steps\n", seed, ops);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (left = ops; left;) {
		unsigned int nr = min_t(unsigned long, left, EPISODE_OPS);

		model_episode(&model, &rng, nr);
		chains += model.completed;
		rng_next(&rng);
		left -= nr;
	}
	umem_reset();
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("ok - model: %lu steps, %lu chains in %.1f s\n", ops, chains,
	       (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9);
	return 0;
}
