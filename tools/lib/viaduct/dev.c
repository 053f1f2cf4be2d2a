// SPDX-License-Identifier: GPL-2.0-only
/* A device: creation, end, and changes that concern all rings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plane.h"
#include "session.h"
#include "vring.h"

/**
 * vd_dev_create() - make a device of a connection
 * @s: the session
 * @socket: the socket that it came from, or NULL
 * @fd: the connection; the device takes ownership
 *
 * Return: the device, or NULL with @fd open.
 */
struct viaduct_dev *vd_dev_create(struct viaduct_session *s,
				  struct vd_socket *socket, int fd)
{
	struct viaduct_dev *dev;
	unsigned int i;

	dev = calloc(1, sizeof(*dev) + 2 * s->pairs * sizeof(dev->vring[0]));
	if (!dev)
		return NULL;
	dev->table = calloc(1, sizeof(*dev->table));
	if (!dev->table || vd_table_build(dev->table)) {
		free(dev->table);
		free(dev);
		return NULL;
	}
	dev->s = s;
	dev->socket = socket;
	dev->fd = fd;
	dev->event.fn = vd_conn_ready;
	dev->offered = s->features;
	dev->max_slots = VD_MEM_MAX_SLOTS;
	dev->nr_vrings = 2 * s->pairs;
	for (i = 0; i < dev->nr_vrings; i++) {
		vd_vring_init(&dev->vring[i], dev, i);
		vd_vring_set_table(&dev->vring[i]);
	}
	return dev;
}

/* The kernel's features are those of a pair: both rings must stop first. */
static void vd_dev_reset_rings(struct viaduct_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		vd_vring_end(&dev->vring[i]);
	for (i = 0; i < dev->nr_vrings; i++)
		vd_vring_reset(&dev->vring[i]);
}

/**
 * vd_dev_destroy() - end a device
 * @dev: the device, in no list of the session
 *
 * The order matters: rings stop before the program is notified, and memory is
 * unmapped only after the program has ended all use of the device.
 */
void vd_dev_destroy(struct viaduct_dev *dev)
{
	struct viaduct_session *s = dev->s;
	unsigned int i;

	vd_dev_reset_rings(dev);
	if (dev->is_new && s->ops.destroy_device)
		s->ops.destroy_device(dev, s->ctx);
	for (i = 0; i < dev->nr_vrings; i++)
		if (dev->vring[i].wake >= 0)
			close(dev->vring[i].wake);
	for (i = 0; i < dev->msg.nr_fds; i++)
		if (dev->msg.fd[i] >= 0)
			close(dev->msg.fd[i]);
	vd_table_close(dev->table);
	free(dev->table);
	vd_map_close(&dev->log);
	vd_map_close(&dev->inflight);
	vd_session_unwatch(s, dev->fd);
	close(dev->fd);
	free(dev);
}

/**
 * vd_dev_fail() - end the connection of a device for a reason
 * @dev: the device
 * @fmt: format of the reason; the first one is kept
 *
 * Context: any thread. The session's dispatch closes the connection.
 * Return: -1.
 */
