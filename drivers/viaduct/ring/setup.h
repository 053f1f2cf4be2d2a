/* SPDX-License-Identifier: GPL-2.0-only */
/* Configuration of a ring by the client. */
#ifndef VD_RING_SETUP_H
#define VD_RING_SETUP_H

#include <linux/types.h>
#include <linux/vhost_types.h>

#include "guest/translate.h"
#include "ring/state.h"

void vd_ring_init(struct vd_ring *ring, struct vd_dirty_log *log);
void vd_ring_set_features(struct vd_ring *ring, u64 features);
void vd_ring_set_num(struct vd_ring *ring, u16 num);
void vd_ring_set_base(struct vd_ring *ring, u32 base);
u32 vd_ring_get_base(const struct vd_ring *ring);
void vd_ring_set_addr(struct vd_ring *ring, const struct vhost_vring_addr *addr);
bool vd_ring_can_set_addr(const struct vd_ring *ring,
			  const struct vhost_vring_addr *addr);
bool vd_ring_is_user(const struct vd_ring *ring);
bool vd_ring_can_log(const struct vd_ring *ring, u64 bitmap);
void vd_ring_set_pages(struct vd_ring *ring, struct vd_ring_pages *pages);
void vd_ring_unmap(struct vd_ring *ring);
void vd_ring_forget(struct vd_ring *ring, u64 first, u64 last);
int vd_ring_map(struct vd_ring *ring, struct vd_mem *mem);
int vd_ring_probe(struct vd_ring *ring, struct vd_mem *mem, u16 *used_idx);
void vd_ring_start(struct vd_ring *ring, u16 used_idx);

#endif
