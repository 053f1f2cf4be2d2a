/* SPDX-License-Identifier: GPL-2.0-only */
/* The messages by which a device controls its session of libviaduct. */
#ifndef VDC_FRONT_H
#define VDC_FRONT_H

#include <linux/types.h>
#include <pthread.h>

#include "proto.h"

/**
 * struct vdc_front - a front end in this process
 * @sock: the connection
 * @pump: the thread at its other end
 */
struct vdc_front {
	int sock;
	pthread_t pump;
};

/* Time that the pump has for an answer, in steps. */
#define VDC_STEP_MS	100
#define VDC_STEPS	50

/* Sent to the pump: ends a system call that waits. */
#define VDC_SIGNAL	SIGUSR2

int vdc_front_start(struct vdc_front *f, u64 *features);
int vdc_front_set(struct vdc_front *f, enum vd_request request,
		  const void *payload, size_t size, int fd);
int vdc_front_get(struct vdc_front *f, enum vd_request request, void *payload,
		  size_t send, size_t size);

static inline int vdc_front_set_u64(struct vdc_front *f,
				    enum vd_request request, u64 value)
{
	return vdc_front_set(f, request, &value, sizeof(value), -1);
}

static inline int vdc_front_set_state(struct vdc_front *f,
				      enum vd_request request, u32 ring,
				      u32 num)
{
	const struct vhost_vring_state state = { .index = ring, .num = num };

	return vdc_front_set(f, request, &state, sizeof(state), -1);
}

/* A descriptor of a ring; -1 for none. */
static inline int vdc_front_set_fd(struct vdc_front *f, enum vd_request request,
				   u32 ring, int fd)
{
	const u64 value = ring | (fd < 0 ? VD_PROTO_VRING_NOFD : 0);

	return vdc_front_set(f, request, &value, sizeof(value), fd);
}

#endif
