/* SPDX-License-Identifier: GPL-2.0-only */
/* Control of a ring, from the session's dispatch. */
#ifndef VD_VRING_H
#define VD_VRING_H

#include <sched.h>

#include "dev.h"

/* Try to begin a burst; false if control changes the ring. */
static inline bool vd_vring_trylock(struct vd_vring *v)
{
	return !__atomic_exchange_n(&v->lock, 1, __ATOMIC_ACQUIRE);
}

/* A burst is bounded, so the wait is. */
static inline void vd_vring_lock(struct vd_vring *v)
{
	while (!vd_vring_trylock(v))
		sched_yield();
}

static inline void vd_vring_unlock(struct vd_vring *v)
{
	__atomic_store_n(&v->lock, 0, __ATOMIC_RELEASE);
}

void vd_vring_init(struct vd_vring *v, struct viaduct_dev *dev,
		   unsigned int idx);
void vd_vring_reset(struct vd_vring *v);
int vd_vring_end(struct vd_vring *v);
int vd_vring_try_start(struct vd_vring *v);
void vd_vring_stop(struct vd_vring *v);
void vd_vring_report(struct vd_vring *v);
int vd_vring_set_addr(struct vd_vring *v, const struct vhost_vring_addr *addr);
int vd_vring_set_features(struct vd_vring *v, u64 features);
int vd_vring_set_table(struct vd_vring *v);
int vd_vring_set_kick(struct vd_vring *v, int fd);
int vd_vring_set_call(struct vd_vring *v, int fd);
void vd_vring_set_err(struct vd_vring *v, int fd);
int vd_vring_enable(struct vd_vring *v, bool on);
void vd_vring_break(struct vd_vring *v, int err);

#endif
