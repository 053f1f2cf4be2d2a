/* SPDX-License-Identifier: GPL-2.0-only */
/* A descriptor in a session's event loop. */
#ifndef VD_EVENT_H
#define VD_EVENT_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct vd_event - handler for a descriptor that is ready
 * @fn: called by dispatch; may free the structure around @event
 */
struct vd_event {
	void (*fn)(struct vd_event *event, u32 events);
};

#endif
