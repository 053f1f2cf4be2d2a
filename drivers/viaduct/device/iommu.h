/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_IOMMU_H
#define VD_DEVICE_IOMMU_H

#include <linux/types.h>

struct iov_iter;
struct vd_device;

/* The ABI's limit on mappings; a module parameter. */
extern int vd_max_iotlb_entries;

ssize_t vd_iommu_read(struct vd_device *dev, struct iov_iter *to,
		      bool nonblock);
ssize_t vd_iommu_write(struct vd_device *dev, struct iov_iter *from);
void vd_iommu_clear(struct vd_device *dev);
void vd_iommu_drop_misses(struct vd_device *dev);

#endif
