// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between the client's IOMMU and us. The device does not offer
 * ACCESS_PLATFORM, so there is no IOTLB: nothing is ever asked, and a message
 * that is well-formed is refused as the contract's section 5 says for a device
 * that is not in that mode.
 */
#include <linux/errno.h>
#include <linux/uaccess.h>
#include <linux/vhost_types.h>

#include "device/iotlb_msg.h"

/**
 * vd_iotlb_msg_read() - read the next question
 * @buf: user memory
 * @len: its size in bytes
 * @nonblock: do not wait
 *
 * Return: 0 for a buffer that cannot hold a message, -EAGAIN with @nonblock,
 * -EBADFD.
 */
ssize_t vd_iotlb_msg_read(char __user *buf, size_t len, bool nonblock)
{
	if (len < sizeof(struct vhost_msg))
		return 0;
	return nonblock ? -EAGAIN : -EBADFD;
}

/**
 * vd_iotlb_msg_write() - take a message
 * @buf: user memory
 * @len: bytes there
 *
 * Return: -EINVAL for a message that cannot be understood, else -EFAULT.
 */
ssize_t vd_iotlb_msg_write(const char __user *buf, size_t len)
{
	struct vhost_iotlb_msg msg;
	u32 type;

	/* Both versions have the body at the same place. */
	BUILD_BUG_ON(offsetof(struct vhost_msg, iotlb) !=
		     offsetof(struct vhost_msg_v2, iotlb));
	if (len < sizeof(type) || copy_from_user(&type, buf, sizeof(type)))
		return -EINVAL;
	if (type != VHOST_IOTLB_MSG && type != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	if (len < offsetof(struct vhost_msg, iotlb) + sizeof(msg) ||
	    copy_from_user(&msg, buf + offsetof(struct vhost_msg, iotlb),
			   sizeof(msg)))
		return -EINVAL;
	if (msg.type == VHOST_IOTLB_UPDATE && !msg.size)
		return -EINVAL;
	return -EFAULT;
}
