// SPDX-License-Identifier: GPL-2.0-only
/* Requests on one ring. */
#include "request.h"
#include "ring/setup.h"
#include "session.h"
#include "vring.h"

/* The ring with number @idx; NULL after vd_dev_fail(). */
static struct vd_vring *vd_vring_get(struct viaduct_dev *dev, u32 idx)
{
	if (idx < dev->nr_vrings)
		return &dev->vring[idx];
	vd_dev_fail(dev, "no ring %u", idx);
	return NULL;
}

/* The same, of a ring that must not run. */
static struct vd_vring *vd_vring_get_stopped(struct viaduct_dev *dev, u32 idx)
{
	struct vd_vring *v = vd_vring_get(dev, idx);

	if (!v || !v->started)
		return v;
	vd_dev_fail(dev, "change of running ring %u", idx);
	return NULL;
}

int vd_set_vring_num(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_vring *v = vd_vring_get_stopped(dev, msg->payload.state.index);
	u32 num = msg->payload.state.num;

	if (!v)
		return -1;
	if (!num || num > VD_RING_MAX_NUM || num & (num - 1))
		return vd_dev_fail(dev, "size %u of ring %u", num, v->idx);
	vd_vring_lock(v);
	vd_ring_set_num(&v->ring, num);
	vd_vring_unlock(v);
	v->num = num;
	return vd_vring_try_start(v);
}

int vd_set_vring_addr(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_vring *v = vd_vring_get(dev, msg->payload.addr.index);

	if (!v)
		return -1;
	if (msg->payload.addr.flags & ~(1U << VHOST_VRING_F_LOG))
		return vd_dev_fail(dev, "flags %#x of ring %u",
				   msg->payload.addr.flags, v->idx);
	return vd_vring_set_addr(v, &msg->payload.addr);
}

int vd_set_vring_base(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_vring *v = vd_vring_get_stopped(dev, msg->payload.state.index);

	if (!v)
		return -1;
	if (!v->ring.is_packed && msg->payload.state.num > 0xffff)
		return vd_dev_fail(dev, "base %u of ring %u",
				   msg->payload.state.num, v->idx);
	vd_vring_lock(v);
	vd_ring_set_base(&v->ring, msg->payload.state.num);
	vd_vring_unlock(v);
	return 0;
}

int vd_get_vring_base(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_vring *v = vd_vring_get(dev, msg->payload.state.index);

	if (!v || vd_vring_end(v))
		return -1;
	msg->payload.state.num = vd_ring_get_base(&v->ring);
	return 1;
}

/* The ring of a message with a descriptor, which goes to @fd; -1 for none. */
static struct vd_vring *vd_vring_get_fd(struct viaduct_dev *dev,
					struct vd_msg *msg, int *fd)
{
	bool nofd = msg->payload.value & VD_PROTO_VRING_NOFD;
	struct vd_vring *v;

	if (msg->payload.value & ~(u64)(VD_PROTO_VRING_IDX |
					VD_PROTO_VRING_NOFD)) {
		vd_dev_fail(dev, "request %u with unknown flags",
			    msg->hdr.request);
		return NULL;
	}
	v = vd_vring_get(dev, msg->payload.value & VD_PROTO_VRING_IDX);
	if (v && msg->nr_fds != !nofd) {
		vd_dev_fail(dev, "request %u of ring %u with %u descriptors",
			    msg->hdr.request, v->idx, msg->nr_fds);
		return NULL;
	}
	if (v && !nofd && !vd_notify_is_eventfd(&dev->s->notify, msg->fd[0])) {
		vd_dev_fail(dev, "the descriptor of ring %u is no eventfd",
			    v->idx);
		return NULL;
	}
	*fd = v ? vd_msg_take_fd(msg) : -1;
	return v;
}

int vd_set_vring_kick(struct viaduct_dev *dev, struct vd_msg *msg)
{
	int fd;
	struct vd_vring *v = vd_vring_get_fd(dev, msg, &fd);

	if (!v)
		return -1;
	if (vd_vring_set_kick(v, fd))
		return -1;
	v->has_kick = true;
	return vd_vring_try_start(v);
}

int vd_set_vring_call(struct viaduct_dev *dev, struct vd_msg *msg)
{
	int fd;
	struct vd_vring *v = vd_vring_get_fd(dev, msg, &fd);

	if (!v)
		return -1;
	return vd_vring_set_call(v, fd);
}

int vd_set_vring_err(struct viaduct_dev *dev, struct vd_msg *msg)
{
	int fd;
	struct vd_vring *v = vd_vring_get_fd(dev, msg, &fd);

	if (!v)
		return -1;
	vd_vring_set_err(v, fd);
	return 0;
}

int vd_set_vring_enable(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_vring *v = vd_vring_get(dev, msg->payload.state.index);

	if (!v)
		return -1;
	/* Offered, not acked: QEMU sends it before SET_FEATURES. */
	if (!(dev->offered >> VD_F_PROTOCOL_FEATURES & 1))
		return vd_dev_fail(dev, "SET_VRING_ENABLE without VHOST_USER_F_PROTOCOL_FEATURES");
	if (msg->payload.state.num > 1)
		return vd_dev_fail(dev, "SET_VRING_ENABLE with %u",
				   msg->payload.state.num);
	return vd_vring_enable(v, msg->payload.state.num);
}
