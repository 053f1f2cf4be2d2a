// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of IOTLB messages that the client writes (ioctls.rst). */
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vhost_types.h>

#include "guest/message.h"

static bool vd_message_is_user(const struct vhost_iotlb_msg *m)
{
	u64 last;

	return !check_add_overflow(m->uaddr, m->size - 1, &last) &&
	       access_ok((void __user *)(unsigned long)m->uaddr, m->size);
}

static int vd_message_check_update(const struct vhost_iotlb_msg *m)
{
	u64 last;

	if (check_add_overflow(m->iova, m->size - 1, &last))
		return -EFAULT;
	/* A mapping without any permission is never accessed. */
	if (m->perm & VHOST_ACCESS_RW && !vd_message_is_user(m))
		return -EFAULT;
	return 0;
}

/**
 * vd_message_parse() - check a message
 * @msg: filled in
 * @raw: a copy of what was written to the descriptor
 * @len: bytes there, of which no more than VD_MESSAGE_PARSED matter
 *
 * Return: 0; -EINVAL for a message that is too short, has an unknown version or
 * an update of size 0; -EFAULT for an unknown type or an invalid range.
 */
int vd_message_parse(struct vd_message *msg, const void *raw, size_t len)
{
	struct vhost_iotlb_msg m;
	u32 type;

	BUILD_BUG_ON(offsetof(struct vhost_msg_v2, iotlb) != VD_MESSAGE_BODY);
	if (len < VD_MESSAGE_PARSED)
		return -EINVAL;
	memcpy(&type, raw, sizeof(type));
	if (type != VHOST_IOTLB_MSG && type != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	memcpy(&m, raw + VD_MESSAGE_BODY, sizeof(m));
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
	return msg->is_update ? vd_message_check_update(&m) : 0;
}
