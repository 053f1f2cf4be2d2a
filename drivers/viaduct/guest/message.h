/* SPDX-License-Identifier: GPL-2.0-only */
/* IOTLB messages that the client writes to the device's descriptor. */
#ifndef VD_GUEST_MESSAGE_H
#define VD_GUEST_MESSAGE_H

#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/vhost_types.h>

#include "guest/regions.h"

/**
 * struct vd_message - a message that has been checked
 * @is_update: add a mapping; otherwise remove all that touch a range
 * @perm: access that an update permits: VHOST_ACCESS_RO and _WO
 * @region: the mapping, or the range to invalidate; only the latter may wrap
 */
struct vd_message {
	bool is_update;
	u8 perm;
	struct vd_region region;
};

/* Size of a message of either version. */
#define VD_MESSAGE_LEN	sizeof(struct vhost_msg)

/* Both versions have the body at the same place; what follows it is unused. */
#define VD_MESSAGE_BODY		offsetof(struct vhost_msg, iotlb)
#define VD_MESSAGE_PARSED	(VD_MESSAGE_BODY + sizeof(struct vhost_iotlb_msg))

int vd_message_parse(struct vd_message *msg, const void *raw, size_t len);

#endif
