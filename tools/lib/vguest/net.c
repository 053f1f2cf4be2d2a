// SPDX-License-Identifier: GPL-2.0-only
/* Set-up and tear-down of a driver over a vhost descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "wait.h"

/* Two regions with a hole between them, so that a look-up must choose. */
#define NET_GPA_LOW	0x100000ULL
#define NET_GPA_HIGH	0x100000000ULL
#define NET_MEM_SPARE	(1 << 20)
#define NET_TABLE_ROOM	(16ULL * VG_MAX_SEG)

static unsigned int or_default(unsigned int v, unsigned int def)
{
	return v ? v : def;
}

/* VD_LAYOUT changes the ring format of every driver. */
static uint64_t layout_features(void)
{
	static const struct {
		const char *name;
		uint64_t features;
	} layouts[] = {
		{ "split", 0 },
		{ "packed", VG_BIT(VG_F_RING_PACKED) },
		{ "in-order", VG_BIT(VG_F_IN_ORDER) },
		{ "packed-in-order", VG_BIT(VG_F_RING_PACKED) |
				     VG_BIT(VG_F_IN_ORDER) },
		{}
	};
	const char *want = getenv("VD_LAYOUT");
	unsigned int i;

	for (i = 0; layouts[i].name; i++)
		if (!strcmp(want ?: "split", layouts[i].name))
			return layouts[i].features;
	fprintf(stderr, "no layout %s; VD_LAYOUT is one of:", want);
	for (i = 0; layouts[i].name; i++)
		fprintf(stderr, " %s", layouts[i].name);
	fprintf(stderr, "\n");
	exit(1);
}

static struct vg_net_opts net_defaults(const struct vg_net_opts *in)
{
	struct vg_net_opts o = *in;

	o.features |= layout_features();
	o.num[VG_RX] = or_default(o.num[VG_RX], 256);
	o.num[VG_TX] = or_default(o.num[VG_TX], 256);
	o.nr_tx = or_default(o.nr_tx, o.num[VG_TX]);
	o.nr_rx = or_default(o.nr_rx, o.num[VG_RX]);
	o.tx_size = or_default(o.tx_size, 2048);
	o.rx_size = or_default(o.rx_size, 2048);
	return o;
}

/* The memfds are sparse: a large size costs nothing. */
static int net_memory(struct vg_net *n, const struct vg_net_opts *o)
{
	uint64_t rings = 32ULL * (o->num[0] + o->num[1]) + NET_MEM_SPARE;
	uint64_t bufs = (uint64_t)o->nr_tx * (o->tx_size + 64) +
			(uint64_t)o->nr_rx * (o->rx_size + 64);
	uint64_t tables = (o->num[0] + o->num[1]) * NET_TABLE_ROOM * 2;
	int ret;

	rings = (rings + bufs / 2) & ~4095ULL;
	bufs = (bufs + tables + NET_MEM_SPARE) & ~4095ULL;
	ret = vg_mem_add(&n->mem, NET_GPA_LOW, rings);
	return ret ? ret : vg_mem_add(&n->mem, NET_GPA_HIGH, bufs);
}

static int net_rings(struct vg_net *n, const struct vg_net_opts *o)
{
	unsigned int q;
	int ret = 0;

	for (q = 0; q < 2 && !ret; q++) {
		ret = vg_ring_init(&n->ring[q], &n->mem, o->num[q], o->features,
				   o->seed ? o->seed + q : 0);
		if (ret)
			break;
		vg_ring_reset(&n->ring[q], o->base);
		n->ring[q].kick_fd = n->kick[q];
		n->ring[q].call_fd = n->call[q];
	}
	if (!ret)
		ret = vg_pool_init(&n->pool[VG_RX], &n->mem, o->nr_rx,
				   o->rx_size);
	if (!ret)
		ret = vg_pool_init(&n->pool[VG_TX], &n->mem, o->nr_tx,
				   o->tx_size);
	n->scratch = malloc(o->rx_size);
	return n->scratch ? ret : -ENOMEM;
}

static int net_features(struct vg_net *n)
{
	uint64_t words[VG_FEATURE_WORDS] = { n->features, n->features_high };

	/* Not every device supports the arrays. */
	return n->features_high ? vg_set_features_array(n->fd, words) :
				  vg_set_features(n->fd, n->features);
}

