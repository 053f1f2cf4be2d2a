/* SPDX-License-Identifier: GPL-2.0-only */
/* One open descriptor of the character device. */
#ifndef VD_DEVICE_DEVICE_H
#define VD_DEVICE_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "guest/iotlb.h"
#include "host/miss.h"
#include "host/owner.h"
#include "host/worker.h"
#include "net/queue.h"

struct vd_regions;

/*
 * Two in use, and two to move the rings to. The pids controller does not count
 * kernel threads, so this bounds them.
 */
#define VD_MAX_WORKERS	4

/**
 * struct vd_device - a pair of queues, and what they share
 * @lock: taken by every call that changes something
 * @node: place in the list of devices, under that list's mutex
 * @id: number, never given to another device while the module is loaded [c]
 * @owner: whose memory it works on [d]
 * @fork_from_owner: workers are threads of the owner, not kernel threads [d]
 * @worker: by id, from SET_OWNER on; the queues know whose they are [d]
 * @regions: the memory table, or NULL before there is one [d]
 * @iotlb: what the client's IOMMU said, with ACCESS_PLATFORM [d]
 * @misses: what it is asked
 * @ring_pages: what the rings need for their I/O addresses, an entry each [d]
 * @offered: features that the client may ack, by word of 64 [d]
 * @features: what the client acked, likewise [d]
 * @backend_features: likewise for the backend protocol [d]
 * @log_base: user address of the dirty bitmap [d]
 * @log: eventfd that tells of dirty pages, or NULL [d]
 * @queue: by &enum vd_dir [c]
 */
struct vd_device {
	struct mutex lock; /* before the queues' */
	struct list_head node;
	u64 id;
	struct vd_owner owner;
	bool fork_from_owner;
	struct vd_worker *worker[VD_MAX_WORKERS];
	struct vd_regions *regions;
	struct vd_iotlb iotlb;
	struct vd_misses misses;
	struct vd_ring_pages *ring_pages;
	u64 offered[VD_FEATURE_WORDS];
	u64 features[VD_FEATURE_WORDS];
	u64 backend_features;
	u64 log_base;
	struct eventfd_ctx *log;
	struct vd_queue queue[VD_NR_QUEUES];
};

struct vd_device *vd_device_create(void);
void vd_device_destroy(struct vd_device *dev);
int vd_device_set_owner(struct vd_device *dev);
int vd_device_reset_owner(struct vd_device *dev);
int vd_device_set_features(struct vd_device *dev, const u64 *features);
void vd_device_set_regions(struct vd_device *dev, struct vd_regions *regions);
void vd_device_set_log_base(struct vd_device *dev, u64 base);
void vd_device_set_log(struct vd_device *dev, struct eventfd_ctx *log);
bool vd_device_is_loggable(const struct vd_device *dev, u64 features,
			   const struct vd_regions *regions, u64 base);
bool vd_device_is_running(const struct vd_device *dev);

/* Calls @fn for each open device, under the mutex of their list. */
void vd_device_for_each(void (*fn)(struct vd_device *dev, void *data),
			void *data);

#endif
