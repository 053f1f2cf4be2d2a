// SPDX-License-Identifier: GPL-2.0-only
/* Copies between linear memory and lists of guest segments. */
#include <stdlib.h>
#include <string.h>

#include "vring.h"

/* One piece; shorter than @len at the end of a region. */
static size_t piece_copy(struct vg_mem *mem, uint64_t gpa, uint8_t *lin,
			 size_t len, bool to_guest)
{
	size_t done = 0;

	while (done < len) {
		uint64_t n = len - done;
		uint8_t *p = vg_mem_piece(mem, gpa + done, &n);

		if (!p)
			break;
		if (to_guest)
			memcpy(p, lin + done, n);
		else
			memcpy(lin + done, p, n);
		done += n;
	}
	return done;
}

static size_t seg_copy(struct vg_mem *mem, const struct vg_seg *seg,
		       unsigned int nr, size_t offset, uint8_t *lin,
		       size_t len, bool to_guest)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < nr && done < len; i++) {
		size_t n = seg[i].len, got;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n -= offset;
		if (n > len - done)
			n = len - done;
		got = piece_copy(mem, seg[i].gpa + offset, lin + done, n,
				 to_guest);
		done += got;
		if (got < n)
			break;
		offset = 0;
	}
	return done;
}

size_t vg_seg_write(struct vg_mem *mem, const struct vg_seg *seg,
		    unsigned int nr, size_t offset, const void *src, size_t len)
{
	return seg_copy(mem, seg, nr, offset, (uint8_t *)src, len, true);
}

size_t vg_seg_read(struct vg_mem *mem, const struct vg_seg *seg,
		   unsigned int nr, size_t offset, void *dst, size_t len)
{
	return seg_copy(mem, seg, nr, offset, dst, len, false);
}
