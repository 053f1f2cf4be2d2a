// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setters of a queue's parameters, for the ioctls; the queue may be running.
 *
 * The caller must hold the device's mutex, so that control makes one change at a
 * time. Each change is made under the queue's mutex: a run sees the old or the
 * new value.
 */
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>

#include "net/queue.h"

/* @features is a checked set of VD_FEATURE_WORDS words. */
void vd_queue_set_features(struct vd_queue *q, const u64 *features)
{
	vd_queue_lock(q);
	vd_vnet_set_features(&q->vnet, features);
	vd_ring_set_features(&q->ring, features[0]);
	q->log_all = features[0] & BIT_ULL(VHOST_F_LOG_ALL);
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_iotlb() - set whether addresses are translated by an IOTLB
 * @q: the queue, running or not
 * @iotlb: translates I/O addresses; NULL if addresses are not I/O addresses
 * @pages: translated pages of the ring, with @iotlb
 *
 * A change clears the ring's addresses and drops the queue's misses.
 *
 * Context: device mutex held.
 */
void vd_queue_set_iotlb(struct vd_queue *q, const struct vd_iotlb *iotlb,
			struct vd_ring_pages *pages)
{
	vd_queue_lock(q);
	if (q->mem.iotlb != iotlb) {
		vd_ring_set_pages(&q->ring, pages);
		vd_mem_set_iotlb(&q->mem, iotlb);
		vd_miss_drop(q->misses, &q->miss);
	}
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_regions() - replace the memory table
 * @q: the queue, running or not
 * @regions: the new table
 *
 * After return, the queue does not use the old table.
 *
 * Context: device mutex held.
 */
void vd_queue_set_regions(struct vd_queue *q, const struct vd_regions *regions)
{
	vd_queue_lock(q);
	vd_mem_set(&q->mem, regions);
	q->dirty_log.regions = regions;
	mutex_unlock(&q->lock);
}

/* The caller must have checked that @base covers all that will be logged. */
void vd_queue_set_log_base(struct vd_queue *q, u64 base)
{
	vd_queue_lock(q);
	q->dirty_log.bitmap = base;
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_kick() - replace the eventfd by which the guest wakes @q
 * @q: the queue; must have a worker unless @kick is NULL
 * @kick: file of an eventfd, or NULL; on success its reference passes to the
 *	  queue
 *
 * A kick that the new eventfd already holds wakes the handler.
 *
 * Return: 0, or -EINVAL for an eventfd in error; the old one then stays.
 */
int vd_queue_set_kick(struct vd_queue *q, struct file *kick)
{
	struct file *old;

	if (kick && vfs_poll(kick, NULL) & EPOLLERR)
		return -EINVAL;
	vd_queue_lock(q);
	old = q->kick;
	if (kick != old) {
		vd_poll_detach(&q->kick_poll);
		q->kick = kick;
		if (kick && vd_poll_attach(&q->kick_poll, kick) & EPOLLIN)
			vd_work_queue(&q->work);
	}
	mutex_unlock(&q->lock);
	/* If the file did not change, this drops the caller's reference. */
	if (old)
		fput(old);
	return 0;
}

static struct eventfd_ctx *vd_queue_swap(struct vd_queue *q,
					 struct eventfd_ctx **slot,
					 struct eventfd_ctx *new)
{
	struct eventfd_ctx *old;

	vd_queue_lock(q);
	old = *slot;
	*slot = new;
	mutex_unlock(&q->lock);
	return old;
}

/**
 * vd_queue_set_call() - replace the eventfd that interrupts the guest
 * @q: the queue, running or not
 * @call: the new eventfd, or NULL; its reference passes to the queue
 *
 * Context: device mutex held.
 * Return: the old eventfd, which this queue does not signal any more.
 */
struct eventfd_ctx *vd_queue_set_call(struct vd_queue *q,
				      struct eventfd_ctx *call)
{
	return vd_queue_swap(q, &q->call, call);
}

/* As vd_queue_set_call(), for the eventfd that reports a broken ring. */
struct eventfd_ctx *vd_queue_set_err(struct vd_queue *q,
				     struct eventfd_ctx *err)
{
	return vd_queue_swap(q, &q->err, err);
}

/* @log is signalled for dirty pages, may be NULL, and belongs to the device. */
void vd_queue_set_log(struct vd_queue *q, struct eventfd_ctx *log)
{
	vd_queue_swap(q, &q->log, log);
}

/* Time of busy polling in units of 1024 ns; 0: no busy polling. */
void vd_queue_set_busyloop(struct vd_queue *q, u32 busyloop)
{
	vd_queue_lock(q);
	q->busyloop = busyloop;
	q->busy_end = 0;
	mutex_unlock(&q->lock);
}

/* @q must be stopped, and @num a valid size. */
void vd_queue_set_num(struct vd_queue *q, u16 num)
{
	vd_queue_lock(q);
	vd_ring_set_num(&q->ring, num);
	mutex_unlock(&q->lock);
}

/**
 * vd_queue_set_base() - set the ring's start position
 * @q: a stopped queue
 * @base: position, in the encoding of VHOST_SET_VRING_BASE
 *
 * Return: 0, or -EINVAL for a position that a split ring cannot have.
 */
int vd_queue_set_base(struct vd_queue *q, u32 base)
{
	int err = 0;

	vd_queue_lock(q);
	if (base > U16_MAX && !q->ring.is_packed)
		err = -EINVAL;
	else
		vd_ring_set_base(&q->ring, base);
	mutex_unlock(&q->lock);
	return err;
}

/**
 * vd_queue_get_base() - read the ring's position
 * @q: the queue; the position of a running one may change at once
 *
 * Context: device mutex held.
 * Return: the position, in the encoding of VHOST_GET_VRING_BASE.
 */
u32 vd_queue_get_base(struct vd_queue *q)
{
	u32 base;

	vd_queue_lock(q);
	base = vd_ring_get_base(&q->ring);
	mutex_unlock(&q->lock);
	return base;
}

/**
 * vd_queue_set_addr() - set the addresses of the ring's areas
 * @q: the queue, running or not
 * @addr: the addresses; those for a running queue must be user addresses
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int vd_queue_set_addr(struct vd_queue *q, const struct vhost_vring_addr *addr)
{
	int err = 0;

	vd_queue_lock(q);
	if (vd_queue_is_running(q) && !vd_ring_can_set_addr(&q->ring, addr))
		err = -EINVAL;
	else
		vd_ring_set_addr(&q->ring, addr);
	/* The handler may have stopped at a ring without addresses. */
	if (vd_queue_is_running(q))
		vd_work_queue(&q->work);
	mutex_unlock(&q->lock);
	return err;
}

/* Returns false if an area is not user memory. */
bool vd_queue_has_areas(const struct vd_queue *q)
{
	return vd_ring_is_user(&q->ring);
}

/* Returns whether the bitmap at @base covers the ring's log. */
bool vd_queue_can_log(const struct vd_queue *q, u64 base)
{
	return vd_ring_can_log(&q->ring, base);
}
