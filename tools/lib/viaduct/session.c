// SPDX-License-Identifier: GPL-2.0-only
/* A session: the event loop of its sockets and devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "session.h"
#include "sigbus.h"
#include "vring.h"

#define VD_BIT(n)	(1ULL << (n))

/* All features that the library implements; each is offered unless disabled. */
#define VD_FEATURES (VD_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) |			\
		     VD_BIT(VIRTIO_F_ANY_LAYOUT) |			\
		     VD_BIT(VIRTIO_RING_F_INDIRECT_DESC) |		\
		     VD_BIT(VIRTIO_RING_F_EVENT_IDX) |			\
		     VD_BIT(VIRTIO_F_VERSION_1) |			\
		     VD_BIT(VIRTIO_F_RING_PACKED) |			\
		     VD_BIT(VIRTIO_F_IN_ORDER) |			\
		     VD_BIT(VIRTIO_NET_F_CSUM) |			\
		     VD_BIT(VIRTIO_NET_F_GUEST_CSUM) |			\
		     VD_BIT(VIRTIO_NET_F_MTU) |				\
		     VD_BIT(VIRTIO_NET_F_GUEST_TSO4) |			\
		     VD_BIT(VIRTIO_NET_F_GUEST_TSO6) |			\
		     VD_BIT(VIRTIO_NET_F_GUEST_ECN) |			\
		     VD_BIT(VIRTIO_NET_F_GUEST_UFO) |			\
		     VD_BIT(VIRTIO_NET_F_HOST_TSO4) |			\
		     VD_BIT(VIRTIO_NET_F_HOST_TSO6) |			\
		     VD_BIT(VIRTIO_NET_F_HOST_ECN) |			\
		     VD_BIT(VIRTIO_NET_F_HOST_UFO) |			\
		     VD_BIT(VIRTIO_NET_F_MRG_RXBUF) |			\
		     VD_BIT(VIRTIO_NET_F_MQ) |				\
		     VD_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) |		\
		     VD_BIT(VIRTIO_NET_F_CTRL_VQ) |			\
		     VD_BIT(VIRTIO_NET_F_STATUS) |			\
		     VD_BIT(VD_F_LOG_ALL) |				\
		     VD_BIT(VD_F_PROTOCOL_FEATURES))

/* Events handled by one call of viaduct_session_dispatch(). */
#define VD_MAX_EVENTS	64

