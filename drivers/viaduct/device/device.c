// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a device: from open to the last close, with and without an
 * owner. All changes are made under the device's mutex.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vhost.h>

#include "device/device.h"
#include "device/features.h"
#include "device/iotlb.h"
#include "device/workers.h"
#include "guest/dirty.h"
#include "guest/regions.h"
#include "net/rx.h"
#include "net/tx.h"

static DEFINE_MUTEX(vd_device_list_lock);
static LIST_HEAD(vd_device_list);
static u64 vd_device_last_id; /* under vd_device_list_lock */

/**
 * vd_device_create() - a device without an owner
 *
 * Context: process context, may sleep.
 * Return: the device, or NULL.
 */
struct vd_device *vd_device_create(void)
{
	struct vd_device *dev = kvzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	int i;

	if (!dev)
		return NULL;
	mutex_init(&dev->lock);
	dev->offered[0] = VD_FEATURES & ~vd_hidden_features[0];
	dev->offered[1] = VD_TUNNEL_FEATURES & ~vd_hidden_features[1];
	dev->fork_from_owner = vd_fork_from_owner_default;
	vd_iotlb_init(&dev->iotlb);
	vd_misses_init(&dev->misses);
	vd_queue_init(&dev->queue[VD_RX], VD_RX, &dev->queue[VD_TX],
		      &dev->misses, vd_rx_run);
	vd_queue_init(&dev->queue[VD_TX], VD_TX, &dev->queue[VD_RX],
		      &dev->misses, vd_tx_run);

	mutex_lock(&vd_device_list_lock);
	dev->id = ++vd_device_last_id;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_device(&dev->queue[i], dev->id);
	list_add_tail(&dev->node, &vd_device_list);
	mutex_unlock(&vd_device_list_lock);
	return dev;
}

/**
 * vd_device_is_running() - whether any queue has a backend
 * @dev: the device
 *
 * Context: device mutex held.
 */
bool vd_device_is_running(const struct vd_device *dev)
{
	lockdep_assert_held(&dev->lock);
	return vd_queue_is_running(&dev->queue[VD_RX]) ||
	       vd_queue_is_running(&dev->queue[VD_TX]);
}

/**
 * vd_device_is_loggable() - whether the dirty bitmap can hold guest memory
 * @dev: the device
 * @features: the first word of those in question: without LOG_ALL there is no bitmap
 * @regions: the memory table in question
 * @base: the bitmap in question
 *
 * Context: device mutex held.
 * Return: false when a part of the bitmap would not be user memory.
 */
bool vd_device_is_loggable(const struct vd_device *dev, u64 features,
			   const struct vd_regions *regions, u64 base)
{
	lockdep_assert_held(&dev->lock);
	return !(features & BIT_ULL(VHOST_F_LOG_ALL)) ||
	       (regions && vd_dirty_covers(base, regions));
}

/**
 * vd_device_set_log_base() - say where the dirty bitmap is
 * @dev: the device
 * @base: user address
 *
 * Context: device mutex held.
 */
void vd_device_set_log_base(struct vd_device *dev, u64 base)
{
	int i;

	lockdep_assert_held(&dev->lock);
	dev->log_base = base;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_log_base(&dev->queue[i], base);
}

/**
 * vd_device_set_log() - replace the eventfd that tells of dirty pages
 * @dev: the device
 * @log: the new one, which passes to the device, or NULL
 *
 * Context: device mutex held.
 */
void vd_device_set_log(struct vd_device *dev, struct eventfd_ctx *log)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_swap_event(&dev->queue[i], &dev->queue[i].log, log);
	vd_notify_put(dev->log);
	dev->log = log;
}

