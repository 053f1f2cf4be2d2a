// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control of a ring.
 *
 * A ring starts once it has memory, a size, addresses and a kick descriptor (or
 * the message that there is none), and stops on GET_VRING_BASE. Packets flow
 * while it is also enabled.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plane.h"
#include "session.h"
#include "vring.h"

/**
 * vd_vring_init() - initialise a ring of a new device
 * @v: the ring, zeroed
 * @dev: the device
 * @idx: number of the ring
 */
void vd_vring_init(struct vd_vring *v, struct viaduct_dev *dev,
		   unsigned int idx)
{
	v->dev = dev;
	v->idx = idx;
	v->kick = -1;
	v->call = -1;
	v->err = -1;
	v->wake = -1;
	vd_ring_init(&v->ring, &v->log);
	vd_vring_set_features(v, 0);
}

/* The ring is locked: a thread that waits for its guest must look at it again. */
static void vd_vring_wake(const struct vd_vring *v)
{
	if (v->wake >= 0)
		eventfd_write(v->wake, 1);
}

/* Translate the addresses; -EFAULT if an area is not in one region. */
static int vd_vring_translate(const struct vd_vring *v,
			      const struct vhost_vring_addr *from,
			      struct vhost_vring_addr *to)
{
	const struct vd_table *table = v->dev->table;
	const struct vd_ring *ring = &v->ring;

