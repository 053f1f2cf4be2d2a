/* SPDX-License-Identifier: GPL-2.0-only */
/* Implementations of requests; request.c has their table. */
#ifndef VD_REQUEST_H
#define VD_REQUEST_H

#include "dev.h"

/*
 * Each returns 0, 1 if @msg holds the reply, or -1 after vd_dev_fail(). Size and
 * number of descriptors have been checked, nothing else.
 */
int vd_set_mem_table(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_add_mem_reg(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_rem_mem_reg(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_log_base(struct viaduct_dev *dev, struct vd_msg *msg);

int vd_get_inflight_fd(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_inflight_fd(struct viaduct_dev *dev, struct vd_msg *msg);
void vd_forget_inflight(struct viaduct_dev *dev, u64 features);

int vd_set_vring_num(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_addr(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_base(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_get_vring_base(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_kick(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_call(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_err(struct viaduct_dev *dev, struct vd_msg *msg);
int vd_set_vring_enable(struct viaduct_dev *dev, struct vd_msg *msg);

bool vd_is_running(const struct viaduct_dev *dev);

static inline int vd_reply_value(struct vd_msg *msg, u64 value)
{
	msg->payload.value = value;
	msg->hdr.size = sizeof(msg->payload.value);
	return 1;
}

#endif
