// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control of a ring.
 *
 * A ring starts once it has memory, a size, addresses and a kick descriptor (or
 * word that there is none), and stops on GET_VRING_BASE. Packets flow while it
 * is also enabled.
 */
#include <asm/futex.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "burst.h"
#include "session.h"
#include "vring.h"

/* 5.1.6.3.1: the longest packet may use as many buffers as there are pieces. */
#define VD_RX_CHAINS	VD_MAX_SEGS

static bool vd_vring_is_tx(const struct vd_vring *v)
{
	return v->idx & 1;
}

/* A kick only makes the session's descriptor readable; the caller polls. */
static void vd_vring_kicked(struct vd_event *event, u32 events)
{
	(void)event;
	(void)events;
}

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
	v->kick_event.fn = vd_vring_kicked;
	vd_ring_init(&v->ring, &v->log);
	vd_vring_set_features(v, 0);
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
 * @v: the ring, locked; stops if its areas are no longer in memory
 */
void vd_vring_set_table(struct vd_vring *v)
{
	struct vhost_vring_addr addr;

	vd_mem_set(&v->mem, v->dev->table->regions);
	v->log.regions = v->dev->table->regions;
	if (!v->started)
		return;
	if (vd_vring_translate(v, &v->addr, &addr)) {
		vd_vring_stop(v);
		v->has_addr = false;
	} else {
		vd_ring_set_addr(&v->ring, &addr);
	}
}

/**
 * vd_vring_set_features() - apply acked features
 * @v: the ring, locked; if it runs, only F_LOG_ALL may have changed
 * @features: the features
 */
void vd_vring_set_features(struct vd_vring *v, u64 features)
{
	if (!v->started)
		vd_ring_set_features(&v->ring, features);
	v->mergeable = features >> VIRTIO_NET_F_MRG_RXBUF & 1;
	v->hdr_len = v->mergeable || features >> VIRTIO_F_VERSION_1 & 1 ?
		     sizeof(struct virtio_net_hdr_mrg_rxbuf) :
		     sizeof(struct virtio_net_hdr);
	v->csum = features >> VIRTIO_NET_F_GUEST_CSUM & 1;
	v->gso = vd_gso_accepted(features);
	v->log_all = features >> VD_F_LOG_ALL & 1;
}

static int vd_vring_start(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	unsigned int room = vd_vring_is_tx(v) ? VD_BATCH : VD_RX_CHAINS;
	u16 used_idx;
	int err;

	v->batch = calloc(1, sizeof(*v->batch) +
			  room * sizeof(v->batch->chain[0]));
	if (!v->batch)
		return vd_dev_fail(v->dev, "out of memory");
	v->batch->max = room;
	v->taken = 0;
	vd_ring_set_addr(&v->ring, addr);
	vd_burst_set_log(v);
	err = vd_ring_probe(&v->ring, &v->mem, &used_idx);
	if (err)
		return vd_dev_fail(v->dev, "ring %u cannot be started: %s",
				   v->idx, strerror(-err));
	vd_ring_start(&v->ring, used_idx);
	v->broken = false;
	v->armed = true;
	v->started = true;
	return 0;
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
	if (err)
		return vd_dev_fail(v->dev, "areas of ring %u are %s", v->idx,
				   err == -EINVAL ? "not aligned" :
						    "not in memory");
	vd_vring_lock(v);
	err = vd_vring_start(v, &addr);
	vd_vring_unlock(v);
	return err;
}

/**
 * vd_vring_stop() - stop a ring
 * @v: the ring, locked; can be started again from where it is
 */
void vd_vring_stop(struct vd_vring *v)
{
	v->started = false;
	v->broken = false;
	free(v->batch);
	v->batch = NULL;
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
 * @v: the ring; may run, and then goes on at the same positions
 * @addr: the addresses [any value]
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_vring_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	struct vhost_vring_addr here;

	if (v->started) {
		if (vd_vring_translate(v, addr, &here))
			return vd_dev_fail(v->dev,
					   "areas of running ring %u are not in memory",
					   v->idx);
		vd_vring_lock(v);
		vd_ring_set_addr(&v->ring, &here);
		vd_vring_unlock(v);
	}
	v->addr = *addr;
	v->has_addr = true;
	return vd_vring_try_start(v);
}

/**
 * vd_vring_set_fd() - replace the call or error descriptor
 * @v: the ring
 * @slot: its &vd_vring.call or &vd_vring.err
 * @fd: the new descriptor, or -1; @v takes ownership
 */
void vd_vring_set_fd(struct vd_vring *v, int *slot, int fd)
{
	int old;

	vd_vring_lock(v);
	old = *slot;
	*slot = fd;
	vd_vring_unlock(v);
	if (old >= 0)
		close(old);
}

/**
 * vd_vring_set_kick() - replace the kick descriptor
 * @v: the ring
 * @fd: the new descriptor, or -1; @v takes ownership
 *
 * The front end has the old one, too: closing it here does not take it out of
 * the event loop.
 */
void vd_vring_set_kick(struct vd_vring *v, int fd)
{
	if (v->kick >= 0 && !v->dev->s->has_thread)
		vd_session_unwatch(v->dev->s, v->kick);
	vd_vring_set_fd(v, &v->kick, fd);
	if (fd >= 0 && !v->dev->s->has_thread &&
	    vd_session_watch(v->dev->s, fd, &v->kick_event, EPOLLIN | EPOLLET))
		vd_dev_fail(v->dev, "kick descriptor cannot be polled: %s",
			    strerror(errno));
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
	vd_vring_set_fd(v, &v->call, -1);
	vd_vring_set_fd(v, &v->err, -1);
	v->num = 0;
	v->has_addr = false;
	v->has_kick = false;
	v->enabled = false;
	vd_vring_report(v);
}

/**
 * vd_vring_break() - stop the use of a ring that failed a check
 * @v: the ring, locked
 * @err: the negative errno of the check
 *
 * The guest's fault, not the front end's: the connection stays, and the ring can
 * be started again.
 */
void vd_vring_break(struct vd_vring *v, int err)
{
	v->broken = true;
	if (v->err >= 0)
		eventfd_write(v->err, 1);
	vd_session_log(v->dev->s, "%s: ring %u failed a check and is stopped: %s",
		       viaduct_dev_path(v->dev), v->idx, strerror(-err));
	__atomic_store_n(&v->dev->changed, 1, __ATOMIC_RELEASE);
	vd_session_wake(v->dev->s);
}
