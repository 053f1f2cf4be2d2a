// SPDX-License-Identifier: GPL-2.0-only
/* Waits of a port that fails meanwhile; the port is simulated, with no device. */
#include <errno.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port/port.h"
#include "test.h"

#define NUM	8

static u8 memory[2][4096] __attribute__((aligned(64)));
static int tap[2];

static struct viaduct_port *open_port(void)
{
	struct viaduct_port *port = calloc(1, sizeof(*port) +
					   sizeof(port->queue[0]));
	struct vd_port_queue *q = &port->queue[0];
	unsigned int i;

	CHECK(!pipe(tap));
	q->tap.fd = tap[1];
	q->call = eventfd(0, EFD_NONBLOCK);
	port->err = eventfd(0, EFD_NONBLOCK);
	port->nr_queues = 1;
	port->nr_buffers = 1;
	port->owner = calloc(1, 1);
	q->pool = calloc(1, sizeof(*q->pool));
	for (i = 0; i < 2; i++)
		CHECK_EQ(vd_port_ring_init(&q->ring[i], memory[i], NUM, false,
					   true), 0);
	/* A packet on its way. */
	vd_port_ring_add(&q->ring[VD_PORT_TX], memory, 64, 0, 0);
	vd_port_ring_publish(&q->ring[VD_PORT_TX]);
	return port;
}

static void close_port(struct viaduct_port *port)
{
	struct vd_port_queue *q = &port->queue[0];
	unsigned int i;

	for (i = 0; i < 2; i++)
		vd_port_ring_fini(&q->ring[i]);
	free(q->pool);
	free(port->owner);
	free(port);
}

static void *delete(void *arg)
{
	usleep(100000);
	close(tap[0]);
	return arg;
}

static void *fail(void *arg)
{
	struct viaduct_port *port = arg;

	usleep(100000);
	eventfd_write(port->err, 1);
	return arg;
}

static int during(void *(*change)(void *port), bool flush)
{
	struct viaduct_port *port = open_port();
	pthread_t thread;
	int ret;

	CHECK(!pthread_create(&thread, NULL, change, port));
	ret = flush ? viaduct_port_flush(port, 0, -1) :
	      viaduct_port_wait(port, 0, VIADUCT_PORT_RECEIVE, -1);
	CHECK(!pthread_join(thread, NULL));
	close_port(port);
	return ret;
}

TEST(port_wait_deleted)
{
	CHECK_EQ(during(delete, false), -ENODEV);
}

TEST(port_flush_deleted)
{
	CHECK_EQ(during(delete, true), -ENODEV);
}

TEST(port_flush_fails)
{
	CHECK_EQ(during(fail, true), -EIO);
}

/* The device returns a buffer that it does not hold. */
TEST(port_flush_broken)
{
	struct viaduct_port *port = open_port();
	struct vring_used *used = port->queue[0].ring[VD_PORT_TX].used;

	used->ring[0].id = 5;
	used->idx = 1;
	CHECK_EQ(viaduct_port_flush(port, 0, -1), -EIO);
	CHECK_EQ(viaduct_port_error(port), -EIO);
	close_port(port);
}

/* Limits are kept, also those longer than the period of interface checks. */
TEST(port_wait_times_out)
{
	struct viaduct_port *port = open_port();

	CHECK_EQ(viaduct_port_wait(port, 0, VIADUCT_PORT_RECEIVE, 1200), 0);
	CHECK_EQ(viaduct_port_flush(port, 0, 50), -ETIMEDOUT);
	close_port(port);
}
