// SPDX-License-Identifier: GPL-2.0-only
/* A pool of packet buffers of one size, and their division into segments. */
#include <errno.h>
#include <stdlib.h>

#include "buf.h"

const struct vg_layout vg_layout_plain = {
	.name = "plain", .nr_direct = VG_ALL_DIRECT,
};

const struct vg_layout vg_layout_indirect = {
	.name = "indirect", .head = { 12 }, .nr_direct = 0,
};

int vg_pool_init(struct vg_pool *p, struct vg_mem *mem, unsigned int nr,
		 uint32_t size)
{
	unsigned int i;

	*p = (struct vg_pool){ .mem = mem, .nr = nr, .size = size };
	p->buf = calloc(nr, sizeof(*p->buf));
	p->free = calloc(nr, sizeof(*p->free));
	if (!p->buf || !p->free)
		goto err;
	for (i = 0; i < nr; i++) {
		struct vg_buf *b = &p->buf[i];

		b->gpa = vg_mem_alloc(mem, size, 64);
		b->seg = calloc(8, sizeof(*b->seg));
		if (b->gpa == VG_NO_GPA || !b->seg)
			goto err;
	}
	vg_pool_reclaim(p);
	return 0;

err:
	vg_pool_fini(p);
	return -ENOMEM;
}

void vg_pool_fini(struct vg_pool *p)
{
	unsigned int i;

	for (i = 0; p->buf && i < p->nr; i++)
		free(p->buf[i].seg);
	free(p->buf);
	free(p->free);
	*p = (struct vg_pool){ 0 };
}

void vg_pool_reclaim(struct vg_pool *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		p->free[i] = &p->buf[p->nr - 1 - i];
		p->buf[i].busy = false;
	}
	p->nr_free = p->nr;
}

struct vg_buf *vg_buf_get(struct vg_pool *p)
{
	struct vg_buf *b;

	if (!p->nr_free)
		return NULL;
	b = p->free[--p->nr_free];
	b->busy = true;
	return b;
}

void vg_buf_put(struct vg_pool *p, struct vg_buf *b)
{
	/* Freeing a buffer twice is a bug of the caller, or of the device. */
	if (!b->busy)
		abort();
	b->busy = false;
	p->free[p->nr_free++] = b;
}

static uint32_t piece_len(const struct vg_layout *l, unsigned int nth,
			  uint32_t left)
{
	uint32_t n = l->piece;
	unsigned int i;

	for (i = 0; i < 6 && l->head[i]; i++) {
		if (i == nth) {
			n = l->head[i];
			break;
		}
	}
	return n && n < left ? n : left;
}

static int seg_push(struct vg_buf *b, uint64_t gpa, uint32_t len, bool write)
{
	struct vg_seg *grown;

	if (b->nr_seg == VG_MAX_SEG)
		return -EINVAL;
	/* Doubles at each power of two from eight on. */
	if (b->nr_seg >= 8 && !(b->nr_seg & (b->nr_seg - 1))) {
		grown = realloc(b->seg, 2 * b->nr_seg * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		b->seg = grown;
	}
	b->seg[b->nr_seg++] = (struct vg_seg){ .gpa = gpa, .len = len,
					       .write = write };
	return 0;
}

int vg_buf_cut(struct vg_pool *p, struct vg_buf *b, uint32_t len, bool write,
	       const struct vg_layout *l)
{
	unsigned int nth = 0;
	uint32_t at = 0;
	int ret = 0;

	if (len > p->size)
		return -EINVAL;
	b->nr_seg = 0;
	while (at < len && !ret) {
		uint32_t n = piece_len(l, nth++, len - at);
		uint64_t place = l->backwards ? len - at - n : at;

		if (l->holes)
			ret = seg_push(b, 0xdead0000dead0000ULL, 0, write);
		if (!ret)
			ret = seg_push(b, b->gpa + place, n, write);
		at += n;
	}
	return ret;
}

int vg_buf_add(struct vg_ring *r, struct vg_buf *b, const struct vg_layout *l)
{
	uint32_t direct = l->nr_direct < b->nr_seg ? l->nr_direct : b->nr_seg;

	return vg_ring_add(r, b->seg, b->nr_seg, direct, b);
}
