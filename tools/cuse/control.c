// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls that concern the whole device. */
#include <errno.h>
#include <linux/virtio_net.h>
#include <unistd.h>

#include "device.h"

#define VDC_BIT(n)	(1ULL << (n))

/*
 * Acked on behalf of the client: a tap hands over only offloads that the client
 * has enabled there.
 */
#define VDC_TAP_FEATURES (VDC_BIT(VD_F_PROTOCOL_FEATURES) |		\
			  VDC_BIT(VIRTIO_NET_F_GUEST_CSUM) |		\
			  VDC_BIT(VIRTIO_NET_F_GUEST_TSO4) |		\
			  VDC_BIT(VIRTIO_NET_F_GUEST_TSO6) |		\
			  VDC_BIT(VIRTIO_NET_F_GUEST_ECN) |		\
			  VDC_BIT(VIRTIO_NET_F_GUEST_UFO))

/* Stop the rings that run; returns them as bits, or -EIO. */
static int vdc_stop_all(struct vdc_device *d)
{
	int bits = 0;
	unsigned int i;

	for (i = 0; i < VDC_NR_RINGS; i++) {
		if (!d->ring[i].runs)
			continue;
		if (vdc_ring_stop(d, i))
			return -EIO;
		bits |= 1 << i;
	}
	return bits;
}

int vdc_set_features(struct vdc_device *d, u64 features)
{
	u64 acked = features & ~VDC_BIT(VHOST_NET_F_VIRTIO_NET_HDR);
	int running, err = 0;
	unsigned int i;

	if (features & ~d->offered)
		return -EOPNOTSUPP;
	/* The library refuses a change while a ring runs. */
	running = vdc_stop_all(d);
	if (running < 0)
		return running;
	if (vdc_front_set_u64(&d->front, VD_SET_FEATURES,
			      acked | VDC_TAP_FEATURES))
		return vdc_device_fail(d);
	d->features = features;
	for (i = 0; i < VDC_NR_RINGS && !err; i++)
		if (running & 1 << i)
			err = vdc_ring_start(d, i);
	return err;
}

int vdc_set_owner(struct vdc_device *d, const struct vdc_client *c)
{
	return d->owner.tgid ? -EBUSY : vdc_owner_set(&d->owner, c);
}

static int vdc_region_set(struct vdc_device *d, enum vd_request request,
			  const struct vdc_region *r, int fd)
{
	const struct {
		u64 padding;
		struct vd_proto_region region;
	} reg = {
		.region = {
			.gpa = r->gpa,
			.size = r->size,
			.uaddr = r->uaddr,
			.offset = r->offset,
		},
	};

	return vdc_front_set(&d->front, request, &reg, sizeof(reg), fd) ?
	       vdc_device_fail(d) : 0;
}

static bool vdc_table_has(const struct vdc_table *t, const struct vdc_region *r)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		if (vdc_memory_is_same(&t->region[i], r))
			return true;
	return false;
}

/* The files of the regions that are new; their number, or -errno. */
static int vdc_open_new(struct vdc_device *d, const struct vdc_client *c,
			const struct vdc_table *table, int *fd)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < table->nr && !err; i++) {
		fd[i] = -1;
		if (vdc_table_has(&d->table, &table->region[i]))
			continue;
		fd[i] = vdc_memory_open(c, &table->region[i]);
		if (fd[i] < 0)
			err = fd[i];
	}
	for (; err && i; i--)
		if (fd[i - 1] >= 0)
			close(fd[i - 1]);
	return err;
}

/*
 * New regions come first, and those that are not in the new table go last, so that
 * the areas of a running ring are in memory all the time.
 */
static int vdc_replace_table(struct vdc_device *d, const struct vdc_client *c,
			     const struct vdc_table *table)
{
	int fd[VDC_MAX_REGIONS];
	int err = vdc_open_new(d, c, table, fd);
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < table->nr; i++) {
		if (fd[i] < 0)
			continue;
		if (!err)
			err = vdc_region_set(d, VD_ADD_MEM_REG,
					     &table->region[i], fd[i]);
		close(fd[i]);
	}
	for (i = 0; i < d->table.nr && !err; i++)
		if (!vdc_table_has(table, &d->table.region[i]))
			err = vdc_region_set(d, VD_REM_MEM_REG,
					     &d->table.region[i], -1);
	if (!err)
		d->table = *table;
	return err;
}

/**
 * vdc_set_mem_table() - SET_MEM_TABLE
 * @d: the device
 * @c: the caller
 * @m: the table, with all its regions [any value]; vdc_call() has checked their
 *     number
 *
 * Return: 0; -EFAULT as the kernel's device;
 * -EMEDIUMTYPE if memory is not shared and of a file. The old table stays then.
 */
int vdc_set_mem_table(struct vdc_device *d, const struct vdc_client *c,
		      const struct vhost_memory *m)
{
	struct vdc_table table = { .nr = m->nregions };
	unsigned int i;
	u64 last;
	int err;

	for (i = 0; i < table.nr; i++) {
		const struct vhost_memory_region *r = &m->regions[i];

		if (!r->memory_size ||
		    __builtin_add_overflow(r->guest_phys_addr,
					   r->memory_size - 1, &last) ||
		    __builtin_add_overflow(r->userspace_addr, r->memory_size,
					   &last))
			return -EFAULT;
		table.region[i].gpa = r->guest_phys_addr;
		table.region[i].size = r->memory_size;
		table.region[i].uaddr = r->userspace_addr;
	}
	err = vdc_memory_find(c, &table);
	if (!err)
		err = vdc_replace_table(d, c, &table);
	if (!err)
		d->has_table = true;
	return err;
}

/* Back to the state after open, but with an empty table. */
int vdc_reset_owner(struct vdc_device *d)
{
	static const struct vdc_table empty;
	unsigned int i;

	if (vdc_stop_all(d) < 0 || vdc_replace_table(d, NULL, &empty))
		return -EIO;
	if (vdc_front_set(&d->front, VD_RESET_DEVICE, NULL, 0, -1))
		return vdc_device_fail(d);
	for (i = 0; i < VDC_NR_RINGS; i++) {
		if (d->ring[i].kick >= 0)
			close(d->ring[i].kick);
		d->ring[i] = (struct vdc_ring){ .num = 1, .kick = -1 };
		__atomic_store_n(&d->pump.busy_us[i], 0, __ATOMIC_RELAXED);
	}
	d->features = 0;
	d->has_table = true;
	vdc_owner_clear(&d->owner);
	return 0;
}
