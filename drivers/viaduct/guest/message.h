/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client's IOMMU tells, as it writes it to the descriptor. */
#ifndef VD_GUEST_MESSAGE_H
#define VD_GUEST_MESSAGE_H

#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/vhost_types.h>

#include "guest/regions.h"

/**
 * struct vd_message - a message that has been checked
 * @is_update: a mapping begins; otherwise all end that touch a range
 * @perm: what an update allows, VHOST_ACCESS_RO and _WO
 * @region: the mapping, or the range; its span may only wrap in the latter
 */
struct vd_message {
	bool is_update;
	u8 perm;
	struct vd_region region;
};

/* What a message takes, whatever its version. */
#define VD_MESSAGE_LEN	sizeof(struct vhost_msg)

/* Both versions have the body at the same place; what follows it is unused. */
#define VD_MESSAGE_BODY		offsetof(struct vhost_msg, iotlb)
#define VD_MESSAGE_PARSED	(VD_MESSAGE_BODY + sizeof(struct vhost_iotlb_msg))

int vd_message_parse(struct vd_message *msg, const void *raw, size_t len);

#endif