/* Addresses are I/O addresses from here on. */
static int vd_device_enter_iotlb(struct vd_device *dev)
{
	int i;

	vd_iotlb_clear(dev);
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

/* Addresses are what the client knows itself. */
static void vd_device_leave_iotlb(struct vd_device *dev)
{
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_iotlb(&dev->queue[i], NULL, NULL);
	vd_iotlb_clear(dev);
	vd_misses_open(&dev->misses, false);
	kvfree(dev->ring_pages);
	dev->ring_pages = NULL;
}

/*
 * Stop everything and forget the client, in an order in which nothing is used
 * after it is gone:
 *
 *  1. Detach both queues. This waits for a run in progress. From here on the
 *     handlers find no backend: ring, buffers, sockets and the memory table
 *     are not touched any more, whatever wakes them.
 *  2. Reset the queues: the kick eventfds are no longer waited for, and the
 *     sockets' wait queues were left in step 1, so nothing queues a handler
 *     any more; call and error eventfds have no user after step 1.
 *  3. Stop the workers. They first run what was queued before step 2, to no
 *     effect, and leave the owner's address space. A worker that was killed
 *     with its owner has dropped its jobs, and only its memory is left.
 *  4. With no thread left that could use them: memory table, log eventfd,
 *     address space.
 */
static void vd_device_stop(struct vd_device *dev)
{
	int i;

	for (i = VD_NR_QUEUES - 1; i >= 0; i--)
		vd_queue_detach(&dev->queue[i]);
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_reset(&dev->queue[i]);
	vd_workers_stop(dev);

	vd_device_leave_iotlb(dev);
	vd_regions_destroy(dev->regions);
	dev->regions = NULL;
	vd_device_set_log(dev, NULL);
	dev->log_base = 0;
	memset(dev->features, 0, sizeof(dev->features));
	dev->backend_features = 0;
	vd_owner_put(&dev->owner);
	dev->fork_from_owner = vd_fork_from_owner_default;
}

/**
 * vd_device_destroy() - the last close
 * @dev: the device; nobody else refers to it
 *
 * Context: process context of whoever closed last, may sleep.
 */
void vd_device_destroy(struct vd_device *dev)
{
	mutex_lock(&vd_device_list_lock);
	list_del(&dev->node);
	mutex_unlock(&vd_device_list_lock);

	mutex_lock(&dev->lock);
	/* The program that has to provide a page may be gone. */
	vd_workers_abort_faults(dev);
	vd_device_stop(dev);
	mutex_unlock(&dev->lock);
	mutex_destroy(&dev->lock);
	kvfree(dev);
}

/**
 * vd_device_set_owner() - let the caller's address space own the device
 * @dev: the device
 *
 * Context: device mutex held.
 * Return: 0, -EBUSY when there is an owner, or why there is no worker.
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
		vd_owner_put(&dev->owner);
	return err;
}

/**
 * vd_device_reset_owner() - bring the device back to the state after open
 * @dev: the device
 *
 * Other than after open there is a memory table, in which there is nothing.
 *
 * Context: device mutex held.
 * Return: 0, or -ENOMEM and nothing has changed.
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
 * vd_device_set_features() - note what the client acked
 * @dev: the device
 * @features: VD_FEATURE_WORDS words, a subset of what is offered
 *
 * With ACCESS_PLATFORM an IOTLB begins that is empty, each time; where that is
 * new, or ends, the rings have no addresses afterwards.
 *
 * Context: device mutex held.
 * Return: 0, or -ENOMEM and nothing that counts has changed.
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
 * @regions: the new table, which passes to the device
 *
 * When this has returned, nobody uses the old one.
 *
 * Context: device mutex held.
 */
void vd_device_set_regions(struct vd_device *dev, struct vd_regions *regions)
{
	struct vd_regions *old = dev->regions;
	int i;

	lockdep_assert_held(&dev->lock);
	dev->regions = regions;
	for (i = 0; i < VD_NR_QUEUES; i++)
		vd_queue_set_regions(&dev->queue[i], regions);
	vd_regions_destroy(old);
}

/**
 * vd_device_for_each() - visit all open devices
 * @fn: called for each, must not open or close one
 * @data: passed on to @fn
 *
 * Context: process context, may sleep.
 */
void vd_device_for_each(void (*fn)(struct vd_device *dev, void *data),
			void *data)
{
	struct vd_device *dev;

	mutex_lock(&vd_device_list_lock);
	list_for_each_entry(dev, &vd_device_list, node)
		fn(dev, data);
	mutex_unlock(&vd_device_list_lock);
}
