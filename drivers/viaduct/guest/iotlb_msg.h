/* SPDX-License-Identifier: GPL-2.0-only */
/* IOTLB messages that the client writes to and reads from the descriptor. */
#ifndef VD_GUEST_IOTLB_MSG_H
#define VD_GUEST_IOTLB_MSG_H

#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/vhost_types.h>

#include "guest/iotlb_miss.h"
#include "guest/regions.h"

/**
 * struct vd_iotlb_msg - a message of the client that has been checked
 * @is_update: add a mapping; otherwise remove all that touch a range
 * @perm: access that an update permits: VHOST_ACCESS_RO and _WO
 * @region: the mapping, or the range to invalidate; only the latter may wrap
 */
struct vd_iotlb_msg {
	bool is_update;
	u8 perm;
	struct vd_region region;
};

/* A message as userspace sees it. */
union vd_iotlb_msg_raw {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
};

/* Size of a message of either version. */
#define VD_IOTLB_MSG_LEN	sizeof(struct vhost_msg)

/* Both versions have the body at the same place; what follows it is unused. */
#define VD_IOTLB_MSG_BODY		offsetof(struct vhost_msg, iotlb)
#define VD_IOTLB_MSG_PARSED	(VD_IOTLB_MSG_BODY + sizeof(struct vhost_iotlb_msg))

int vd_iotlb_msg_parse(struct vd_iotlb_msg *msg, const void *raw, size_t len);
void vd_iotlb_msg_format(union vd_iotlb_msg_raw *raw,
			 const struct vd_miss *miss, bool is_v2);

#endif