	*to = *from;
	to->desc_user_addr = vd_table_hva(table, from->desc_user_addr,
					  ring->desc.len);
	to->avail_user_addr = vd_table_hva(table, from->avail_user_addr,
					   ring->driver.len);
	to->used_user_addr = vd_table_hva(table, from->used_user_addr,
					  ring->device.len);
	if (!to->desc_user_addr || !to->avail_user_addr || !to->used_user_addr)
		return -EFAULT;
	/* Here: the offset of a region in its file may be of any alignment. */
	if (to->desc_user_addr % VRING_DESC_ALIGN_SIZE ||
	    to->avail_user_addr % ring->driver.align ||
	    to->used_user_addr % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	return 0;
}

/**
 * vd_vring_set_table() - apply the device's memory table
 * @v: the ring, locked; stops if its areas are no longer in memory, and continues
 *     once they are again: a region grows by being removed and added
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_table(struct vd_vring *v)
{
	struct vhost_vring_addr addr;

	vd_mem_set(&v->mem, v->dev->table->regions);
	v->log.regions = v->dev->table->regions;
	if (!v->started)
		return 0;
	if (vd_vring_translate(v, &v->addr, &addr)) {
		vd_vring_stop(v);
		v->is_lost = true;
		return 0;
	}
	vd_ring_set_addr(&v->ring, &addr);
	return vd_plane_set_addr(v, &addr);
}

/**
 * vd_vring_set_features() - apply acked features
 * @v: the ring, locked; if it runs, only F_LOG_ALL may have changed
 * @features: the features
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_features(struct vd_vring *v, u64 features)
{
	if (!v->started)
		vd_ring_set_features(&v->ring, features);
	return vd_plane_set_features(v, features);
}

/**
 * vd_vring_try_start() - start a ring if it has all it needs
 * @v: the ring
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_try_start(struct vd_vring *v)
{
	struct vhost_vring_addr addr;
	int err;

	if (v->started || v->broken || !v->dev->table->nr || !v->num ||
	    !v->has_addr || !v->has_kick)
		return 0;
	err = vd_vring_translate(v, &v->addr, &addr);
	if (err == -EFAULT && v->is_lost)
		return 0;
	if (err)
		return vd_dev_fail(v->dev, "areas of ring %u are %s", v->idx,
				   err == -EINVAL ? "not aligned" :
						    "not in memory");
	vd_vring_lock(v);
	vd_ring_set_addr(&v->ring, &addr);
	err = vd_plane_start(v, &addr);
	v->started = !err;
	v->is_lost = false;
	vd_vring_unlock(v);
	return err;
}

/**
 * vd_vring_stop() - stop a ring
 * @v: the ring, locked; can be started again from where it is
 */
void vd_vring_stop(struct vd_vring *v)
{
	vd_plane_stop(v);
	v->started = false;
	v->broken = false;
	vd_vring_wake(v);
}

/**
 * vd_vring_end() - stop a ring until it gets a kick descriptor again
 * @v: the ring, not locked; keeps its position
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_end(struct vd_vring *v)
{
	vd_vring_lock(v);
	vd_vring_stop(v);
	vd_vring_unlock(v);
	v->has_kick = false;
	return vd_vring_set_kick(v, -1);
}

/**
 * vd_vring_report() - call vring_changed if the ring's state has changed
 * @v: the ring, not locked
 */
void vd_vring_report(struct vd_vring *v)
{
	const struct viaduct_ops *ops = &v->dev->s->ops;
	bool on = v->started && v->enabled && !v->broken;

	if (on == v->is_on)
		return;
	v->is_on = on;
	if (ops->vring_changed)
		ops->vring_changed(v->dev, v->idx, on, v->dev->s->ctx);
}

/**
 * vd_vring_set_addr() - set the addresses
 * @v: the ring; may run, and then continues at the same positions
 * @addr: the addresses [any value]
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	struct vhost_vring_addr here;
	int err;

	if (v->started) {
		if (vd_vring_translate(v, addr, &here))
			return vd_dev_fail(v->dev,
					   "areas of running ring %u are not in memory",
					   v->idx);
		vd_vring_lock(v);
		vd_ring_set_addr(&v->ring, &here);
		err = vd_plane_set_addr(v, &here);
		vd_vring_unlock(v);
		if (err)
			return err;
	}
	v->addr = *addr;
	v->has_addr = true;
	v->is_lost = false;
	return vd_vring_try_start(v);
}

/* Replace a descriptor of the ring, which takes ownership of @fd. */
static void vd_vring_set_fd(struct vd_vring *v, int *slot, int fd)
{
	int old;

	vd_vring_lock(v);
	old = *slot;
	*slot = fd;
	vd_vring_wake(v);
	vd_vring_unlock(v);
	if (old >= 0)
		close(old);
}

/**
 * vd_vring_set_kick() - replace the kick descriptor
 * @v: the ring
 * @fd: the new descriptor, or -1; @v takes ownership
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_kick(struct vd_vring *v, int fd)
{
	int err = vd_plane_set_kick(v, fd);

	vd_vring_set_fd(v, &v->kick, fd);
	return err;
}

/**
 * vd_vring_set_call() - replace the descriptor that interrupts the guest
 * @v: the ring
 * @fd: the new descriptor, or -1; @v takes ownership
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_call(struct vd_vring *v, int fd)
{
	int err = vd_plane_set_call(v, fd);

	vd_vring_set_fd(v, &v->call, fd);
	return err;
}

/**
 * vd_vring_set_err() - replace the descriptor that is signalled on a break
 * @v: the ring
 * @fd: the new descriptor, or -1; @v takes ownership
 */
void vd_vring_set_err(struct vd_vring *v, int fd)
{
	vd_vring_set_fd(v, &v->err, fd);
}

/**
 * vd_vring_enable() - enable or disable a ring
 * @v: the ring, started or not
 * @on: enable it
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_enable(struct vd_vring *v, bool on)
{
	int err;

	vd_vring_lock(v);
	v->enabled = on;
	vd_vring_wake(v);
	err = vd_plane_update(v);
	vd_vring_unlock(v);
	return err;
}

/**
 * vd_vring_reset() - return a ring to its initial state
 * @v: the ring
 */
void vd_vring_reset(struct vd_vring *v)
{
	vd_vring_lock(v);
	vd_vring_stop(v);
	vd_ring_init(&v->ring, &v->log);
	vd_vring_set_features(v, 0);
	vd_vring_unlock(v);
	vd_vring_set_kick(v, -1);
	vd_vring_set_call(v, -1);
	vd_vring_set_err(v, -1);
	v->num = 0;
	v->has_addr = false;
	v->is_lost = false;
	v->has_kick = false;
	v->enabled = false;
	vd_vring_report(v);
}

/**
 * vd_vring_break() - stop the use of a ring that failed a check
 * @v: the ring, locked
 * @err: the negative errno of the check
 *
 * The guest is at fault, not the front end: the connection stays, and the ring
 * can be started again.
 */
void vd_vring_break(struct vd_vring *v, int err)
{
	v->broken = true;
	if (v->err >= 0)
		vd_notify_signal(&v->dev->s->notify, v->err);
	vd_session_log(v->dev->s, "%s: ring %u failed a check and is stopped: %s",
		       viaduct_dev_path(v->dev), v->idx, strerror(-err));
	__atomic_store_n(&v->dev->changed, 1, __ATOMIC_RELEASE);
	vd_session_wake(v->dev->s);
}
