// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's data plane: state of rings, as the front end's messages set it, is
 * passed on as ioctls of the device descriptors. No guest memory is read or written
 * here.
 *
 * A ring is attached, that is, the kernel moves its packets, while it is started and
 * enabled. Its number, base and areas are passed on just before that, the rest when
 * it changes. The kernel keeps the position; it is read back on detach.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "memory.h"
#include "plane.h"
#include "port.h"
#include "serve.h"
#include "session.h"
#include "sys.h"
#include "vring.h"

/* The kernel keeps no state of a ring for another process. */
const u64 vd_plane_proto_features;

static struct vdd_port *vdd_port(const struct viaduct_dev *dev)
{
	return viaduct_dev_data(dev);
}

static struct vdd_ring *vdd_ring(const struct vd_vring *v)
{
	return &vdd_port(v->dev)->ring[v->idx];
}

/* An ioctl for a ring; @arg begins with its index in the pair. */
static int vdd_ring_ioctl(struct vd_vring *v, const char *name,
			  unsigned long request, void *arg)
{
	struct vdd_port *port = vdd_port(v->dev);
	int err = port ? vdd_ioctl(port->pair[v->idx / 2].vhost, request, arg) : 0;

	return err >= 0 ? 0 : vd_dev_fail(v->dev, "%s of ring %u: %s", name,
					  v->idx, strerror(-err));
}

#define VDD_RING_IOCTL(v, name, arg)	vdd_ring_ioctl(v, #name, name, arg)

static int vdd_set_backend(struct vd_vring *v, int tap)
{
	struct vhost_vring_file file = { .index = v->idx & 1, .fd = tap };

	return VDD_RING_IOCTL(v, VHOST_NET_SET_BACKEND, &file);
}

static int vdd_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	vdd_ring(v)->addr = *addr;
	vdd_ring(v)->addr.index = v->idx & 1;
	return VDD_RING_IOCTL(v, VHOST_SET_VRING_ADDR, &vdd_ring(v)->addr);
}

/* A queue of the tap is used while one of the rings of its pair is attached. */
static int vdd_set_queue(struct vd_vring *v)
{
	struct vdd_port *port = vdd_port(v->dev);
	unsigned int pair = v->idx / 2;
	int err = vdd_tap_set_queue(port, pair, port->ring[2 * pair].attached ||
				    port->ring[2 * pair + 1].attached);

	return err ? vd_dev_fail(v->dev, "tap %s: queue %u: %s", port->tap, pair,
				 strerror(-err)) : 0;
}

/*
 * A process before this one may have been killed between the used index and the
 * interrupt, and a guest whose transmit ring is full waits for that one: each start
 * raises one. QEMU replaces the descriptor right after the start.
 */
static void vdd_call_once(struct vd_vring *v)
{
	vdd_ring(v)->owes_call = true;
	if (v->call >= 0)
		vd_notify_signal(&v->dev->s->notify, v->call);
}

/*
 * A front end that reconnects while it migrates starts its rings first and sends the
 * log then: the ring waits.
 */
static int vdd_attach(struct vd_vring *v)
{
	struct vhost_vring_state num = { v->idx & 1, v->num };
	struct vhost_vring_state base = { v->idx & 1,
					  vd_ring_get_base(&v->ring) };
	struct vdd_ring *ring = vdd_ring(v);
	int err;

	if (ring->attached || !vdd_log_fits_ring(v, &ring->addr))
		return 0;
	ring->attached = true;
	err = vdd_set_queue(v) ?:
	      VDD_RING_IOCTL(v, VHOST_SET_VRING_NUM, &num) ?:
	      VDD_RING_IOCTL(v, VHOST_SET_VRING_BASE, &base) ?:
	      vdd_set_addr(v, &ring->addr) ?:
	      vdd_set_backend(v, vdd_port(v->dev)->pair[v->idx / 2].tap);
	ring->attached = !err;
	if (!err)
		vdd_call_once(v);
	return err;
}

/* On return, the kernel does not access the ring or its buffers. */
static int vdd_detach(struct vd_vring *v)
{
	struct vhost_vring_state base = { .index = v->idx & 1 };

	/* A device that was never announced has no port. */
	if (!vdd_port(v->dev) || !vdd_ring(v)->attached)
		return 0;
	vdd_ring(v)->attached = false;
	if (vdd_set_backend(v, -1) ||
	    VDD_RING_IOCTL(v, VHOST_GET_VRING_BASE, &base))
		return -1;
	vd_ring_set_base(&v->ring, base.num);
	return vdd_set_queue(v);
}