static int net_device(struct vg_net *n)
{
	struct vhost_memory *table;
	int ret;

	n->fd = vg_dev_open(NULL);
	if (n->fd < 0)
		return n->fd;
	ret = vg_set_owner(n->fd);
	if (!ret)
		ret = vg_get_features(n->fd, &n->offered);
	if (!ret)
		ret = net_features(n);
	if (ret)
		return ret;
	table = vg_mem_table(&n->mem);
	if (!table)
		return -ENOMEM;
	ret = vg_set_mem_table(n->fd, table);
	free(table);
	return ret;
}

int vg_net_set_ring(struct vg_net *n, unsigned int q)
{
	struct vg_ring *r = &n->ring[q];
	struct vhost_vring_addr addr = {
		.index = q,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
	};
	uint32_t base = vg_ring_base(r);
	int ret;

	if (n->half_base)
		base &= 0xffff;
	/* Behind an IOMMU the device gets the guest's addresses of the ring. */
	if (n->features & VG_BIT(VG_F_ACCESS_PLATFORM)) {
		addr.desc_user_addr = r->desc_gpa;
		addr.avail_user_addr = r->avail_gpa;
		addr.used_user_addr = r->used_gpa;
	}
	ret = vg_set_vring_num(n->fd, q, r->num);
	if (!ret)
		ret = vg_set_vring_base(n->fd, q, base);
	if (!ret)
		ret = vg_set_vring_addr(n->fd, &addr);
	if (!ret)
		ret = vg_set_vring_kick(n->fd, q, n->kick[q]);
	if (!ret)
		ret = vg_set_vring_call(n->fd, q, n->call[q]);
	if (!ret)
		ret = vg_set_vring_err(n->fd, q, n->err[q]);
	return ret;
}

int vg_net_open(struct vg_net *n, const struct vg_net_opts *opts)
{
	struct vg_net_opts o = net_defaults(opts);
	unsigned int q;
	int ret;

	*n = (struct vg_net){ .fd = -1, .features = o.features,
			      .features_high = o.features_high,
			      .rx_layout = &vg_layout_plain,
			      .half_base = o.half_base,
			      .mem.huge = o.huge };
	n->hdr_len = o.features & (VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1)) ?
		     12 : 10;
	if (o.features_high)
		n->hdr_len = sizeof(n->hdr);
	for (q = 0; q < 2; q++) {
		n->kick[q] = vg_eventfd();
		n->call[q] = vg_eventfd();
		n->err[q] = vg_eventfd();
	}
	ret = net_memory(n, &o);
	if (!ret)
		ret = net_rings(n, &o);
	if (!ret)
		ret = net_device(n);
	for (q = 0; q < 2 && !ret; q++)
		ret = vg_net_set_ring(n, q);
	if (ret)
		vg_net_close(n);
	return ret;
}

void vg_net_close(struct vg_net *n)
{
	unsigned int q;

	/* The device first: it may be using all the rest. */
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	for (q = 0; q < 2; q++) {
		vg_ring_fini(&n->ring[q]);
		vg_pool_fini(&n->pool[q]);
		close(n->kick[q]);
		close(n->call[q]);
		close(n->err[q]);
	}
	free(n->scratch);
	vg_mem_fini(&n->mem);
}

int vg_net_start(struct vg_net *n, int rx_fd, int tx_fd)
{
	int ret = 0;

	if (rx_fd >= 0)
		ret = vg_set_backend(n->fd, VG_RX, rx_fd);
	n->running[VG_RX] = rx_fd >= 0 && !ret;
	if (!ret && tx_fd >= 0)
		ret = vg_set_backend(n->fd, VG_TX, tx_fd);
	n->running[VG_TX] = tx_fd >= 0 && !ret;
	return ret;
}

int vg_net_stop(struct vg_net *n)
{
	int ret = vg_set_backend(n->fd, VG_RX, -1);

	if (!ret)
		ret = vg_set_backend(n->fd, VG_TX, -1);
	n->running[VG_RX] = false;
	n->running[VG_TX] = false;
	return ret;
}
