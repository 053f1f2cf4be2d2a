/* SPDX-License-Identifier: GPL-2.0-only */
/* A front end that keeps in-flight memory. */
#ifndef KEEP_H
#define KEEP_H

#include "rig.h"

#define KEEP_NUM	64	/* entries of each ring */
#define KEEP_SPLIT	(16 + 16 * KEEP_NUM + 48)
#define KEEP_PACKED	(32 + 32 * KEEP_NUM + 32)

struct keep {
	struct fe_inflight info;
	int fd;
	uint8_t *map;
};

/* Memory for two rings of either format, which can be truncated. */
void keep_make(struct keep *k);
void keep_map(struct keep *k);

static inline struct fe_split_region *keep_split(struct keep *k, unsigned int q)
{
	return (void *)(k->map + q * KEEP_SPLIT);
}

static inline struct fe_packed_region *keep_packed(struct keep *k,
						   unsigned int q)
{
	return (void *)(k->map + q * KEEP_PACKED);
}

/* Features and guest memory; in-flight memory is negotiated. */
void keep_negotiate(struct rig *r);
/* The same, then the transmit ring starts. */
void keep_start(struct rig *r, struct keep *k, uint32_t base);

#endif
