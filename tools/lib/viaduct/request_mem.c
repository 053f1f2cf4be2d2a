// SPDX-License-Identifier: GPL-2.0-only
/* Requests on guest memory and the dirty log. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "session.h"
#include "vring.h"

static int vd_fail_mem(struct viaduct_dev *dev, const char *reason, int err)
{
	return vd_dev_fail(dev, "%s: %s", reason ?: "memory", strerror(-err));
}

/* The table has changed: rings that lacked memory may start. */
static int vd_start_all(struct viaduct_dev *dev)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < dev->nr_vrings && !ret; i++)
		ret = vd_vring_try_start(&dev->vring[i]);
	return ret;
}

int vd_set_mem_table(struct viaduct_dev *dev, struct vd_msg *msg)
{
	const size_t head = offsetof(union vd_payload, mem.region);
	struct vd_table *table, *old = dev->table;
	const char *reason = NULL;
	u32 i, nr = msg->payload.mem.nr;
	int err = 0;

	if (msg->hdr.size < head || nr > VD_PROTO_MAX_FDS ||
	    msg->hdr.size != head + nr * sizeof(struct vd_proto_region))
		return vd_dev_fail(dev, "SET_MEM_TABLE of %u bytes",
				   msg->hdr.size);
	if (msg->nr_fds != nr)
		return vd_dev_fail(dev, "SET_MEM_TABLE of %u regions with %u descriptors",
				   nr, msg->nr_fds);
	table = calloc(1, sizeof(*table));
	if (!table)
		return vd_fail_mem(dev, NULL, -ENOMEM);
	for (i = 0; i < nr && !err; i++)
		err = vd_table_add(table, &msg->payload.mem.region[i],
				   msg->fd[i], dev->s->any_memory,
				   &dev->faulted, &reason);
	if (!err)
		err = vd_table_build(table);
	/* The first reason is kept: it is the data plane's if that refuses. */
	if (err || vd_dev_swap_table(dev, table)) {
		vd_table_close(table);
		free(table);
		return vd_fail_mem(dev, reason, err);
	}
	vd_table_close(old);
	free(old);
	return vd_start_all(dev);
}

/* A copy of the table without the region @skip, or -1; not yet built. */
static struct vd_table *vd_table_copy(const struct vd_table *from, int skip)
{
	struct vd_table *table = calloc(1, sizeof(*table));
	unsigned int i;

	for (i = 0; table && i < from->nr; i++)
		if ((int)i != skip)
			table->slot[table->nr++] = from->slot[i];
	return table;
}

/* Put @table in place of the device's; regions of both are kept. */
static int vd_replace_table(struct viaduct_dev *dev, struct vd_table *table)
{
	struct vd_table *old = dev->table;

	if (vd_table_build(table))
		return vd_fail_mem(dev, NULL, -ENOMEM);
	if (vd_dev_swap_table(dev, table)) {
		vd_regions_destroy(table->regions);
		return -1;
	}
	vd_regions_destroy(old->regions);
	free(old);
	return 0;
}

int vd_add_mem_reg(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_table *table;
	const char *reason;
	int err;

	if (msg->nr_fds != 1)
		return vd_dev_fail(dev, "ADD_MEM_REG without a descriptor");
	table = vd_table_copy(dev->table, -1);
	if (!table)
		return vd_fail_mem(dev, NULL, -ENOMEM);
	err = vd_table_add(table, &msg->payload.reg.region, msg->fd[0],
			   dev->s->any_memory, &dev->faulted, &reason);
	if (err) {
		free(table);
		return vd_fail_mem(dev, reason, err);
	}
	if (vd_replace_table(dev, table)) {
		vd_map_close(&table->slot[table->nr - 1].map);
		free(table);
		return -1;
	}
	return vd_start_all(dev);
}

int vd_rem_mem_reg(struct viaduct_dev *dev, struct vd_msg *msg)
{
	int i = vd_table_find(dev->table, &msg->payload.reg.region);
	struct vd_table *table;
	struct vd_map map;

	if (i < 0)
		return vd_dev_fail(dev, "REM_MEM_REG of no region");
	map = dev->table->slot[i].map;
	table = vd_table_copy(dev->table, i);
	if (!table)
		return vd_fail_mem(dev, NULL, -ENOMEM);
	if (vd_replace_table(dev, table)) {
		free(table);
		return -1;
	}
	vd_map_close(&map);
	return 0;
}

int vd_set_log_base(struct viaduct_dev *dev, struct vd_msg *msg)
{
	struct vd_map log = {};
	const char *reason;
	int err;

	if (msg->nr_fds != 1)
		return vd_dev_fail(dev, "SET_LOG_BASE without a descriptor");
	err = vd_map_open(&log, msg->fd[0], msg->payload.log.offset,
			  msg->payload.log.size, dev->s->any_memory,
			  &dev->faulted, &reason);
	if (err)
		return vd_fail_mem(dev, reason, err);
	err = vd_dev_swap_log(dev, &log);
	vd_map_close(&log);
	return err ?: vd_reply_value(msg, 0);
}
