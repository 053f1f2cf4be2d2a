/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_IOTLB_MSG_H
#define VD_DEVICE_IOTLB_MSG_H

#include <linux/types.h>

ssize_t vd_iotlb_msg_read(char __user *buf, size_t len, bool nonblock);
ssize_t vd_iotlb_msg_write(const char __user *buf, size_t len);

#endif
