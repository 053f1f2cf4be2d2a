/* SPDX-License-Identifier: GPL-2.0-only */
/* A device: one open file of the character device. */
#ifndef VD_DEVICE_DEVICE_H
#define VD_DEVICE_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "guest/iotlb.h"
#include "guest/iotlb_miss.h"
#include "host/owner.h"
#include "host/worker.h"
#include "net/queue.h"

struct vd_regions;

/*
 * Two in use, and two to move the rings to. The pids controller does not count
 * kernel threads, so they must be bounded here.
 */
#define VD_MAX_WORKERS	4

/**
 * struct vd_device - a pair of queues, and their common state
 * @lock: must be held for ioctls and IOTLB updates
 * @node: entry in the list of devices, under that list's mutex
 * @id: number, not reused while the module is loaded [c]
 * @info_lock: protects @owner.id and @worker from being freed while fdinfo reads
 *	       them; they change under both locks
 * @owner: the owner's address space and pid [d]
 * @fork_from_owner: workers are threads of the owner, not kernel threads [d]
 * @worker: workers by id, from SET_OWNER on; each queue points to its own [d]
 * @regions: the memory table, or NULL before there is one [d]
 * @nr_regions: entries in @regions, for fdinfo [d]
 * @mem_len: number of bytes that @regions map, for fdinfo [d]
 * @iotlb: mappings that the client has set, with ACCESS_PLATFORM [d]
 * @misses: IOTLB misses reported to the client
 * @ring_pages: translated pages of the rings, one entry per ring [d]
 * @offered: features that the client may ack, in words of 64 bits [d]
 * @features: features that the client has acked, likewise [d]
 * @backend_features: features of the backend protocol that are acked [d]
 * @log_base: user address of the dirty bitmap [d]
 * @log: eventfd signalled for dirty pages, or NULL [d]
 * @queue: by &enum vd_dir [c]
 */
struct vd_device {
	struct mutex lock; /* before the queues' */
	struct list_head node;
	u64 id;
	spinlock_t info_lock; /* innermost */
	struct vd_owner owner;
	bool fork_from_owner;
	struct vd_worker *worker[VD_MAX_WORKERS];
	struct vd_regions *regions;
	u32 nr_regions;
	u64 mem_len;
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

/* Calls @fn for each open device, with the mutex of the device list held. */
void vd_device_for_each(void (*fn)(struct vd_device *dev, void *data),
			void *data);

#endif
