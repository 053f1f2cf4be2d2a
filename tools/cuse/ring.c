// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls that concern a ring. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <unistd.h>

#include "device.h"

#define VDC_MAX_NUM	32768U

#define VDC_HAS(d, bit)	((d)->features >> (bit) & 1)

/* Areas of a ring, in the order of struct vhost_vring_addr's driver and device. */
struct vdc_areas {
	u64 desc;
	u64 avail;
	u64 used;
};

static struct vdc_areas vdc_areas(const struct vdc_device *d, u32 num)
{
	u64 event = VDC_HAS(d, VIRTIO_RING_F_EVENT_IDX) ? 2 : 0;

	if (VDC_HAS(d, VIRTIO_F_RING_PACKED))
		return (struct vdc_areas){
			.desc = sizeof(struct vring_packed_desc) * num,
			.avail = sizeof(struct vring_packed_desc_event),
			.used = sizeof(struct vring_packed_desc_event),
		};
	return (struct vdc_areas){
		.desc = sizeof(struct vring_desc) * num,
		.avail = sizeof(struct vring_avail) + 2ULL * num + event,
		.used = sizeof(struct vring_used) +
			sizeof(struct vring_used_elem) * num + event,
	};
}

/* Whether the ring can start there: the library ends a device otherwise. */
static int vdc_check_areas(const struct vdc_device *d, u32 num,
			   const struct vhost_vring_addr *a)
{
	struct vdc_areas len = vdc_areas(d, num);
	u64 align = VDC_HAS(d, VIRTIO_F_RING_PACKED) ? 4 : 2;

	if (!vdc_table_covers(&d->table, a->desc_user_addr, len.desc) ||
	    !vdc_table_covers(&d->table, a->avail_user_addr, len.avail) ||
	    !vdc_table_covers(&d->table, a->used_user_addr, len.used))
		return -EFAULT;
	if (a->desc_user_addr % VRING_DESC_ALIGN_SIZE ||
	    a->avail_user_addr % align ||
	    a->used_user_addr % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	return 0;
}

/**
 * vdc_ring_start() - let the library run a ring
 * @d: the device
 * @i: the ring; has a tap, and does not run
 *
 * Return: 0; -EFAULT or -EINVAL if its areas cannot be used; -EIO.
 */
int vdc_ring_start(struct vdc_device *d, unsigned int i)
{
	struct vdc_ring *r = &d->ring[i];
	struct vhost_vring_addr addr = r->addr;
	struct vdc_front *f = &d->front;
	int err = vdc_check_areas(d, r->num, &addr);

	if (err)
		return err;
	addr.index = i;
	/* The kick descriptor starts the ring. */
	if (vdc_front_set_state(f, VD_SET_VRING_NUM, i, r->num) ||
	    vdc_front_set_state(f, VD_SET_VRING_BASE, i, r->base) ||
	    vdc_front_set(f, VD_SET_VRING_ADDR, &addr, sizeof(addr), -1) ||
	    vdc_front_set_state(f, VD_SET_VRING_ENABLE, i, 1) ||
	    vdc_front_set_fd(f, VD_SET_VRING_KICK, i, r->kick))
		return vdc_device_fail(d);
	r->runs = true;
	return 0;
}

/**
 * vdc_ring_stop() - stop a ring, and keep its position
 * @d: the device
 * @i: the ring, which runs
 *
 * Return: 0 or -EIO.
 */
int vdc_ring_stop(struct vdc_device *d, unsigned int i)
{
	struct vhost_vring_state state = { .index = i };

	if (vdc_front_get(&d->front, VD_GET_VRING_BASE, &state, sizeof(state),
			  sizeof(state)))
		return vdc_device_fail(d);
	d->ring[i].base = state.num;
	d->ring[i].runs = false;
	return 0;
}

int vdc_set_vring_num(struct vdc_device *d, const struct vhost_vring_state *s)
{
	if (d->ring[s->index].runs)
		return -EBUSY;
	if (!s->num || s->num > VDC_MAX_NUM || s->num & (s->num - 1))
		return -EINVAL;
	d->ring[s->index].num = s->num;
	return 0;
}

int vdc_set_vring_base(struct vdc_device *d, const struct vhost_vring_state *s)
{
	if (d->ring[s->index].runs)
		return -EBUSY;
	if (!VDC_HAS(d, VIRTIO_F_RING_PACKED) && s->num > 0xffff)
		return -EINVAL;
	d->ring[s->index].base = s->num;
	return 0;
}

int vdc_get_vring_base(struct vdc_device *d, struct vhost_vring_state *s)
{
	struct vdc_ring *r = &d->ring[s->index];
	int err = 0;

	/* The library gives the position of a ring that it stops. */
	if (r->runs) {
		err = vdc_ring_stop(d, s->index);
		if (!err)
			err = vdc_ring_start(d, s->index);
	}
	s->num = r->base;
	return err;
}

int vdc_set_vring_addr(struct vdc_device *d, const struct vhost_vring_addr *a)
{
	struct vdc_ring *r = &d->ring[a->index];

	/* VHOST_VRING_F_LOG needs a log. */
	if (a->flags)
		return -EOPNOTSUPP;
	if (a->avail_user_addr % VRING_AVAIL_ALIGN_SIZE ||
	    a->used_user_addr % VRING_USED_ALIGN_SIZE || a->log_guest_addr % 4)
		return -EINVAL;
	if (r->runs) {
		if (vdc_check_areas(d, r->num, a))
			return -EINVAL;
		if (vdc_front_set(&d->front, VD_SET_VRING_ADDR, a, sizeof(*a),
				  -1))
			return vdc_device_fail(d);
	}
	r->addr = *a;
	return 0;
}

int vdc_set_vring_busyloop(struct vdc_device *d,
			   const struct vhost_vring_state *s)
{
	d->ring[s->index].busy_us = s->num;
	__atomic_store_n(&d->pump.busy_us[s->index], s->num, __ATOMIC_RELAXED);
	return 0;
}

/* Without VHOST_F_LOG_ALL there is no log: unbinding its descriptor changes nothing. */
int vdc_set_log_fd(const struct vdc_client *c, int log_fd)
{
	int fd;

	if (log_fd == -1)
		return 0;
	fd = vdc_client_get_eventfd(c, log_fd);
	if (fd < 0)
		return fd;
	close(fd);
	return -EOPNOTSUPP;
}

static int vdc_set_kick(struct vdc_device *d, unsigned int i, int fd)
{
	struct vdc_ring *r = &d->ring[i];

	if (r->runs && vdc_front_set_fd(&d->front, VD_SET_VRING_KICK, i, fd)) {
		if (fd >= 0)
			close(fd);
		return vdc_device_fail(d);
	}
	if (r->kick >= 0)
		close(r->kick);
	r->kick = fd;
	return 0;
}

/**
 * vdc_set_vring_fd() - SET_VRING_KICK, SET_VRING_CALL or SET_VRING_ERR
 * @d: the device
 * @c: the caller
 * @f: ring and descriptor; -1 for none
 * @cmd: the ioctl
 *
 * Return: 0; -EBADF; -EINVAL if it is not an eventfd; -EIO.
 */
int vdc_set_vring_fd(struct vdc_device *d, const struct vdc_client *c,
		     const struct vhost_vring_file *f, u32 cmd)
{
	enum vd_request request = cmd == VHOST_SET_VRING_CALL ?
				  VD_SET_VRING_CALL : VD_SET_VRING_ERR;
	int fd = -1, err;

	if (f->fd != -1) {
		fd = vdc_client_get_eventfd(c, f->fd);
		if (fd < 0)
			return fd;
	}
	if (cmd == VHOST_SET_VRING_KICK)
		return vdc_set_kick(d, f->index, fd);
	err = vdc_front_set_fd(&d->front, request, f->index, fd);
	if (fd >= 0)
		close(fd);
	return err ? vdc_device_fail(d) : 0;
}

static int vdc_set_tap(struct vdc_device *d, unsigned int i,
		       struct vdc_tap *tap)
{
	return vdc_pump_set_tap(&d->pump, i, tap) ? vdc_device_fail(d) : 0;
}

static int vdc_detach(struct vdc_device *d, unsigned int i)
{
	struct vdc_tap none = { .fd = -1 };
	int err = d->ring[i].runs ? vdc_ring_stop(d, i) : 0;

	return err ?: vdc_set_tap(d, i, &none);
}

/**
 * vdc_set_backend() - NET_SET_BACKEND
 * @d: the device
 * @c: the caller
 * @f: ring and descriptor of a tap; -1 to stop the ring
 *
 * Return: 0; -EFAULT without memory, or if the ring is not in it; -ENOTSOCK if
 * the descriptor is no tap; -EINVAL if it has no interface; -EIO.
 */
int vdc_set_backend(struct vdc_device *d, const struct vdc_client *c,
		    const struct vhost_vring_file *f)
{
	struct vdc_ring *r = &d->ring[f->index];
	struct vdc_tap tap;
	int err;

	if (!d->has_table)
		return -EFAULT;
	if (f->fd == -1)
		return vdc_detach(d, f->index);
	if (!r->runs) {
		err = vdc_check_areas(d, r->num, &r->addr);
		if (err)
			return err;
	}
	err = vdc_client_get_tap(c, f->fd, &tap);
	if (err)
		return err;
	err = vdc_set_tap(d, f->index, &tap);
	return err || r->runs ? err : vdc_ring_start(d, f->index);
}
