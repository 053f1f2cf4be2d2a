// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of a device: from open to the last close, with and without an
 * owner. All changes must be made under the device's mutex.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vhost.h>

#include "device/device.h"
#include "device/features.h"
#include "device/iommu.h"
#include "device/workers.h"
#include "guest/dirty_log.h"
#include "guest/regions.h"

static DEFINE_MUTEX(vd_device_list_lock);
static LIST_HEAD(vd_device_list);
static u64 vd_device_last_id; /* under vd_device_list_lock */

/* Returns NULL if there is no memory. */
struct vd_device *vd_device_create(void)
{
	struct vd_device *dev = kvzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	int i;

	if (!dev)
		return NULL;
	mutex_init(&dev->lock);
	spin_lock_init(&dev->info_lock);
	dev->offered[0] = VD_FEATURES & ~vd_hidden_features[0];
	dev->offered[1] = VD_TUNNEL_FEATURES & ~vd_hidden_features[1];
	dev->fork_from_owner = vd_fork_from_owner_default;
	vd_iotlb_init(&dev->iotlb);
	vd_misses_init(&dev->misses);
	vd_queue_init(&dev->queue[VD_RX], VD_RX, &vd_rx_ops, &dev->queue[VD_TX],
		      &dev->misses);
	vd_queue_init(&dev->queue[VD_TX], VD_TX, &vd_tx_ops, &dev->queue[VD_RX],
		      &dev->misses);

	mutex_lock(&vd_device_list_lock);
	dev->id = ++vd_device_last_id;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_device(&dev->queue[i], dev->id);
	list_add_tail(&dev->node, &vd_device_list);
	mutex_unlock(&vd_device_list_lock);
	return dev;
}

/* Whether any queue has a backend. */
bool vd_device_is_running(const struct vd_device *dev)
{
	lockdep_assert_held(&dev->lock);
	return vd_queue_is_running(&dev->queue[VD_RX]) ||
	       vd_queue_is_running(&dev->queue[VD_TX]);
}

/**
 * vd_device_is_loggable() - whether the dirty bitmap can cover guest memory
 * @dev: the device
 * @features: first word of the features to check; without LOG_ALL there is no
 *	      bitmap
 * @regions: memory table to check
 * @base: address of the bitmap to check
 *
 * Return: false if a part of the bitmap is not user memory.
 */
bool vd_device_is_loggable(const struct vd_device *dev, u64 features,
			   const struct vd_regions *regions, u64 base)
{
	lockdep_assert_held(&dev->lock);
	return !(features & BIT_ULL(VHOST_F_LOG_ALL)) ||
	       (regions && vd_dirty_log_covers_memory(base, regions));
}

/* @base is the user address of the dirty bitmap, which has been checked. */
void vd_device_set_log_base(struct vd_device *dev, u64 base)
{
	int i;

	lockdep_assert_held(&dev->lock);
	dev->log_base = base;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_log_base(&dev->queue[i], base);
}

/* @log signals dirty pages, or is NULL; its reference passes to the device. */
void vd_device_set_log(struct vd_device *dev, struct eventfd_ctx *log)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_log(&dev->queue[i], log);
	vd_eventfd_put(dev->log);
	dev->log = log;
}

/* Start translating addresses by the IOTLB, which must be empty at first. */
static int vd_device_enter_iotlb(struct vd_device *dev)
{
	int i;

	lockdep_assert_held(&dev->lock);
	vd_iommu_clear(dev);
	if (dev->ring_pages)
		return 0;
	dev->ring_pages = kvcalloc(VD_NR_QUEUES, sizeof(*dev->ring_pages),
				   GFP_KERNEL_ACCOUNT);
	if (!dev->ring_pages)
		return -ENOMEM;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_iotlb(&dev->queue[i], &dev->iotlb,
				   &dev->ring_pages[i]);
	vd_misses_open(&dev->misses, true);
	return 0;
}

/* Stop translating addresses, and drop the IOTLB. */
static void vd_device_leave_iotlb(struct vd_device *dev)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_iotlb(&dev->queue[i], NULL, NULL);
	vd_iommu_clear(dev);
	vd_misses_open(&dev->misses, false);
	kvfree(dev->ring_pages);
	dev->ring_pages = NULL;
}

/* fdinfo must not find the id of an owner that is being freed. */
static void vd_device_put_owner(struct vd_device *dev)
{
	struct vd_owner old;

	spin_lock(&dev->info_lock);
	old = dev->owner;
	memset(&dev->owner, 0, sizeof(dev->owner));
	spin_unlock(&dev->info_lock);
	vd_owner_put(&old);
}

/* Set the size of the memory table that fdinfo reports. */
static void vd_device_describe_regions(struct vd_device *dev)
{
	const struct vd_regions *regions = dev->regions;
	u32 i, nr = regions ? regions->nr : 0;
	u64 len = 0;

	for (i = 0; i < nr; i++)
		len += regions->region[i].span + 1;
	WRITE_ONCE(dev->nr_regions, nr);
	WRITE_ONCE(dev->mem_len, len);
}

