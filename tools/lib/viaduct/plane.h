/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data plane: moves packets between the rings and a program or the kernel.
 *
 * Control (request*.c, dev.c, vring.c) calls these functions, and exactly one
 * implementation is linked: plane.c for bursts in this process, or that of
 * tools/viaductd, which passes everything on to the kernel.
 *
 * The number, the base and the areas of a ring are in &vd_vring.ring. Each function
 * that returns int returns 0, or -1 after vd_dev_fail(); the connection ends then.
 */
#ifndef VD_PLANE_H
#define VD_PLANE_H

#include "dev.h"

/* Protocol features that depend on the data plane, one bit each. */
extern const u64 vd_plane_proto_features;

/*
 * The ring is locked. @addr has addresses of this process. A stop must be possible
 * at any time, and must leave the position in &vd_vring.ring.
 */
int vd_plane_start(struct vd_vring *v, const struct vhost_vring_addr *addr);
void vd_plane_stop(struct vd_vring *v);

/* The ring is locked: &vd_vring.enabled or &viaduct_dev.log was set. */
int vd_plane_update(struct vd_vring *v);

/* The ring is locked and started: it continues at the same position. */
int vd_plane_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr);

/* The ring is locked; &viaduct_dev.features need not be set yet. */
int vd_plane_set_features(struct vd_vring *v, u64 features);

/* The ring is not locked. Its present descriptor is closed afterwards. */
int vd_plane_set_kick(struct vd_vring *v, int fd);
int vd_plane_set_call(struct vd_vring *v, int fd);

/*
 * All rings are locked. Until the function returns 0, the device has its old table
 * or log; it is unmapped soon afterwards.
 */
int vd_plane_set_table(struct viaduct_dev *dev, const struct vd_table *table);
int vd_plane_set_log(struct viaduct_dev *dev, const struct vd_map *log);

#endif
