/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_BUF_H
#define VGUEST_BUF_H

#include <stdbool.h>

#include "vring.h"

/* Packet buffers in guest memory, and the ways to divide them into segments. */

#define VG_MAX_SEG	1024
#define VG_ALL_DIRECT	UINT32_MAX

struct vg_layout {
	const char *name;
	uint32_t head[6];	/* lengths of the first pieces, ended by 0 */
	uint32_t piece;		/* of each further piece, 0: the whole rest */
	uint32_t nr_direct;	/* pieces before the indirect table */
	bool backwards;		/* later pieces lie lower in memory */
	bool holes;		/* an empty segment before each piece */
};

extern const struct vg_layout vg_layout_plain;
extern const struct vg_layout vg_layout_indirect;

struct vg_buf {
	uint64_t gpa;
	unsigned int nr_seg;
	struct vg_seg *seg;	/* of the chain that it is in */
	bool busy;
};

struct vg_pool {
	struct vg_mem *mem;
	struct vg_buf *buf;
	struct vg_buf **free;
	unsigned int nr, nr_free;
	uint32_t size;		/* bytes of each */
};

int vg_pool_init(struct vg_pool *p, struct vg_mem *mem, unsigned int nr,
		 uint32_t size);
void vg_pool_fini(struct vg_pool *p);
/* NULL when all are in use. */
struct vg_buf *vg_buf_get(struct vg_pool *p);
void vg_buf_put(struct vg_pool *p, struct vg_buf *b);
/* Takes all buffers back; the device must be stopped and the ring reset. */
void vg_pool_reclaim(struct vg_pool *p);

/* Divides the first @len bytes into b->seg; 0 or -EINVAL (too many pieces). */
int vg_buf_cut(struct vg_pool *p, struct vg_buf *b, uint32_t len, bool write,
	       const struct vg_layout *layout);
/* Adds the divided buffer to the ring, with itself as token. */
int vg_buf_add(struct vg_ring *r, struct vg_buf *b,
	       const struct vg_layout *layout);

#endif
