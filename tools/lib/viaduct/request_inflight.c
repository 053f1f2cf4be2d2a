// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on in-flight memory, which the front end keeps in case this process
 * ends. Only the data plane (inflight.c) uses its content.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inflight.h"
#include "request.h"
#include "session.h"

/* Field by field: the padding at the end is optional. */
#define VD_INFLIGHT_SIZE	(2 * sizeof(u64) + 2 * sizeof(u16))

/* The numbers of a message; -1 after vd_dev_fail(). */
static int vd_check_inflight(struct viaduct_dev *dev, const struct vd_msg *msg,
			     const char *name)
{
	u16 nr = msg->payload.inflight.nr_queues;
	u16 size = msg->payload.inflight.queue_size;

	if (msg->hdr.size != VD_INFLIGHT_SIZE &&
	    msg->hdr.size != sizeof(msg->payload.inflight))
		return vd_dev_fail(dev, "%s of %u bytes", name, msg->hdr.size);
	if (!nr || nr > dev->nr_vrings)
		return vd_dev_fail(dev, "%s for %u rings", name, nr);
	if (!size || size > VD_RING_MAX_NUM)
		return vd_dev_fail(dev, "%s for rings of %u entries", name,
				   size);
	return 0;
}

/*
 * Make zeroed memory of @len bytes, which the front end cannot truncate. Returns a
 * descriptor, or -1 with errno.
 */
static int vd_make_inflight(u64 len)
{
	int fd = memfd_create("viaduct-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && !ftruncate(fd, len) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The memory has room for either format: features may not be acked yet. */
int vd_get_inflight_fd(struct viaduct_dev *dev, struct vd_msg *msg)
{
	u64 len;

	if (vd_check_inflight(dev, msg, "GET_INFLIGHT_FD"))
		return -1;
	len = vd_inflight_stride(true, msg->payload.inflight.queue_size) *
	      msg->payload.inflight.nr_queues;
	msg->reply_fd = vd_make_inflight(len);
	if (msg->reply_fd < 0)
		return vd_dev_fail(dev, "in-flight memory: %s", strerror(errno));
	msg->payload.inflight.size = len;
	msg->payload.inflight.offset = 0;
	return 1;
}

int vd_set_inflight_fd(struct viaduct_dev *dev, struct vd_msg *msg)
{
	const bool is_packed = dev->features >> VIRTIO_F_RING_PACKED & 1;
	u64 len, offset = msg->payload.inflight.offset;
	struct vd_map map = {};
	const char *reason;
	unsigned int i;
	int err;

	if (vd_check_inflight(dev, msg, "SET_INFLIGHT_FD"))
		return -1;
	if (msg->nr_fds != 1)
		return vd_dev_fail(dev, "SET_INFLIGHT_FD without a descriptor");
	if (vd_is_running(dev))
		return vd_dev_fail(dev, "SET_INFLIGHT_FD while a ring runs");
	len = vd_inflight_stride(is_packed, msg->payload.inflight.queue_size) *
	      msg->payload.inflight.nr_queues;
	if (msg->payload.inflight.size < len || offset % VD_INFLIGHT_ALIGN)
		return vd_dev_fail(dev, "in-flight memory of %llu bytes at offset %llu, not %llu",
				   (unsigned long long)msg->payload.inflight.size,
				   (unsigned long long)offset,
				   (unsigned long long)len);
	err = vd_map_open(&map, msg->fd[0], offset, msg->payload.inflight.size,
			  dev->s->any_memory, &dev->faulted, &reason);
	if (err)
		return vd_dev_fail(dev, "in-flight memory: %s: %s", reason,
				   strerror(-err));
	vd_map_close(&dev->inflight);
	dev->inflight = map;
	dev->inflight_queues = msg->payload.inflight.nr_queues;
	dev->inflight_size = msg->payload.inflight.queue_size;
	for (i = 0; i < dev->nr_vrings; i++)
		dev->vring[i].may_resume = true;
	return 0;
}

/*
 * The device, which had @features, was reset: all rings begin anew. The front
 * end should send other memory; if it does not, a later program must not
 * continue from an older state.
 */
void vd_forget_inflight(struct viaduct_dev *dev, u64 features)
{
	const bool is_packed = features >> VIRTIO_F_RING_PACKED & 1;
	u64 stride = vd_inflight_stride(is_packed, dev->inflight_size);
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		dev->vring[i].may_resume = false;
	if (!dev->inflight.base || stride * dev->inflight_queues > dev->inflight.size)
		return;
	for (i = 0; i < dev->inflight_queues; i++) {
		struct vd_split_region *r =
			(void *)(dev->inflight.data + stride * i);

		__atomic_store_n(&r->version, 0, __ATOMIC_RELAXED);
	}
}
