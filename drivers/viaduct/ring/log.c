// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of a ring (VHOST_VRING_F_LOG of VHOST_SET_VRING_ADDR).
 *
 * VHOST_SET_VRING_ADDR sets the guest physical address of the device area. With
 * an IOTLB, and for the descriptors of the packed format, it sets none: there
 * the memory table is searched for the user address that was written.
 */
#include <linux/minmax.h>

#include "guest/dirty.h"
#include "ring/log.h"

static int vd_ring_mark_user(struct vd_ring *ring, const struct vd_area *area,
			     size_t off, size_t len)
{
	int err = 0;

	while (len && !err) {
		u64 at = (unsigned long)vd_area_at(area, off);
		size_t part = len;

		/* Split at pages of the I/O address: user pages differ. */
		if (area->page)
			part = min_t(size_t, len, VD_AREA_PAGE_SIZE -
				     (area->skew + off) % VD_AREA_PAGE_SIZE);
		err = vd_dirty_mark_user(ring->log.base, ring->log.regions, at,
					 part);
		off += part;
		len -= part;
	}
	return err;
}

/**
 * vd_ring_log_write() - vd_ring_log() of a ring that is logged
 * @ring: the ring
 * @area: its descriptor or its device area
 * @off: offset of the first byte in the area
 * @len: bytes
 *
 * A mark that fails is counted in &vd_ring_log.lost.
 *
 * Context: as vd_ring_log().
 */
void vd_ring_log_write(struct vd_ring *ring, const struct vd_area *area,
		       size_t off, size_t len)
{
	struct vd_ring_log *log = &ring->log;
	int err;

	if (ring->pages || area == &ring->desc)
		err = vd_ring_mark_user(ring, area, off, len);
	else
		err = vd_dirty_mark(log->base, log->gpa + off, len);
	if (err)
		log->lost++;
	log->marked = true;
}