int vd_dev_fail(struct viaduct_dev *dev, const char *fmt, ...)
{
	/* The device may be gone once it is dead. */
	struct viaduct_session *s = dev->s;
	va_list ap;
	int none = 0;

	/* 1 while the reason is written, so that it is written once. */
	if (!__atomic_compare_exchange_n(&dev->dead, &none, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
		return -1;
	va_start(ap, fmt);
	vsnprintf(dev->reason, sizeof(dev->reason), fmt, ap);
	va_end(ap);
	__atomic_store_n(&dev->dead, 2, __ATOMIC_RELEASE);
	vd_session_wake(s);
	return -1;
}

static void vd_dev_lock_all(struct viaduct_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		vd_vring_lock(&dev->vring[i]);
}

static void vd_dev_unlock_all(struct viaduct_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		vd_vring_unlock(&dev->vring[i]);
}

/**
 * vd_dev_swap_table() - replace the memory table
 * @dev: the device
 * @table: the new table; the device takes ownership unless there is an error. The
 *	   caller must unmap the regions of the old one that are not in it, and
 *	   free the old one
 *
 * Running rings continue, unless one of their areas is no longer in memory.
 *
 * Return: 0, or -1 after vd_dev_fail(), with the old table in place.
 */
int vd_dev_swap_table(struct viaduct_dev *dev, struct vd_table *table)
{
	unsigned int i;
	int err;

	vd_dev_lock_all(dev);
	err = vd_plane_set_table(dev, table);
	if (!err) {
		dev->table = table;
		/* An error ends the connection: all rings need their areas. */
		for (i = 0; i < dev->nr_vrings; i++)
			vd_vring_set_table(&dev->vring[i]);
	}
	vd_dev_unlock_all(dev);
	return err;
}

/**
 * vd_dev_swap_log() - replace the dirty log
 * @dev: the device
 * @log: the new log; receives the one that is not used any more, for the caller to
 *	 unmap
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_dev_swap_log(struct viaduct_dev *dev, struct vd_map *log)
{
	struct vd_map old = dev->log;
	unsigned int i;
	int err;

	vd_dev_lock_all(dev);
	err = vd_plane_set_log(dev, log);
	if (!err) {
		dev->log = *log;
		*log = old;
	}
	for (i = 0; i < dev->nr_vrings && !err; i++) {
		dev->vring[i].log.bitmap = (uintptr_t)dev->log.data;
		err = vd_plane_update(&dev->vring[i]);
	}
	vd_dev_unlock_all(dev);
	return err;
}

/**
 * vd_dev_set_features() - apply acked features
 * @dev: the device
 * @features: a checked set
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vd_dev_set_features(struct viaduct_dev *dev, u64 features)
{
	const struct viaduct_ops *ops = &dev->s->ops;
	bool has_enable = features >> VD_F_PROTOCOL_FEATURES & 1;
	unsigned int i;
	int err = 0;

	vd_dev_lock_all(dev);
	dev->features = features;
	for (i = 0; i < dev->nr_vrings && !err; i++)
		err = vd_vring_set_features(&dev->vring[i], features);
	vd_dev_unlock_all(dev);
	/* Without the protocol features there is no message to enable a ring. */
	for (i = 0; i < dev->nr_vrings && !has_enable && !err; i++)
		err = vd_vring_enable(&dev->vring[i], true);
	if (!err && ops->features_changed)
		ops->features_changed(dev, features, dev->s->ctx);
	return err;
}

/**
 * vd_dev_reset() - return a device to the state before SET_FEATURES
 * @dev: the device; keeps its memory
 */
void vd_dev_reset(struct viaduct_dev *dev)
{
	vd_dev_reset_rings(dev);
	dev->features = 0;
	dev->status = 0;
}

/**
 * viaduct_dev_close() - close the connection of a device
 * @dev: the device; stays valid until destroy_device
 * @reason: for the log and viaduct_dev_reason()
 *
 * Context: any thread, also in a callback.
 */
void viaduct_dev_close(struct viaduct_dev *dev, const char *reason)
{
	vd_dev_fail(dev, "%s", reason);
}

/**
 * viaduct_dev_reason() - why the connection was closed
 * @dev: the device, in destroy_device
 *
 * Return: the reason.
 */
const char *viaduct_dev_reason(const struct viaduct_dev *dev)
{
	return dev->reason;
}

/**
 * viaduct_dev_path() - the socket that a device came from
 * @dev: the device
 *
 * Return: path of the socket, or "(descriptor)".
 */
const char *viaduct_dev_path(const struct viaduct_dev *dev)
{
	return dev->socket && dev->socket->path ? dev->socket->path :
						  "(descriptor)";
}

/**
 * viaduct_dev_set_data() - attach data of the program
 * @dev: the device
 * @data: the data
 */
void viaduct_dev_set_data(struct viaduct_dev *dev, void *data)
{
	dev->data = data;
}

/**
 * viaduct_dev_data() - the attached data
 * @dev: the device
 *
 * Return: the argument of viaduct_dev_set_data(), or NULL.
 */
void *viaduct_dev_data(const struct viaduct_dev *dev)
{
	return dev->data;
}

/**
 * viaduct_dev_disable() - do not offer features to one front end
 * @dev: the device, in new_device
 * @features: the features
 */
void viaduct_dev_disable(struct viaduct_dev *dev, uint64_t features)
{
	dev->offered &= ~features;
}

/**
 * viaduct_dev_features() - the negotiated features
 * @dev: the device
 *
 * Context: session's dispatch, or its callbacks.
 * Return: VIRTIO_F_*, VIRTIO_RING_F_* and VIRTIO_NET_F_* bits.
 */
uint64_t viaduct_dev_features(const struct viaduct_dev *dev)
{
	return dev->features;
}

/**
 * viaduct_dev_nr_vrings() - number of rings
 * @dev: the device
 *
 * Return: twice the number of queue pairs.
 */
unsigned int viaduct_dev_nr_vrings(const struct viaduct_dev *dev)
{
	return dev->nr_vrings;
}

/**
 * viaduct_dev_mtu() - the MTU that the front end has sent
 * @dev: the device
 *
 * Return: the MTU, or 0.
 */
uint16_t viaduct_dev_mtu(const struct viaduct_dev *dev)
{
	return dev->mtu;
}