/* Print a message of the library. */
void vd_session_log(struct viaduct_session *s, const char *fmt, ...)
{
	char message[2 * VD_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (s->ops.log)
		s->ops.log(message, s->ctx);
	else
		fprintf(stderr, "viaduct: %s\n", message);
}

/* Call @event->fn on @events of @fd; 0 or -1 with errno. */
int vd_session_watch(struct viaduct_session *s, int fd, struct vd_event *event,
		     u32 events)
{
	struct epoll_event e = { .events = events, .data.ptr = event };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
}

void vd_session_unwatch(struct viaduct_session *s, int fd)
{
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Let dispatch look at all devices. */
void vd_session_wake(struct viaduct_session *s)
{
	eventfd_write(s->wake, 1);
}

static void vd_session_woken(struct vd_event *event, u32 events)
{
	struct viaduct_session *s = container_of(event, struct viaduct_session,
						 wake_event);
	struct viaduct_dev *dev;
	eventfd_t count;
	unsigned int i;

	(void)events;
	eventfd_read(s->wake, &count);
	for (dev = s->devices; dev; dev = dev->next)
		if (__atomic_exchange_n(&dev->changed, 0, __ATOMIC_ACQUIRE))
			for (i = 0; i < dev->nr_vrings; i++)
				vd_vring_report(&dev->vring[i]);
}

/* Close connections that vd_dev_fail() has ended. */
void vd_session_close_dead(struct viaduct_session *s)
{
	struct viaduct_dev **at = &s->devices, *dev;

	while ((dev = *at)) {
		struct vd_socket *socket = dev->socket;

		if (__atomic_load_n(&dev->dead, __ATOMIC_ACQUIRE) != 2) {
			at = &dev->next;
			continue;
		}
		*at = dev->next;
		s->nr_devices--;
		vd_session_log(s, "%s: connection closed: %s",
			       viaduct_dev_path(dev), dev->reason);
		vd_dev_destroy(dev);
		if (socket)
			vd_socket_lost(socket);
	}
}

/* Make a device of a connection; on error @fd is still open. */
int vd_session_add_device(struct viaduct_session *s, struct vd_socket *socket,
			  int fd)
{
	struct viaduct_dev *dev;

	if (s->nr_devices >= s->max_devices)
		return -EUSERS;
	dev = vd_dev_create(s, socket, fd);
	if (!dev)
		return -ENOMEM;
	dev->next = s->devices;
	s->devices = dev;
	s->nr_devices++;
	if (vd_session_watch(s, fd, &dev->event, EPOLLIN))
		vd_dev_fail(dev, "connection cannot be polled: %s",
			    strerror(errno));
	else if (s->ops.new_device && s->ops.new_device(dev, s->ctx))
		vd_dev_fail(dev, "refused by the program");
	else
		dev->is_new = true;
	return 0;
}

static void vd_session_free(struct viaduct_session *s)
{
	vd_notify_fini(&s->notify);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->wake >= 0)
		close(s->wake);
	if (s->spare >= 0)
		close(s->spare);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/**
 * viaduct_session_create() - create a session
 * @ops: callbacks; copied
 * @ctx: their last argument
 *
 * A handler for SIGBUS is installed once per process, for memory of front ends
 * that shrinks. It passes signals for other memory to the previously installed
 * handler.
 *
 * Return: the session, or NULL with errno set.
 */
struct viaduct_session *viaduct_session_create(const struct viaduct_ops *ops,
					       void *ctx)
{
	struct viaduct_session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	memcpy(&s->ops, ops, min(ops->size, sizeof(s->ops)));
	s->ctx = ctx;
	s->features = VD_FEATURES;
	s->pairs = 1;
	s->max_devices = 64;
	s->notify.ready = -1;
	s->wake_event.fn = vd_session_woken;
	pthread_mutex_init(&s->lock, NULL);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->spare = eventfd(0, EFD_CLOEXEC);
	err = s->epoll < 0 || s->wake < 0 || s->spare < 0 ||
	      vd_session_watch(s, s->wake, &s->wake_event, EPOLLIN) ?
	      -errno : 0;
	err = err ?: vd_notify_init(&s->notify) ?: vd_sigbus_install();
	if (!err)
		return s;
	vd_session_free(s);
	errno = -err;
	return NULL;
}

/**
 * viaduct_session_destroy() - end a session
 * @s: the session, or NULL; its devices are destroyed, its thread ends
 *
 * Context: not in a callback.
 */
void viaduct_session_destroy(struct viaduct_session *s)
{
	if (!s)
		return;
	if (s->has_thread) {
		__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
		vd_session_wake(s);
		pthread_join(s->thread, NULL);
	}
	while (s->sockets)
		vd_socket_remove(s->sockets);
	while (s->devices) {
		vd_dev_fail(s->devices, "the session has ended");
		vd_session_close_dead(s);
	}
	vd_session_free(s);
}

/**
 * viaduct_session_set_pairs() - set the number of queue pairs
 * @s: the session
 * @pairs: queue pairs offered to new devices, at most VIADUCT_MAX_PAIRS
 *
 * Return: 0 or -EINVAL.
 */
int viaduct_session_set_pairs(struct viaduct_session *s, unsigned int pairs)
{
	if (!pairs || pairs > VIADUCT_MAX_PAIRS)
		return -EINVAL;
	s->pairs = pairs;
	return 0;
}

/**
 * viaduct_session_set_max_devices() - limit the number of front ends
 * @s: the session
 * @max: devices at a time; further connections are closed. Default 64
 *
 * Return: 0 or -EINVAL.
 */
int viaduct_session_set_max_devices(struct viaduct_session *s,
				    unsigned int max)
{
	if (!max)
		return -EINVAL;
	s->max_devices = max;
	return 0;
}

/**
 * viaduct_session_set_any_memory() - accept memory of any file system
 * @s: the session
 * @on: accept it
 *
 * By default guest memory must be on tmpfs (memfd) or hugetlbfs. A file system
 * that a process or another machine serves can stop each access for ever.
 */
void viaduct_session_set_any_memory(struct viaduct_session *s, bool on)
{
	s->any_memory = on;
}

/**
 * viaduct_session_features() - features offered to new devices
 * @s: the session
 *
 * Return: the bits; at first all that the library implements.
 */
uint64_t viaduct_session_features(const struct viaduct_session *s)
{
	return s->features;
}

/**
 * viaduct_session_enable() - offer features again that were disabled
 * @s: the session
 * @features: the features
 *
 * Return: 0; -EOPNOTSUPP if the library does not implement one of them.
 */
int viaduct_session_enable(struct viaduct_session *s, uint64_t features)
{
	if (features & ~VD_FEATURES)
		return -EOPNOTSUPP;
	s->features |= features;
	return 0;
}

/**
 * viaduct_session_disable() - do not offer features to new devices
 * @s: the session
 * @features: the features
 */
void viaduct_session_disable(struct viaduct_session *s, uint64_t features)
{
	s->features &= ~features;
}

/**
 * viaduct_session_fd() - the descriptor of a session
 * @s: the session
 *
 * Return: a descriptor that is readable when viaduct_session_dispatch() has
 * something to do, or a guest has kicked an armed ring.
 */
int viaduct_session_fd(const struct viaduct_session *s)
{
	return s->epoll;
}

/*
 * Handle one event, so that none is left of a device that has been freed, and
 * under the lock, so that no socket is freed that has one.
 */
static int vd_session_step(struct viaduct_session *s)
{
	struct epoll_event e;
	struct vd_event *event;
	int nr;

	pthread_mutex_lock(&s->lock);
	nr = epoll_wait(s->epoll, &e, 1, 0);
	if (nr > 0) {
		event = e.data.ptr;
		event->fn(event, e.events);
		vd_session_close_dead(s);
	} else if (nr < 0) {
		nr = errno == EINTR ? 0 : -errno;
	}
	pthread_mutex_unlock(&s->lock);
	return nr;
}

/**
 * viaduct_session_dispatch() - process what is ready, without waiting
 * @s: the session, without a thread
 *
 * Return: the number of events processed, or -errno.
 */
int viaduct_session_dispatch(struct viaduct_session *s)
{
	int ret, nr = 0;

	do {
		ret = vd_session_step(s);
	} while (ret > 0 && ++nr < VD_MAX_EVENTS);
	return ret < 0 ? ret : nr;
}

static void *vd_session_thread(void *arg)
{
	struct viaduct_session *s = arg;
	struct pollfd p = { .fd = s->epoll, .events = POLLIN };

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		int ret = vd_session_step(s);

		if (ret < 0)
			vd_session_log(s, "epoll_wait: %s", strerror(-ret));
		if (ret <= 0)
			poll(&p, 1, -1);
	}
	return NULL;
}

/**
 * viaduct_session_start() - dispatch in a thread of the session
 * @s: the session, which has no device yet
 *
 * Callbacks then come from that thread. viaduct_vring_wait() waits for kicks.
 *
 * Return: 0, -EBUSY if there are devices, or -errno.
 */
int viaduct_session_start(struct viaduct_session *s)
{
	int err;

	if (s->has_thread || s->devices)
		return -EBUSY;
	s->has_thread = true;
	err = pthread_create(&s->thread, NULL, vd_session_thread, s);
	s->has_thread = !err;
	return -err;
}