/*
 * Stop all activity and drop the client's state. The order must be such that
 * nothing is used after it is freed:
 *
 *  1. Detach both queues. This waits for a run in progress. From here on the
 *     handlers find no backend: they do not touch ring, buffers, sockets and
 *     the memory table any more, whatever wakes them.
 *  2. Reset the queues. This removes them from the wait queues of the kick
 *     eventfds; step 1 did so for the sockets. Nothing queues a handler any
 *     more. Call and error eventfds have no user after step 1.
 *  3. Stop the workers. They first run the jobs queued before step 2, which
 *     have no effect, and leave the owner's address space. A worker that was
 *     killed with its owner has dropped its jobs; only its memory is left.
 *  4. Free memory table, log eventfd and address space, which no thread can
 *     use any more.
 */
static void vd_device_stop(struct vd_device *dev)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = VD_NR_QUEUES - 1; i >= 0; i--)
		vd_queue_detach(&dev->queue[i]);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_reset(&dev->queue[i]);
	vd_workers_stop(dev);

	vd_device_leave_iotlb(dev);
	vd_regions_destroy(dev->regions);
	dev->regions = NULL;
	vd_device_describe_regions(dev);
	vd_device_set_log(dev, NULL);
	dev->log_base = 0;
	memset(dev->features, 0, sizeof(dev->features));
	dev->backend_features = 0;
	vd_device_put_owner(dev);
	dev->fork_from_owner = vd_fork_from_owner_default;
}

/**
 * vd_device_destroy() - stop and free a device at its last close
 * @dev: the device, to which no other reference exists
 *
 * Context: process context, may sleep.
 */
void vd_device_destroy(struct vd_device *dev)
{
	mutex_lock(&vd_device_list_lock);
	list_del(&dev->node);
	mutex_unlock(&vd_device_list_lock);

	mutex_lock(&dev->lock);
	/* The program that must provide a missing page may have exited. */
	vd_workers_abort_faults(dev);
	vd_device_stop(dev);
	mutex_unlock(&dev->lock);
	mutex_destroy(&dev->lock);
	kvfree(dev);
}

/**
 * vd_device_set_owner() - make the caller's address space own the device
 * @dev: the device
 *
 * Return: 0; -EBUSY if there is an owner; or the errno of vd_owner_set() or
 * vd_workers_start().
 */
int vd_device_set_owner(struct vd_device *dev)
{
	int err;

	lockdep_assert_held(&dev->lock);
	if (dev->owner.mm)
		return -EBUSY;
	err = vd_owner_set(&dev->owner);
	if (err)
		return err;
	err = vd_workers_start(dev);
	if (err)
		vd_device_put_owner(dev);
	return err;
}

/**
 * vd_device_reset_owner() - bring the device back to the state after open
 * @dev: the device
 *
 * Unlike after open, there is a memory table, which is empty.
 *
 * Return: 0, or -ENOMEM with nothing changed.
 */
int vd_device_reset_owner(struct vd_device *dev)
{
	struct vd_regions *empty = vd_regions_create(NULL, 0);

	lockdep_assert_held(&dev->lock);
	if (IS_ERR(empty))
		return PTR_ERR(empty);
	vd_device_stop(dev);
	vd_device_set_regions(dev, empty);
	return 0;
}

/**
 * vd_device_set_features() - set the acked features
 * @dev: the device
 * @features: VD_FEATURE_WORDS words, which must be a subset of the offered ones
 *
 * Each call with ACCESS_PLATFORM empties the IOTLB. A change of ACCESS_PLATFORM
 * clears the addresses of the rings.
 *
 * Return: 0, or -ENOMEM with nothing changed except that the IOTLB is empty.
 */
int vd_device_set_features(struct vd_device *dev, const u64 *features)
{
	int i;

	lockdep_assert_held(&dev->lock);
	if (!(features[0] & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)))
		vd_device_leave_iotlb(dev);
	else if (vd_device_enter_iotlb(dev))
		return -ENOMEM;
	memcpy(dev->features, features, sizeof(dev->features));
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_features(&dev->queue[i], features);
	return 0;
}

/**
 * vd_device_set_regions() - replace the memory table
 * @dev: the device
 * @regions: the new table; the device takes ownership
 *
 * The old table is freed: no queue uses it any more.
 *
 * Context: device mutex held.
 */
void vd_device_set_regions(struct vd_device *dev, struct vd_regions *regions)
{
	struct vd_regions *old = dev->regions;
	int i;

	lockdep_assert_held(&dev->lock);
	dev->regions = regions;
	vd_device_describe_regions(dev);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_regions(&dev->queue[i], regions);
	vd_regions_destroy(old);
}

/* Visit all open devices; @fn must not open or close one. */
void vd_device_for_each(void (*fn)(struct vd_device *dev, void *data),
			void *data)
{
	struct vd_device *dev;

	mutex_lock(&vd_device_list_lock);
	list_for_each_entry(dev, &vd_device_list, node)
		fn(dev, data);
	mutex_unlock(&vd_device_list_lock);
}
