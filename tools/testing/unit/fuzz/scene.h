/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring and guest memory made out of a fuzzer's input. In order:
 *
 *   u8   log2 of the ring size, up to 2048
 *   u8   features, drv_init()'s; the layout is the target's
 *   u8   which of the regions are there
 *   u16  the index at which the ring begins
 *   u8   available chains, then a u8 or, with over 255 descriptors, a u16
 *        for the head of each; with the packed layout descriptors, and what
 *        follows is skipped
 *   u8   how many of the following descriptors are the ring's; what is left
 *        goes into region C
 *   ...  descriptors of 7 bytes: u8 place, s16 offset, u16 length, u8 flags
 *        (bits 0-2 the descriptor's, 3 a length in units of 16, 4-7 log2 of
 *        a repetition), s8 distance to the next slot
 *   u8 0xff instead of a place ends them
 *
 * The compact form makes it likely that a changed byte has an effect.
 */
#ifndef FUZZ_SCENE_H
#define FUZZ_SCENE_H

#include "fuzz/input.h"
#include "lib/drv.h"

#define SCENE_MAX_NUM		2048U
#define SCENE_NR_REGIONS	5U
#define SCENE_END		0xffU

/*
 * Limit on accesses for one input: a series of long walks would find nothing
 * new and slow down fuzzing.
 */
#define SCENE_MAX_ACCESSES	20000U

struct scene {
	struct drv d;
	struct vhost_memory_region table[SCENE_NR_REGIONS];
};

/* The regions that a scene may have; index 2 is C. */
extern const struct vhost_memory_region scene_regions[SCENE_NR_REGIONS];

void scene_init(struct scene *s, struct input *in, unsigned int layout);
/* Make more of the ring's entries available. */
void scene_offer(struct scene *s, unsigned int nr);
void scene_fini(struct scene *s);
/* A guest address: near the start or the end of a region, or anywhere. */
u64 scene_gpa(u8 place, s16 off);

/* Ends the program if the last fetch violated an invariant of the batch. */
void scene_check_batch(const struct scene *s);

#define SCENE_CHECK(cond) do {					\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

#endif