/* An error between the pairs leaves them different: none may continue. */
static void vdd_detach_all(struct viaduct_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		vdd_detach(&dev->vring[i]);
}

/* The kernel has signalled that a ring failed a check. */
static void vdd_ring_broke(struct vd_event *event, u32 events)
{
	struct vdd_ring *ring = container_of(event, struct vdd_ring, err_event);
	struct vd_vring *v = ring->v;
	eventfd_t count;

	(void)events;
	if (!eventfd_read(ring->err, &count))
		vd_vring_break(v, vdd_port_ring_error(vdd_port(v->dev), v->idx));
}

/**
 * vdd_plane_watch() - watch for broken rings
 * @dev: a new device, with its port as data
 *
 * Return: 0 or -errno.
 */
int vdd_plane_watch(struct viaduct_dev *dev)
{
	struct vdd_port *port = vdd_port(dev);
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++) {
		port->ring[i].v = &dev->vring[i];
		port->ring[i].err_event.fn = vdd_ring_broke;
		if (vd_session_watch(dev->s, port->ring[i].err,
				     &port->ring[i].err_event, EPOLLIN))
			return -errno;
	}
	return 0;
}

int vd_plane_start(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	if (v->kick < 0)
		return vd_dev_fail(v->dev, "ring %u has no kick descriptor, and is not polled",
				   v->idx);
	vdd_ring(v)->addr = *addr;
	return v->enabled ? vdd_attach(v) : 0;
}

void vd_plane_stop(struct vd_vring *v)
{
	vdd_detach(v);
}

int vd_plane_update(struct vd_vring *v)
{
	if (!v->enabled)
		return vdd_detach(v);
	return v->started ? vdd_attach(v) : 0;
}

int vd_plane_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	if (!vdd_ring(v)->attached) {
		vdd_ring(v)->addr = *addr;
		return vd_plane_update(v);
	}
	if (!vdd_log_fits_ring(v, addr))
		return vd_dev_fail(v->dev, "the dirty log does not cover memory and ring %u",
				   v->idx);
	return vdd_set_addr(v, addr);
}

/* Features are those of a pair, and the tap's those of the first. */
int vd_plane_set_features(struct vd_vring *v, u64 features)
{
	struct vdd_port *port = vdd_port(v->dev);
	u64 acked;
	int err;

	if (!port || v->idx & 1)
		return 0;
	acked = features & port->features & VDD_KERNEL_FEATURES;
	err = vdd_log_check(v->dev, &v->dev->log, v->dev->table) ?:
	      VDD_RING_IOCTL(v, VHOST_SET_FEATURES, &acked);
	/* Not while rings run, when only F_LOG_ALL may change. */
	features &= ~(1ULL << VD_F_LOG_ALL);
	if (err || v->idx || features == port->tap_features)
		return err;
	err = vdd_tap_set_features(port, features);
	return err ? vd_dev_fail(v->dev, "tap %s: features %#llx: %s", port->tap,
				 (unsigned long long)features,
				 strerror(-err)) : 0;
}

int vd_plane_set_kick(struct vd_vring *v, int fd)
{
	struct vhost_vring_file file = { .index = v->idx & 1, .fd = fd };

	return VDD_RING_IOCTL(v, VHOST_SET_VRING_KICK, &file);
}

int vd_plane_set_call(struct vd_vring *v, int fd)
{
	struct vhost_vring_file file = { .index = v->idx & 1, .fd = fd };
	int err = VDD_RING_IOCTL(v, VHOST_SET_VRING_CALL, &file);

	if (!err && fd >= 0 && vdd_ring(v)->attached && vdd_ring(v)->owes_call) {
		vdd_ring(v)->owes_call = false;
		vd_notify_signal(&v->dev->s->notify, fd);
	}
	return err;
}

int vd_plane_set_table(struct viaduct_dev *dev, const struct vd_table *table)
{
	int err = vdd_memory_set_table(dev, table);

	if (err)
		vdd_detach_all(dev);
	return err;
}

int vd_plane_set_log(struct viaduct_dev *dev, const struct vd_map *log)
{
	int err = vdd_memory_set_log(dev, log);

	if (err)
		vdd_detach_all(dev);
	return err;
}
