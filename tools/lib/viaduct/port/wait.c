// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for packets, or for room to send. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "port/port.h"

/* Time after which the end of the interface is noticed. */
#define VD_PORT_LOOK_MS	1000

/**
 * viaduct_port_fd() - a descriptor to poll
 * @port: the port
 *
 * It is readable if an event that viaduct_port_arm() enabled has happened, on any
 * queue, or if the device found an error. It must not be read.
 *
 * Return: the descriptor, which belongs to the port.
 */
int viaduct_port_fd(const struct viaduct_port *port)
{
	return port->epoll;
}

/**
 * viaduct_port_queue_fd() - a descriptor to poll for one queue
 * @port: the port
 * @queue: number of the queue
 *
 * Errors of the device are not reported on it.
 *
 * Return: the descriptor, which belongs to the port; -EINVAL.
 */
int viaduct_port_queue_fd(const struct viaduct_port *port, unsigned int queue)
{
	return queue < port->nr_queues ? port->queue[queue].call : -EINVAL;
}

/* The events that have happened. */
static unsigned int vd_port_ready(struct viaduct_port *port,
				  struct vd_port_queue *q, unsigned int events)
{
	unsigned int ready = 0;

	if (events & VIADUCT_PORT_RECEIVE &&
	    vd_port_ring_has_used(&q->ring[VD_PORT_RX]))
		ready |= VIADUCT_PORT_RECEIVE;
	if (events & VIADUCT_PORT_SEND) {
		vd_port_reap(port, q);
		if (q->ring[VD_PORT_TX].nr_free)
			ready |= VIADUCT_PORT_SEND;
	}
	return ready;
}

/**
 * viaduct_port_arm() - enable events before a wait
 * @port: the port
 * @queue: number of the queue
 * @events: VIADUCT_PORT_RECEIVE, VIADUCT_PORT_SEND or both
 *
 * Unless the result is positive, the descriptor of viaduct_port_fd() becomes
 * readable when one happens. An event is disabled by the next burst in its
 * direction, and by this call if it is not among @events.
 *
 * Context: one thread at a time for each queue.
 * Return: the events that have happened already, so that the caller must not
 * wait; 0 if none has; -EINVAL; -EIO or -ENODEV as viaduct_port_error().
 */
int viaduct_port_arm(struct viaduct_port *port, unsigned int queue,
		     unsigned int events)
{
	struct vd_port_queue *q;
	unsigned int ready;
	eventfd_t count;

	if (queue >= port->nr_queues)
		return -EINVAL;
	q = &port->queue[queue];
	/* The device may have run out of buffers that are free again. */
	vd_port_refill(port, q);
	vd_port_disarm(q, ~events);
	ready = vd_port_ready(port, q, events);
	if (ready)
		return ready;
	if (!eventfd_read(q->call, &count))
		q->stats.wakeups++;
	q->armed = events;
	if (events & VIADUCT_PORT_RECEIVE)
		vd_port_ring_arm(&q->ring[VD_PORT_RX], 0);
	/* Wake up for half a ring, not for each packet. */
	if (events & VIADUCT_PORT_SEND)
		vd_port_ring_arm(&q->ring[VD_PORT_TX],
				 q->ring[VD_PORT_TX].num / 2);
	ready = vd_port_ready(port, q, events);
	return ready ? (int)ready : viaduct_port_error(port);
}

static int64_t vd_port_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Wait for a signal of the device. No signal tells of the end of the interface, and
 * a wait for the tap would end with each packet: the caller must look for it now
 * and then. Returns as poll(), and 1 also for that.
 */
static int vd_port_poll(const struct viaduct_port *port,
			const struct vd_port_queue *q, int timeout)
{
	const bool is_long = timeout < 0 || timeout > VD_PORT_LOOK_MS;
	struct pollfd p[] = {
		{ .fd = port->err, .events = POLLIN },
		{ .fd = q->call, .events = POLLIN },
	};
	int ret = poll(p, 2, is_long ? VD_PORT_LOOK_MS : timeout);

	return !ret && is_long ? 1 : ret;
}

