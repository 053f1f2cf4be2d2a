// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a port: rings of all queues, then buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port/port.h"

#define VD_PORT_MAX_MEMORY	(1ULL << 37)

static size_t vd_port_page_align(size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (len + page - 1) & ~(page - 1);
}

static size_t vd_port_rings_len(const struct viaduct_port_opts *o)
{
	return vd_port_page_align(2 * o->queues * vd_port_ring_len(o->ring_size));
}

static size_t vd_port_slot_len(const struct viaduct_port_opts *o)
{
	return (VD_PORT_HEADROOM + o->room + 63) & ~(size_t)63;
}

/* Bytes of memory for a port. */
size_t vd_port_memory_need(const struct viaduct_port_opts *o)
{
	return vd_port_rings_len(o) +
	       vd_port_page_align((size_t)o->queues * o->buffers *
				  vd_port_slot_len(o));
}

/* Rings are first in the memory: receive and transmit ring of each queue. */
void *vd_port_ring_memory(const struct viaduct_port *port, unsigned int nth)
{
	return port->memory + nth * vd_port_ring_len(port->opts.ring_size);
}

/**
 * vd_port_memory_init() - map memory, or take the caller's
 * @port: the port
 *
 * Return: 0; -EINVAL if the caller's memory does not fit; -ENOMEM.
 */
int vd_port_memory_init(struct viaduct_port *port)
{
	const struct viaduct_port_opts *o = &port->opts;
	size_t need = vd_port_memory_need(o);
	void *memory = o->memory;

	/* vd_port_buf_of() divides with 32 bits. */
	if (need > VD_PORT_MAX_MEMORY)
		return vd_port_fail(port, -EINVAL, "%zu bytes of memory", need);
	if (memory && (o->memory_len < need ||
		       (uintptr_t)memory % sysconf(_SC_PAGESIZE)))
		return vd_port_fail(port, -EINVAL,
				    "%zu bytes of memory at %p, %zu are needed",
				    o->memory_len, memory, need);
	if (!memory) {
		memory = mmap(NULL, need, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED)
			return vd_port_fail(port, -errno,
					    "no memory of %zu bytes", need);
		/* Copy on write must not separate program and device. */
		madvise(memory, need, MADV_DONTFORK);
		port->is_mapped = true;
	}
	port->memory = memory;
	port->memory_len = need;
	port->buffers = port->memory + vd_port_rings_len(o);
	port->slot = vd_port_slot_len(o);
	port->nr_buffers = o->queues * o->buffers;
	return 0;
}

void vd_port_memory_fini(struct viaduct_port *port)
{
	if (port->is_mapped)
		munmap(port->memory, port->memory_len);
	free(port->owner);
}

/**
 * vd_port_pools_init() - put all buffers into the queues' pools
 * @port: the port
 *
 * Each pool has room for all, because buffers move between queues.
 *
 * Return: 0 or -ENOMEM.
 */
int vd_port_pools_init(struct viaduct_port *port)
{
	u32 buf = 0;
	unsigned int i;

	port->owner = calloc(port->nr_buffers, sizeof(*port->owner));
	if (!port->owner)
		return vd_port_fail(port, -ENOMEM, "no memory for buffers");
	for (i = 0; i < port->nr_queues; i++) {
		struct vd_port_queue *q = &port->queue[i];

		q->pool = calloc(port->nr_buffers, sizeof(*q->pool));
		if (!q->pool)
			return vd_port_fail(port, -ENOMEM, "no memory for buffers");
		while (q->nr_pool < port->opts.buffers)
			q->pool[q->nr_pool++] = buf++;
	}
	return 0;
}
