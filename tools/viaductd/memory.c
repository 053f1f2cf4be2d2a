// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory and the dirty log, for the kernel.
 *
 * The kernel sets bits of the log at the page number's place behind the log's
 * address, wherever that is in this process: only these checks keep them within the
 * mapping. They must hold before logging begins, and before a log or a
 * table that it uses is replaced.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>

#include "guest/dirty_log.h"
#include "memory.h"
#include "port.h"
#include "sys.h"

static bool vdd_is_logged(const struct viaduct_dev *dev,
			  const struct vhost_vring_addr *addr)
{
	return dev->features >> VD_F_LOG_ALL & 1 ||
	       addr->flags & 1U << VHOST_VRING_F_LOG;
}

/* True if the log has a bit for the page of @gpa. */
static bool vdd_log_covers(const struct vd_map *log, u64 gpa)
{
	return log->base && (gpa >> VD_DIRTY_PAGE_SHIFT) / 8 < log->size;
}

static bool vdd_log_covers_table(const struct vd_map *log,
				 const struct vd_table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (!vdd_log_covers(log, table->slot[i].gpa +
				    table->slot[i].map.size - 1))
			return false;
	return true;
}

/* True if the log covers what the kernel logs for a ring with @addr. */
static bool vdd_log_fits(const struct vd_vring *v,
			 const struct vhost_vring_addr *addr,
			 const struct vd_map *log, const struct vd_table *table)
{
	u64 last;

	if (!vdd_is_logged(v->dev, addr))
		return true;
	if (!vdd_log_covers_table(log, table))
		return false;
	return !(addr->flags & 1U << VHOST_VRING_F_LOG) ||
	       (!__builtin_add_overflow(addr->log_guest_addr,
					v->ring.device.len - 1, &last) &&
		vdd_log_covers(log, last));
}

/**
 * vdd_log_fits_ring() - check that what the kernel writes for a ring can be logged
 * @v: the ring
 * @addr: its addresses
 *
 * Return: true if it can, or need not be logged.
 */
bool vdd_log_fits_ring(const struct vd_vring *v,
		       const struct vhost_vring_addr *addr)
{
	return vdd_log_fits(v, addr, &v->dev->log, v->dev->table);
}

/**
 * vdd_log_check() - check a log and a table for all rings that the kernel serves
 * @dev: the device, with its features
 * @log: the log
 * @table: the memory table
 *
 * Return: 0, or -1 after vd_dev_fail().
 */
int vdd_log_check(struct viaduct_dev *dev, const struct vd_map *log,
		  const struct vd_table *table)
{
	const struct vdd_port *port = viaduct_dev_data(dev);
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		if (port->ring[i].attached &&
		    !vdd_log_fits(&dev->vring[i], &port->ring[i].addr, log, table))
			return vd_dev_fail(dev, "the dirty log does not cover memory and ring %u",
					   i);
	return 0;
}

/* The same ioctl for each pair. */
static int vdd_all_ioctl(struct viaduct_dev *dev, const char *name,
			 unsigned long request, void *arg)
{
	struct vdd_port *port = viaduct_dev_data(dev);
	unsigned int i;
	int err;

	for (i = 0; i < port->pairs; i++) {
		err = vdd_ioctl(port->pair[i].vhost, request, arg);
		if (err < 0)
			return vd_dev_fail(dev, "%s: %s", name, strerror(-err));
	}
	return 0;
}

/**
 * vdd_memory_set_table() - pass a memory table on
 * @dev: the device
 * @table: the table
 *
 * Return: 0, or -1 after vd_dev_fail(); then pairs may have different tables.
 */
int vdd_memory_set_table(struct viaduct_dev *dev, const struct vd_table *table)
{
	struct vhost_memory *mem;
	unsigned int i;
	int err;

	if (vdd_log_check(dev, &dev->log, table))
		return -1;
	mem = calloc(1, sizeof(*mem) + table->nr * sizeof(mem->regions[0]));
	if (!mem)
		return vd_dev_fail(dev, "out of memory");
	mem->nregions = table->nr;
	for (i = 0; i < table->nr; i++) {
		const struct vd_slot *slot = &table->slot[i];

		mem->regions[i].guest_phys_addr = slot->gpa;
		mem->regions[i].memory_size = slot->map.size;
		mem->regions[i].userspace_addr = (uintptr_t)slot->map.data;
	}
	err = vdd_all_ioctl(dev, "VHOST_SET_MEM_TABLE", VHOST_SET_MEM_TABLE, mem);
	free(mem);
	return err;
}

/**
 * vdd_memory_set_log() - pass a dirty log on
 * @dev: the device
 * @log: the log
 *
 * Return: 0, or -1 after vd_dev_fail(); then pairs may have different logs.
 */
int vdd_memory_set_log(struct viaduct_dev *dev, const struct vd_map *log)
{
	u64 base = (uintptr_t)log->data;

	if (vdd_log_check(dev, log, dev->table))
		return -1;
	return vdd_all_ioctl(dev, "VHOST_SET_LOG_BASE", VHOST_SET_LOG_BASE,
			     &base);
}
