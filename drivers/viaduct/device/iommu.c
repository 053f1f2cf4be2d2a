// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write() of IOTLB messages (ioctls.rst).
 *
 * Mappings change under the mutexes of both queues: they are constant during a
 * handler run, and when the write() of an INVALIDATE returns, no handler uses a
 * removed mapping.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>

#include "device/device.h"
#include "device/iommu.h"
#include "guest/iotlb.h"
#include "guest/iotlb_msg.h"

int vd_max_iotlb_entries = 2048;

static void vd_iommu_lock(struct vd_device *dev)
{
	lockdep_assert_held(&dev->lock);
	vd_queue_lock(&dev->queue[VD_RX]);
	vd_queue_lock(&dev->queue[VD_TX]);
}

static void vd_iommu_unlock(struct vd_device *dev)
{
	mutex_unlock(&dev->queue[VD_TX].lock);
	mutex_unlock(&dev->queue[VD_RX].lock);
}

/* Delete a mapping. Cached copies in queues and rings must be dropped first. */
static void vd_iommu_evict(struct vd_device *dev, struct vd_iotlb_map *map)
{
	u64 first = map->region.gpa, last = first + map->region.span;
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++) {
		lockdep_assert_held(&dev->queue[i].lock);
		vd_mem_forget(&dev->queue[i].mem, first, last);
		vd_ring_forget(&dev->queue[i].ring, first, last);
	}
	vd_iotlb_del(&dev->iotlb, map);
}

static void vd_iommu_remove(struct vd_device *dev, u64 first, u64 last)
{
	struct vd_iotlb_map *map;

	while ((map = vd_iotlb_find(&dev->iotlb, first, last)))
		vd_iommu_evict(dev, map);
}

void vd_iommu_clear(struct vd_device *dev)
{
	vd_iommu_lock(dev);
	vd_iommu_remove(dev, 0, U64_MAX);
	vd_iommu_unlock(dev);
}

/**
 * vd_iommu_drop_misses() - drop all misses, read and unread
 * @dev: the device, which must have an owner
 *
 * A queue with a pending miss waits for no other event, so its handler must be
 * queued: it reports the miss again if the address is still needed.
 *
 * Context: device mutex held.
 */
void vd_iommu_drop_misses(struct vd_device *dev)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_NR_QUEUES; i++) {
		struct vd_queue *q = &dev->queue[i];

		if (vd_miss_drop(&dev->misses, &q->miss))
			vd_work_queue(&q->work);
	}
}

/* Queue each handler with a miss that the new mapping resolves. */
static void vd_iommu_resolve(struct vd_device *dev, u64 first, u64 last)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_NR_QUEUES; i++) {
		struct vd_queue *q = &dev->queue[i];

		if (vd_miss_resolve(&dev->misses, &q->miss, first, last))
			vd_work_queue(&q->work);
	}
}

static int vd_iommu_update(struct vd_device *dev, const struct vd_iotlb_msg *msg)
{
	struct vd_iotlb_map *map = vd_iotlb_map_create(&msg->region, msg->perm);
	u64 first = msg->region.gpa;

	if (!map)
		return -ENOMEM;
	vd_iommu_lock(dev);
	vd_iotlb_add(&dev->iotlb, map);
	if (dev->iotlb.nr > vd_max_iotlb_entries)
		vd_iommu_evict(dev, vd_iotlb_oldest(&dev->iotlb));
	vd_iommu_unlock(dev);
	vd_iommu_resolve(dev, first, first + msg->region.span);
	return 0;
}

static int vd_iommu_process(struct vd_device *dev, const struct vd_iotlb_msg *msg)
{
	u64 first = msg->region.gpa;

	if (!vd_misses_is_open(&dev->misses))
		return -EFAULT;
	if (msg->is_update)
		return vd_iommu_update(dev, msg);
	vd_iommu_lock(dev);
	vd_iommu_remove(dev, first, first + msg->region.span);
	vd_iommu_unlock(dev);
	return 0;
}

/**
 * vd_iommu_write() - process a message
 * @dev: the device
 * @from: the message, in any number of segments
 *
 * Context: waits for the runs in progress.
 * Return: the size of a message, however long @from is; -EINVAL for a malformed
 * message; -EFAULT if the message cannot be applied; -EINTR if the caller is
 * killed.
 */
ssize_t vd_iommu_write(struct vd_device *dev, struct iov_iter *from)
{
	u8 raw[VD_IOTLB_MSG_PARSED];
	struct vd_iotlb_msg msg;
	size_t len;
	int err;

	len = copy_from_iter(raw, sizeof(raw), from);
	err = vd_iotlb_msg_parse(&msg, raw, len);
	if (err)
		return err;
	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = vd_iommu_process(dev, &msg);
	mutex_unlock(&dev->lock);
	return err ? -EFAULT : VD_IOTLB_MSG_LEN;
}

/**
 * vd_iommu_read() - read the next miss
 * @dev: the device
 * @to: destination, in any number of segments
 * @nonblock: do not wait
 *
 * Context: sleeps until there is a miss.
 * Return: the size of a message, or less if a part of @to cannot be written:
 * the message is then lost; 0 if @to cannot hold a message; -EAGAIN with
 * @nonblock; -EBADFD if there is no IOTLB; -ERESTARTSYS.
 */
ssize_t vd_iommu_read(struct vd_device *dev, struct iov_iter *to, bool nonblock)
{
	struct vd_misses *misses = &dev->misses;
	union vd_iotlb_msg_raw raw;
	struct vd_miss miss;

	if (iov_iter_count(to) < VD_IOTLB_MSG_LEN)
		return 0;
	while (!vd_misses_read(misses, &miss)) {
		if (nonblock)
			return -EAGAIN;
		if (!vd_misses_is_open(misses))
			return -EBADFD;
		if (wait_event_interruptible(misses->wait,
					     vd_misses_has_unread(misses) ||
					     !vd_misses_is_open(misses)))
			return -ERESTARTSYS;
	}
	vd_iotlb_msg_format(&raw, &miss, READ_ONCE(dev->backend_features) &
					 BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2));
	return copy_to_iter(&raw, sizeof(raw), to);
}
