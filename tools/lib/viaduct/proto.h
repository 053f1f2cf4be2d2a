/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vhost-user protocol on the wire, from its specification ("Vhost-user
 * Protocol", version 1). All fields are in the host's byte order.
 */
#ifndef VD_PROTO_H
#define VD_PROTO_H

#include <linux/types.h>
#include <linux/vhost_types.h>

#define VD_PROTO_VERSION	1U
#define VD_PROTO_VERSION_MASK	3U
#define VD_PROTO_REPLY		(1U << 2)
#define VD_PROTO_NEED_REPLY	(1U << 3)

/* Descriptors of a message, and regions of SET_MEM_TABLE. */
#define VD_PROTO_MAX_FDS	8

/* Index and flag of SET_VRING_KICK, _CALL and _ERR. */
#define VD_PROTO_VRING_IDX	0xffU
#define VD_PROTO_VRING_NOFD	(1U << 8)

/* Feature bits between front end and back end. */
#define VD_F_LOG_ALL		26
#define VD_F_PROTOCOL_FEATURES	30

enum vd_proto_feature {
	VD_PROTO_F_MQ = 0,
	VD_PROTO_F_LOG_SHMFD = 1,
	VD_PROTO_F_REPLY_ACK = 3,
	VD_PROTO_F_NET_MTU = 4,
	VD_PROTO_F_INFLIGHT_SHMFD = 12,
	VD_PROTO_F_RESET_DEVICE = 13,
	VD_PROTO_F_CONFIGURE_MEM_SLOTS = 15,
	VD_PROTO_F_STATUS = 16,
};

enum vd_request {
	VD_GET_FEATURES = 1,
	VD_SET_FEATURES = 2,
	VD_SET_OWNER = 3,
	VD_RESET_OWNER = 4,
	VD_SET_MEM_TABLE = 5,
	VD_SET_LOG_BASE = 6,
	VD_SET_LOG_FD = 7,
	VD_SET_VRING_NUM = 8,
	VD_SET_VRING_ADDR = 9,
	VD_SET_VRING_BASE = 10,
	VD_GET_VRING_BASE = 11,
	VD_SET_VRING_KICK = 12,
	VD_SET_VRING_CALL = 13,
	VD_SET_VRING_ERR = 14,
	VD_GET_PROTOCOL_FEATURES = 15,
	VD_SET_PROTOCOL_FEATURES = 16,
	VD_GET_QUEUE_NUM = 17,
	VD_SET_VRING_ENABLE = 18,
	VD_NET_SET_MTU = 20,
	VD_GET_INFLIGHT_FD = 31,
	VD_SET_INFLIGHT_FD = 32,
	VD_RESET_DEVICE = 34,
	VD_GET_MAX_MEM_SLOTS = 36,
	VD_ADD_MEM_REG = 37,
	VD_REM_MEM_REG = 38,
	VD_SET_STATUS = 39,
	VD_GET_STATUS = 40,
	VD_NR_REQUESTS,
};

/**
 * struct vd_proto_region - a range of guest memory
 * @gpa: guest physical address
 * @size: bytes
 * @uaddr: address in the front end's address space
 * @offset: offset in the file
 */
struct vd_proto_region {
	u64 gpa;
	u64 size;
	u64 uaddr;
	u64 offset;
};

/**
 * struct vd_proto_hdr - header of a message
 * @request: enum vd_request
 * @flags: version, VD_PROTO_REPLY, VD_PROTO_NEED_REPLY
 * @size: bytes of payload
 */
struct vd_proto_hdr {
	u32 request;
	u32 flags;
	u32 size;
};

/**
 * union vd_payload - payload of a message
 * @value: a number, or index and flag of SET_VRING_KICK, _CALL and _ERR
 * @state: a ring and a number
 * @addr: addresses of a ring, in the front end's address space
 * @mem: a memory table
 * @reg: one region
 * @log: size and offset of the dirty log
 * @inflight: in-flight memory, for a number of rings of up to a size. Front ends
 *	      send the padding at its end, or do not
 */
union vd_payload {
	u64 value;
	struct vhost_vring_state state;
	struct vhost_vring_addr addr;
	struct {
		u32 nr;
		u32 padding;
		struct vd_proto_region region[VD_PROTO_MAX_FDS];
	} mem;
	struct {
		u64 padding;
		struct vd_proto_region region;
	} reg;
	struct {
		u64 size;
		u64 offset;
	} log;
	struct {
		u64 size;
		u64 offset;
		u16 nr_queues;
		u16 queue_size;
	} inflight;
};

/**
 * struct vd_msg - a message
 * @hdr: header
 * @payload: payload, of @hdr.size bytes
 * @have: bytes received of both
 * @nr_fds: descriptors in @fd
 * @fd: descriptors; -1 once they were taken
 * @reply_fd: descriptor to send with the reply, or -1; closed afterwards
 */
struct vd_msg {
	struct vd_proto_hdr hdr;
	union vd_payload payload;
	size_t have;
	unsigned int nr_fds;
	int fd[VD_PROTO_MAX_FDS];
	int reply_fd;
};

#endif
