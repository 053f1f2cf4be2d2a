/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_IOMMU_H
#define VGUEST_IOMMU_H

#include <linux/vhost_types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "net.h"

/*
 * The client's part of VIRTIO_F_ACCESS_PLATFORM: a thread that reads the
 * device's IOTLB misses and answers them. I/O addresses are the guest's own,
 * but they map to other user addresses than those of the memory table: each
 * region is mapped a second time, in one piece or with its pages shuffled.
 */

struct vg_iommu {
	struct vg_net *net;
	uint64_t granule;	/* bytes that an answer covers, a power of two */
	bool scattered;		/* neighbouring pages lie apart */
	uint8_t **alias;	/* the second mapping of each region */
	uint64_t *shuffled;	/* how many of its bytes lie apart */
	atomic_ulong misses;	/* misses read */
	atomic_bool mute;	/* read misses, but do not answer */
	pthread_mutex_t lock;	/* held from miss to answer */
	pthread_t thread;
	int stop;
	bool running;
};

/* One message each way: 0 or -errno; -EAGAIN when there is no miss. */
int vg_iotlb_send(int fd, const struct vhost_iotlb_msg *msg);
int vg_iotlb_recv(int fd, struct vhost_iotlb_msg *msg);
int vg_iotlb_invalidate(int fd, uint64_t iova, uint64_t size);

/* Between vg_net_open() and vg_net_start(); also maps what attach needs. */
int vg_iommu_start(struct vg_iommu *m, struct vg_net *n, uint64_t granule,
		   bool scattered);
void vg_iommu_stop(struct vg_iommu *m);
/* Stops the reader: from now on only the caller reads and answers. */
void vg_iommu_retire(struct vg_iommu *m);
/* Sends the granules of a range to the device without a miss. */
int vg_iommu_map(struct vg_iommu *m, uint64_t iova, uint64_t len, uint8_t perm);

#endif
