// SPDX-License-Identifier: GPL-2.0-only
/* Dispatch of requests, and those that concern the whole device. */
#include <linux/kernel.h>

#include "plane.h"
#include "request.h"
#include "session.h"
#include "vring.h"

#define VD_PROTO_FEATURES (vd_plane_proto_features |			\
			   1ULL << VD_PROTO_F_MQ |			\
			   1ULL << VD_PROTO_F_LOG_SHMFD |		\
			   1ULL << VD_PROTO_F_REPLY_ACK |		\
			   1ULL << VD_PROTO_F_NET_MTU |			\
			   1ULL << VD_PROTO_F_RESET_DEVICE |		\
			   1ULL << VD_PROTO_F_CONFIGURE_MEM_SLOTS |	\
			   1ULL << VD_PROTO_F_STATUS)

/* Payload of any size, and of any number of descriptors. */
#define VD_ANY		0xffffU

/* Whether one of the rings is started. */
bool vd_is_running(const struct viaduct_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_vrings; i++)
		if (dev->vring[i].started)
			return true;
	return false;
}

static int vd_get_features(struct viaduct_dev *dev, struct vd_msg *msg)
{
	return vd_reply_value(msg, dev->offered);
}

static int vd_set_features(struct viaduct_dev *dev, struct vd_msg *msg)
{
	u64 features = msg->payload.value;

	if (features & ~dev->offered)
		return vd_dev_fail(dev, "features %#llx were not offered",
				   (unsigned long long)(features &
							~dev->offered));
	if (vd_is_running(dev) &&
	    (features ^ dev->features) & ~(1ULL << VD_F_LOG_ALL))
		return vd_dev_fail(dev, "features changed while a ring runs");
	return vd_dev_set_features(dev, features);
}

static int vd_get_protocol_features(struct viaduct_dev *dev, struct vd_msg *msg)
{
	(void)dev;
	return vd_reply_value(msg, VD_PROTO_FEATURES);
}

static int vd_set_protocol_features(struct viaduct_dev *dev, struct vd_msg *msg)
{
	if (msg->payload.value & ~VD_PROTO_FEATURES)
		return vd_dev_fail(dev, "protocol features %#llx were not offered",
				   (unsigned long long)(msg->payload.value &
							~VD_PROTO_FEATURES));
	dev->proto = msg->payload.value;
	return 0;
}

static int vd_get_queue_num(struct viaduct_dev *dev, struct vd_msg *msg)
{
	return vd_reply_value(msg, dev->nr_vrings / 2);
}

static int vd_get_max_mem_slots(struct viaduct_dev *dev, struct vd_msg *msg)
{
	return vd_reply_value(msg, dev->max_slots);
}

static int vd_net_set_mtu(struct viaduct_dev *dev, struct vd_msg *msg)
{
	if (msg->payload.value < 68 || msg->payload.value > 65535)
		return vd_dev_fail(dev, "MTU of %llu",
				   (unsigned long long)msg->payload.value);
	dev->mtu = msg->payload.value;
	return 0;
}

static int vd_set_status(struct viaduct_dev *dev, struct vd_msg *msg)
{
	unsigned int i;
	int err = 0;

	/*
	 * 0 is the driver's reset of the device. QEMU also sends it before it
	 * requests the position of the rings, when it pauses or migrates a VM.
	 */
	for (i = 0; i < dev->nr_vrings && !msg->payload.value && !err; i++)
		err = vd_vring_end(&dev->vring[i]);
	dev->status = msg->payload.value;
	return err;
}

static int vd_get_status(struct viaduct_dev *dev, struct vd_msg *msg)
{
	return vd_reply_value(msg, dev->status);
}

static int vd_reset_device(struct viaduct_dev *dev, struct vd_msg *msg)
{
	const u64 features = dev->features;

	(void)msg;
	vd_dev_reset(dev);
	vd_forget_inflight(dev, features);
	return 0;
}

/* SET_OWNER marks the start of a session; RESET_OWNER must be ignored. */
static int vd_ignore(struct viaduct_dev *dev, struct vd_msg *msg)
{
	(void)dev;
	(void)msg;
	return 0;
}

/**
 * struct vd_op - a request
 * @name: name, for reasons
 * @fn: implementation; NULL if it is unknown
 * @size: bytes of payload, or VD_ANY
 * @max_fds: limit on the number of descriptors
 * @proto: bit of the protocol feature that it belongs to, plus 1; or 0
 */
struct vd_op {
	const char *name;
	int (*fn)(struct viaduct_dev *dev, struct vd_msg *msg);
	u16 size;
	u8 max_fds;
	u8 proto;
};

#define VD_U64		sizeof(u64)
#define VD_STATE	sizeof(struct vhost_vring_state)
#define VD_ADDR		sizeof(struct vhost_vring_addr)
#define VD_REG		sizeof_field(union vd_payload, reg)
#define VD_LOG		sizeof_field(union vd_payload, log)
#define VD_OP(name, fn, ...)	[VD_##name] = { #name, fn, __VA_ARGS__ }
#define VD_PF(name)		(VD_PROTO_F_##name + 1)

