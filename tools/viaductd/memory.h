/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory and the dirty log, for the kernel. */
#ifndef VDD_MEMORY_H
#define VDD_MEMORY_H

#include "dev.h"

/* Each returns 0, or -1 after vd_dev_fail(). */
int vdd_memory_set_table(struct viaduct_dev *dev, const struct vd_table *table);
int vdd_memory_set_log(struct viaduct_dev *dev, const struct vd_map *log);
int vdd_log_check(struct viaduct_dev *dev, const struct vd_map *log,
		  const struct vd_table *table);

bool vdd_log_fits_ring(const struct vd_vring *v,
		       const struct vhost_vring_addr *addr);

#endif