/**
 * viaduct_port_wait() - wait for events
 * @port: the port
 * @queue: number of the queue
 * @events: VIADUCT_PORT_RECEIVE, VIADUCT_PORT_SEND or both
 * @timeout: milliseconds, -1 for no limit
 *
 * Context: one thread at a time for each queue.
 * Return: the events that have happened; 0 after @timeout; -EINTR after a
 * signal; -EINVAL; -EIO or -ENODEV as viaduct_port_error().
 */
int viaduct_port_wait(struct viaduct_port *port, unsigned int queue,
		      unsigned int events, int timeout)
{
	int64_t end = vd_port_now_ms() + timeout;
	int ret, left = timeout;

	for (;;) {
		ret = viaduct_port_arm(port, queue, events);
		if (ret)
			return ret;
		if (timeout >= 0)
			left = max_t(int64_t, end - vd_port_now_ms(), 0);
		ret = vd_port_poll(port, &port->queue[queue], left);
		if (ret <= 0)
			break;
	}
	viaduct_port_arm(port, queue, 0);
	return ret ? -errno : 0;
}

/**
 * viaduct_port_flush() - wait until all packets have been sent
 * @port: the port
 * @queue: number of the queue
 * @timeout: milliseconds, -1 for no limit
 *
 * A packet has been sent when the interface has taken it.
 *
 * Context: one thread at a time for each queue.
 * Return: 0; -ETIMEDOUT; -EINTR; -EINVAL; -EIO or -ENODEV as
 * viaduct_port_error().
 */
int viaduct_port_flush(struct viaduct_port *port, unsigned int queue,
		       int timeout)
{
	int64_t end = vd_port_now_ms() + timeout;
	struct vd_port_queue *q;
	struct vd_port_ring *tx;
	int ret, left = timeout;

	if (queue >= port->nr_queues)
		return -EINVAL;
	q = &port->queue[queue];
	tx = &q->ring[VD_PORT_TX];
	for (;;) {
		eventfd_t count;

		eventfd_read(q->call, &count);
		vd_port_reap(port, q);
		if (!vd_port_ring_in_flight(tx))
			break;
		ret = viaduct_port_error(port);
		if (ret)
			return ret;
		if (vd_port_ring_arm(tx, vd_port_ring_in_flight(tx) - 1))
			continue;
		if (timeout >= 0)
			left = max_t(int64_t, end - vd_port_now_ms(), 0);
		ret = vd_port_poll(port, q, left);
		if (ret <= 0)
			return ret ? -errno : -ETIMEDOUT;
	}
	vd_port_ring_disarm(tx);
	return 0;
}

/**
 * viaduct_port_error() - whether the port still works
 * @port: the port
 *
 * Return: 0; -EIO if the device found an error in a ring or in memory, or
 * returned a buffer that it did not hold; -ENODEV if the interface was deleted.
 * The port can only be closed then.
 */
int viaduct_port_error(struct viaduct_port *port)
{
	struct pollfd p[2] = {
		{ .fd = port->err, .events = POLLIN },
		{ .fd = port->queue[0].tap.fd },
	};
	int failed = __atomic_load_n(&port->failed, __ATOMIC_RELAXED);

	if (failed || poll(p, 2, 0) <= 0)
		return failed;
	failed = p[0].revents ? -EIO : p[1].revents & POLLERR ? -ENODEV : 0;
	if (failed)
		__atomic_store_n(&port->failed, failed, __ATOMIC_RELAXED);
	return failed;
}

/**
 * viaduct_port_stats() - read the counters of a queue
 * @port: the port
 * @queue: number of the queue
 * @stats: filled in; zeroed if there is no such queue
 */
void viaduct_port_stats(const struct viaduct_port *port, unsigned int queue,
			struct viaduct_queue_stats *stats)
{
	const struct vd_port_queue *q = &port->queue[queue];

	memset(stats, 0, sizeof(*stats));
	if (queue >= port->nr_queues)
		return;
	*stats = q->stats;
	stats->kicks = q->ring[VD_PORT_RX].kicks + q->ring[VD_PORT_TX].kicks;
}
