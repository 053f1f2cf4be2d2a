// SPDX-License-Identifier: GPL-2.0-only
/* The format of IOTLB messages (ioctls.rst). */
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vhost_types.h>

#include "guest/iotlb_msg.h"

static bool vd_iotlb_msg_is_user(const struct vhost_iotlb_msg *m)
{
	u64 last;

	return !check_add_overflow(m->uaddr, m->size - 1, &last) &&
	       access_ok((void __user *)(unsigned long)m->uaddr, m->size);
}

static int vd_iotlb_msg_check_update(const struct vhost_iotlb_msg *m)
{
	u64 last;

	if (check_add_overflow(m->iova, m->size - 1, &last))
		return -EFAULT;
	/* A mapping without any permission is never accessed. */
	if (m->perm & VHOST_ACCESS_RW && !vd_iotlb_msg_is_user(m))
		return -EFAULT;
	return 0;
}

/**
 * vd_iotlb_msg_parse() - check a message
 * @msg: filled in
 * @raw: a copy of what was written to the descriptor
 * @len: length of @raw; bytes after VD_IOTLB_MSG_PARSED are ignored
 *
 * Return: 0; -EINVAL for a message that is too short, has an unknown version or
 * an update of size 0; -EFAULT for an unknown type or an invalid range.
 */
int vd_iotlb_msg_parse(struct vd_iotlb_msg *msg, const void *raw, size_t len)
{
	struct vhost_iotlb_msg m;
	u32 type;

	BUILD_BUG_ON(offsetof(struct vhost_msg_v2, iotlb) != VD_IOTLB_MSG_BODY);
	if (len < VD_IOTLB_MSG_PARSED)
		return -EINVAL;
	memcpy(&type, raw, sizeof(type));
	if (type != VHOST_IOTLB_MSG && type != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	memcpy(&m, raw + VD_IOTLB_MSG_BODY, sizeof(m));
	msg->is_update = m.type == VHOST_IOTLB_UPDATE;
	if (msg->is_update && !m.size)
		return -EINVAL;
	if (!msg->is_update && m.type != VHOST_IOTLB_INVALIDATE)
		return -EFAULT;
	msg->perm = m.perm & VHOST_ACCESS_RW;
	msg->region.gpa = m.iova;
	/* Only INVALIDATE may have size 0: with address 0 it covers everything. */
	msg->region.span = m.size - 1;
	msg->region.hva = m.uaddr;
	return msg->is_update ? vd_iotlb_msg_check_update(&m) : 0;
}

/* @is_v2: the client has acked VHOST_BACKEND_F_IOTLB_MSG_V2. */
void vd_iotlb_msg_format(union vd_iotlb_msg_raw *raw,
			 const struct vd_miss *miss, bool is_v2)
{
	struct vhost_iotlb_msg msg = {
		.iova = miss->iova,
		.perm = miss->perm,
		.type = VHOST_IOTLB_MISS,
	};

	BUILD_BUG_ON(sizeof(raw->v1) != sizeof(raw->v2));
	/* Holes and unused parts are copied to userspace: they must be 0. */
	memset(raw, 0, sizeof(*raw));
	if (is_v2) {
		raw->v2.type = VHOST_IOTLB_MSG_V2;
		raw->v2.iotlb = msg;
	} else {
		raw->v1.type = VHOST_IOTLB_MSG;
		raw->v1.iotlb = msg;
	}
}
