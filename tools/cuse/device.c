// SPDX-License-Identifier: GPL-2.0-only
/* Creation and end of a device. */
#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "print.h"

#define VDC_BIT(n)	(1ULL << (n))

/*
 * What concerns rings. The other features are between client and guest: the
 * client sets up its tap for them. There is no VHOST_F_LOG_ALL, because the log
 * is private memory of the client.
 */
#define VDC_RING_FEATURES (VDC_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) |	\
			   VDC_BIT(VIRTIO_RING_F_INDIRECT_DESC) |	\
			   VDC_BIT(VIRTIO_RING_F_EVENT_IDX) |		\
			   VDC_BIT(VIRTIO_F_VERSION_1) |		\
			   VDC_BIT(VIRTIO_F_RING_PACKED) |		\
			   VDC_BIT(VIRTIO_F_IN_ORDER) |		\
			   VDC_BIT(VIRTIO_NET_F_MRG_RXBUF))

static void vdc_device_init(struct vdc_device *d)
{
	unsigned int i;

	pthread_mutex_init(&d->lock, NULL);
	d->owner.pidfd = -1;
	for (i = 0; i < VDC_NR_RINGS; i++) {
		d->ring[i].num = 1;
		d->ring[i].kick = -1;
	}
}

/**
 * vdc_device_create() - make a device
 * @err: -errno if it cannot be made
 *
 * Return: the device, or NULL.
 */
struct vdc_device *vdc_device_create(int *err)
{
	struct vdc_device *d = calloc(1, sizeof(*d));
	int pair[2];

	*err = -ENOMEM;
	if (!d)
		return NULL;
	vdc_device_init(d);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		*err = -errno;
		goto err_free;
	}
	d->front.sock = pair[0];
	*err = vdc_pump_start(&d->pump, pair[1]);
	if (*err)
		goto err_close;
	d->front.pump = d->pump.thread;
	*err = vdc_front_start(&d->front, &d->offered);
	if (*err)
		goto err_stop;
	/* The server adds and removes headers where the tap has none. */
	d->offered = (d->offered & VDC_RING_FEATURES) |
		     VDC_BIT(VHOST_NET_F_VIRTIO_NET_HDR);
	return d;

err_stop:
	vdc_pump_stop(&d->pump);
err_close:
	close(d->front.sock);
err_free:
	free(d);
	return NULL;
}

/**
 * vdc_device_destroy() - end a device
 * @d: the device, in no ioctl
 */
void vdc_device_destroy(struct vdc_device *d)
{
	unsigned int i;

	vdc_pump_stop(&d->pump);
	close(d->front.sock);
	for (i = 0; i < VDC_NR_RINGS; i++)
		if (d->ring[i].kick >= 0)
			close(d->ring[i].kick);
	vdc_owner_clear(&d->owner);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/**
 * vdc_device_fail() - record that a device does not respond any more
 * @d: the device
 *
 * Return: -EIO, the result of all its ioctls from now on.
 */
int vdc_device_fail(struct vdc_device *d)
{
	if (!d->is_dead)
		vdc_print("process %d: its device has failed; it must be closed",
			  d->owner.tgid);
	d->is_dead = true;
	return -EIO;
}
