// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write() of IOTLB messages (ioctls.rst).
 *
 * Mappings change under the mutexes of both queues: they are constant during a
 * handler run, and when the write() of an INVALIDATE returns, no handler uses a
 * removed mapping.
 */
#include <linux/errno.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>

#include "device/device.h"
#include "device/iotlb.h"
#include "guest/iotlb.h"
#include "guest/message.h"

int vd_max_iotlb_entries = 2048;

static void vd_iotlb_lock(struct vd_device *dev)
{
	lockdep_assert_held(&dev->lock);
	vd_queue_lock(&dev->queue[VD_RX]);
	vd_queue_lock(&dev->queue[VD_TX]);
}

static void vd_iotlb_unlock(struct vd_device *dev)
{
	mutex_unlock(&dev->queue[VD_TX].lock);
	mutex_unlock(&dev->queue[VD_RX].lock);
}

/* Delete a mapping. Cached copies in queues and rings must be dropped first. */
static void vd_iotlb_evict(struct vd_device *dev, struct vd_iotlb_map *map)
{
	u64 first = map->region.gpa, last = first + map->region.span;
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++) {
		vd_mem_forget(&dev->queue[i].mem, first, last);
		vd_ring_forget(&dev->queue[i].ring, first, last);
	}
	vd_iotlb_del(&dev->iotlb, map);
}

static void vd_iotlb_remove(struct vd_device *dev, u64 first, u64 last)
{
	struct vd_iotlb_map *map;

	while ((map = vd_iotlb_find(&dev->iotlb, first, last)))
		vd_iotlb_evict(dev, map);
}

/**
 * vd_iotlb_clear() - delete all mappings
 * @dev: the device
 *
 * Context: device mutex held.
 */
void vd_iotlb_clear(struct vd_device *dev)
{
	vd_iotlb_lock(dev);
	vd_iotlb_remove(dev, 0, U64_MAX);
	vd_iotlb_unlock(dev);
}

/**
 * vd_iotlb_drop_misses() - drop all misses, read and unread
 * @dev: the device, which must have an owner
 *
 * A queue with a pending miss waits for no other event, so its handler must be
 * queued: it reports the miss again if the address is still needed.
 *
 * Context: device mutex held.
 */
void vd_iotlb_drop_misses(struct vd_device *dev)
{
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++) {
		struct vd_queue *q = &dev->queue[i];

		if (vd_miss_drop(&dev->misses, &q->miss))
			vd_work_queue(&q->work);
	}
}

/* Queue each handler with a miss that the new mapping resolves. */
static void vd_iotlb_answer(struct vd_device *dev, u64 first, u64 last)
{
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++) {
		struct vd_queue *q = &dev->queue[i];

		if (vd_miss_answer(&dev->misses, &q->miss, first, last))
			vd_work_queue(&q->work);
	}
}

static int vd_iotlb_update(struct vd_device *dev, const struct vd_message *msg)
{
	struct vd_iotlb_map *map = vd_iotlb_map_create(&msg->region, msg->perm);
	u64 first = msg->region.gpa;

	if (!map)
		return -ENOMEM;
	vd_iotlb_lock(dev);
	vd_iotlb_add(&dev->iotlb, map);
	if (dev->iotlb.nr > vd_max_iotlb_entries)
		vd_iotlb_evict(dev, vd_iotlb_oldest(&dev->iotlb));
	vd_iotlb_unlock(dev);
	vd_iotlb_answer(dev, first, first + msg->region.span);
	return 0;
}

static int vd_iotlb_process(struct vd_device *dev, const struct vd_message *msg)
{
	u64 first = msg->region.gpa;

	if (!vd_misses_is_open(&dev->misses))
		return -EFAULT;
	if (msg->is_update)
		return vd_iotlb_update(dev, msg);
	vd_iotlb_lock(dev);
	vd_iotlb_remove(dev, first, first + msg->region.span);
	vd_iotlb_unlock(dev);
	return 0;
}

/**
 * vd_iotlb_write() - process a message
 * @dev: the device
 * @from: the message, in any number of segments
 *
 * Context: process context, waits for the runs in progress.
 * Return: the size of a message, however long @from is; -EINVAL for a malformed
 * message; -EFAULT if the message cannot be applied; -EINTR if the caller is
 * killed.
 */
ssize_t vd_iotlb_write(struct vd_device *dev, struct iov_iter *from)
{
	u8 raw[VD_MESSAGE_PARSED];
	struct vd_message msg;
	size_t len;
	int err;

	len = copy_from_iter(raw, sizeof(raw), from);
	err = vd_message_parse(&msg, raw, len);
	if (err)
		return err;
	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = vd_iotlb_process(dev, &msg);
	mutex_unlock(&dev->lock);
	return err ? -EFAULT : VD_MESSAGE_LEN;
}

static ssize_t vd_iotlb_copy_miss(struct vd_device *dev, struct iov_iter *to,
				  const struct vd_question *question)
{
	struct vhost_iotlb_msg miss = {
		.iova = question->addr,
		.perm = question->perm,
		.type = VHOST_IOTLB_MISS,
	};
	union {
		struct vhost_msg v1;
		struct vhost_msg_v2 v2;
	} msg;

	BUILD_BUG_ON(sizeof(msg.v1) != sizeof(msg.v2));
	/* Holes and unused parts are copied to userspace: they must be 0. */
	memset(&msg, 0, sizeof(msg));
	if (READ_ONCE(dev->backend_features) &
	    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)) {
		msg.v2.type = VHOST_IOTLB_MSG_V2;
		msg.v2.iotlb = miss;
	} else {
		msg.v1.type = VHOST_IOTLB_MSG;
		msg.v1.iotlb = miss;
	}
	return copy_to_iter(&msg, sizeof(msg), to);
}

/**
 * vd_iotlb_read() - read the next miss
 * @dev: the device
 * @to: destination, in any number of segments
 * @nonblock: do not wait
 *
 * Context: process context, sleeps until there is a miss.
 * Return: the size of a message, or less if a part of @to cannot be written:
 * the message is then lost; 0 if @to cannot hold a message; -EAGAIN with
 * @nonblock; -EBADFD if there is no IOTLB; -ERESTARTSYS.
 */
ssize_t vd_iotlb_read(struct vd_device *dev, struct iov_iter *to, bool nonblock)
{
	struct vd_misses *misses = &dev->misses;
	struct vd_question question;

	if (iov_iter_count(to) < VD_MESSAGE_LEN)
		return 0;
	while (!vd_misses_read(misses, &question)) {
		if (nonblock)
			return -EAGAIN;
		if (!vd_misses_is_open(misses))
			return -EBADFD;
		if (wait_event_interruptible(misses->wait,
					     vd_misses_has_unread(misses) ||
					     !vd_misses_is_open(misses)))
			return -ERESTARTSYS;
	}
	return vd_iotlb_copy_miss(dev, to, &question);
}
