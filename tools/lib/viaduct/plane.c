// SPDX-License-Identifier: GPL-2.0-only
/* The data plane of the library: bursts in this process. */
#include <asm/futex.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "burst.h"
#include "inflight.h"
#include "plane.h"
#include "session.h"

/* 5.1.6.3.1: the longest packet may use as many buffers as there are pieces. */
#define VD_RX_CHAINS	VD_MAX_SEGS

const u64 vd_plane_proto_features = 1ULL << VD_PROTO_F_INFLIGHT_SHMFD;

static bool vd_plane_is_tx(const struct vd_vring *v)
{
	return v->idx & 1;
}

int vd_plane_start(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	unsigned int room = vd_plane_is_tx(v) ? VD_BATCH : VD_RX_CHAINS;
	int err, resumed = 0;
	u16 used_idx;

	v->batch = calloc(1, sizeof(*v->batch) +
			  room * sizeof(v->batch->chain[0]));
	if (!v->batch)
		return vd_dev_fail(v->dev, "out of memory");
	v->batch->max = room;
	v->taken = 0;
	vd_burst_set_log(v);
	err = vd_ring_probe(&v->ring, &v->mem, &used_idx);
	if (err)
		return vd_dev_fail(v->dev, "ring %u cannot be started: %s",
				   v->idx, strerror(-err));
	if (v->dev->inflight.base)
		resumed = vd_inflight_resume(v, used_idx);
	if (resumed < 0)
		return resumed;
	vd_ring_start(&v->ring, used_idx);
	if (v->inflight)
		vd_inflight_begin(v, resumed);
	v->broken = false;
	v->armed = true;
	return 0;
}

void vd_plane_stop(struct vd_vring *v)
{
	vd_inflight_end(v);
	free(v->batch);
	v->batch = NULL;
}

/* A burst looks at both. */
int vd_plane_update(struct vd_vring *v)
{
	(void)v;
	return 0;
}

int vd_plane_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr)
{
	(void)v;
	(void)addr;
	return 0;
}

int vd_plane_set_features(struct vd_vring *v, u64 features)
{
	v->mergeable = features >> VIRTIO_NET_F_MRG_RXBUF & 1;
	v->hdr_len = v->mergeable || features >> VIRTIO_F_VERSION_1 & 1 ?
		     sizeof(struct virtio_net_hdr_mrg_rxbuf) :
		     sizeof(struct virtio_net_hdr);
	v->csum = features >> VIRTIO_NET_F_GUEST_CSUM & 1;
	v->gso = vd_gso_accepted(features);
	v->log_all = features >> VD_F_LOG_ALL & 1;
	return 0;
}

/* A kick only makes the session's descriptor readable; the caller polls. */
static void vd_plane_kicked(struct vd_event *event, u32 events)
{
	(void)event;
	(void)events;
}

/*
 * The front end has the old descriptor, too: closing it here does not take it out
 * of the event loop.
 */
int vd_plane_set_kick(struct vd_vring *v, int fd)
{
	struct viaduct_session *s = v->dev->s;

	if (s->has_thread)
		return 0;
	if (v->kick >= 0)
		vd_session_unwatch(s, v->kick);
	v->kick_event.fn = vd_plane_kicked;
	if (fd >= 0 && vd_session_watch(s, fd, &v->kick_event, EPOLLIN | EPOLLET))
		return vd_dev_fail(v->dev, "kick descriptor cannot be polled: %s",
				   strerror(errno));
	return 0;
}

/* Bursts signal &vd_vring.call. */
int vd_plane_set_call(struct vd_vring *v, int fd)
{
	(void)v;
	(void)fd;
	return 0;
}

/* Each ring has its view of &viaduct_dev.table; see vd_vring_set_table(). */
int vd_plane_set_table(struct viaduct_dev *dev, const struct vd_table *table)
{
	(void)dev;
	(void)table;
	return 0;
}

int vd_plane_set_log(struct viaduct_dev *dev, const struct vd_map *log)
{
	(void)dev;
	(void)log;
	return 0;
}