#define sizeof_field(type, field)	sizeof(((type *)0)->field)

static const struct vd_op vd_ops[VD_NR_REQUESTS] = {
	VD_OP(GET_FEATURES, vd_get_features, 0),
	VD_OP(SET_FEATURES, vd_set_features, VD_U64),
	VD_OP(SET_OWNER, vd_ignore, 0),
	VD_OP(RESET_OWNER, vd_ignore, 0),
	VD_OP(SET_MEM_TABLE, vd_set_mem_table, VD_ANY, VD_PROTO_MAX_FDS),
	VD_OP(SET_LOG_BASE, vd_set_log_base, VD_LOG, 1, VD_PF(LOG_SHMFD)),
	VD_OP(SET_LOG_FD, vd_ignore, 0, 1),
	VD_OP(SET_VRING_NUM, vd_set_vring_num, VD_STATE),
	VD_OP(SET_VRING_ADDR, vd_set_vring_addr, VD_ADDR),
	VD_OP(SET_VRING_BASE, vd_set_vring_base, VD_STATE),
	VD_OP(GET_VRING_BASE, vd_get_vring_base, VD_STATE),
	VD_OP(SET_VRING_KICK, vd_set_vring_kick, VD_U64, 1),
	VD_OP(SET_VRING_CALL, vd_set_vring_call, VD_U64, 1),
	VD_OP(SET_VRING_ERR, vd_set_vring_err, VD_U64, 1),
	VD_OP(GET_PROTOCOL_FEATURES, vd_get_protocol_features, 0),
	VD_OP(SET_PROTOCOL_FEATURES, vd_set_protocol_features, VD_U64),
	VD_OP(GET_QUEUE_NUM, vd_get_queue_num, 0, 0, VD_PF(MQ)),
	VD_OP(SET_VRING_ENABLE, vd_set_vring_enable, VD_STATE),
	VD_OP(NET_SET_MTU, vd_net_set_mtu, VD_U64, 0, VD_PF(NET_MTU)),
	VD_OP(GET_INFLIGHT_FD, vd_get_inflight_fd, VD_ANY, 0,
	      VD_PF(INFLIGHT_SHMFD)),
	VD_OP(SET_INFLIGHT_FD, vd_set_inflight_fd, VD_ANY, 1,
	      VD_PF(INFLIGHT_SHMFD)),
	VD_OP(RESET_DEVICE, vd_reset_device, 0, 0, VD_PF(RESET_DEVICE)),
	VD_OP(GET_MAX_MEM_SLOTS, vd_get_max_mem_slots, 0, 0,
	      VD_PF(CONFIGURE_MEM_SLOTS)),
	VD_OP(ADD_MEM_REG, vd_add_mem_reg, VD_REG, 1,
	      VD_PF(CONFIGURE_MEM_SLOTS)),
	VD_OP(REM_MEM_REG, vd_rem_mem_reg, VD_REG, 1,
	      VD_PF(CONFIGURE_MEM_SLOTS)),
	VD_OP(SET_STATUS, vd_set_status, VD_U64, 0, VD_PF(STATUS)),
	VD_OP(GET_STATUS, vd_get_status, 0, 0, VD_PF(STATUS)),
};

/* The operation of a message; NULL after vd_dev_fail(). */
static const struct vd_op *vd_op_find(struct viaduct_dev *dev,
				      const struct vd_msg *msg)
{
	const struct vd_op *op = &vd_ops[0];

	if (msg->hdr.request < VD_NR_REQUESTS)
		op = &vd_ops[msg->hdr.request];
	if (!op->fn)
		vd_dev_fail(dev, "unknown request %u", msg->hdr.request);
	else if (op->size != VD_ANY && msg->hdr.size != op->size)
		vd_dev_fail(dev, "%s of %u bytes", op->name, msg->hdr.size);
	else if (msg->nr_fds > op->max_fds)
		vd_dev_fail(dev, "%s with %u descriptors", op->name,
			    msg->nr_fds);
	else if (op->proto && !(dev->proto >> (op->proto - 1) & 1))
		vd_dev_fail(dev, "%s without its protocol feature", op->name);
	else
		return op;
	return NULL;
}

/* Rings start, stop and change by messages: report it to the program. */
int vd_request(struct viaduct_dev *dev, struct vd_msg *msg)
{
	const struct vd_op *op = vd_op_find(dev, msg);
	unsigned int i;
	int ret;

	if (!op)
		return -1;
	ret = op->fn(dev, msg);
	if (ret >= 0 && __atomic_load_n(&dev->faulted, __ATOMIC_RELAXED))
		ret = vd_dev_fail(dev, "shared memory has shrunk");
	/* A reset, for example, is completed even if a part of it fails. */
	if (__atomic_load_n(&dev->dead, __ATOMIC_ACQUIRE))
		ret = -1;
	for (i = 0; ret >= 0 && i < dev->nr_vrings; i++)
		vd_vring_report(&dev->vring[i]);
	return ret;
}
