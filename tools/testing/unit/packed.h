/* SPDX-License-Identifier: GPL-2.0-only */
/* Set-up of the tests of the packed layout. */
#ifndef UNIT_PACKED_H
#define UNIT_PACKED_H

#include <linux/kernel.h>
#include <linux/virtio_ring.h>

#include "lib/drv.h"
#include "lib/unit.h"

#define NUM		8U
#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT
#define LAP		(BIT(7) | BIT(15))

static struct drv d;

static inline void start(unsigned int features, u16 pos)
{
	drv_init(&d, NUM, DRV_PACKED | features);
	drv_start_at(&d, pos);
}

/* A descriptor of one byte, available. */
static inline void put(u16 pos, u16 id, u16 flags)
{
	drv_packed_desc(&d, pos, DRV_A_GPA + pos, 1, id,
			drv_packed_avail(&d, pos, flags));
}

/* The same on a ring of any size, with a buffer independent of the place. */
static inline void put_at(u16 pos, u16 flags)
{
	drv_packed_desc(&d, pos, DRV_A_GPA, 1, 0,
			drv_packed_avail(&d, pos, flags));
}

static inline u64 slot_at(u16 pos)
{
	return DRV_DESC + 16ULL * (pos % NUM);
}

#endif
