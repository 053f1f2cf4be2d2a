// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of writes to a ring (VHOST_VRING_F_LOG of VHOST_SET_VRING_ADDR).
 *
 * VHOST_SET_VRING_ADDR sets the guest physical address of the device area. With
 * an IOTLB, and for the descriptors of the packed format, it does not: the log
 * then derives the guest address from the user address of the write.
 */
#include <linux/minmax.h>

#include "ring/state.h"

/* Split at page boundaries: the user pages of a scattered area lie apart. */
static void vd_ring_log_hva(struct vd_ring *ring, const struct vd_area *area,
			    size_t off, size_t len)
{
	int err = 0;

	while (len && !err) {
		u64 at = (unsigned long)vd_area_at(area, off);
		size_t part = len;

		if (area->page)
			part = min_t(size_t, len, VD_AREA_PAGE_SIZE -
				     (area->page_offset + off) % VD_AREA_PAGE_SIZE);
		err = vd_dirty_log_hva(ring->log, at, part);
		off += part;
		len -= part;
	}
}

void vd_ring_log_write(struct vd_ring *ring, const struct vd_area *area,
		       size_t off, size_t len)
{
	if (ring->pages || area == &ring->desc)
		vd_ring_log_hva(ring, area, off, len);
	else
		vd_dirty_log_gpa(ring->log, ring->log_gpa + off, len);
}
