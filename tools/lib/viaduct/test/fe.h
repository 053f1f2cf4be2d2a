/* SPDX-License-Identifier: GPL-2.0-only */
/* A vhost-user front end with a virtio-net driver behind it, for tests. */
#ifndef FE_H
#define FE_H

#include "net.h"

#define FE_PROTO	30	/* VHOST_USER_F_PROTOCOL_FEATURES */
#define FE_LOG_ALL	26

/* Numbers of the specification, written out: the library has its own. */
enum {
	FE_GET_FEATURES = 1, FE_SET_FEATURES = 2, FE_SET_OWNER = 3,
	FE_SET_MEM_TABLE = 5, FE_SET_LOG_BASE = 6, FE_SET_VRING_NUM = 8,
	FE_SET_VRING_ADDR = 9, FE_SET_VRING_BASE = 10, FE_GET_VRING_BASE = 11,
	FE_SET_VRING_KICK = 12, FE_SET_VRING_CALL = 13, FE_SET_VRING_ERR = 14,
	FE_GET_PROTOCOL_FEATURES = 15, FE_SET_PROTOCOL_FEATURES = 16,
	FE_GET_QUEUE_NUM = 17, FE_SET_VRING_ENABLE = 18, FE_NET_SET_MTU = 20,
	FE_GET_INFLIGHT_FD = 31, FE_SET_INFLIGHT_FD = 32,
	FE_RESET_DEVICE = 34, FE_GET_MAX_MEM_SLOTS = 36, FE_ADD_MEM_REG = 37,
	FE_REM_MEM_REG = 38, FE_SET_STATUS = 39, FE_GET_STATUS = 40,
};

#define FE_VERSION	1
#define FE_REPLY	4
#define FE_NEED_REPLY	8

struct fe_region {
	uint64_t gpa, size, uaddr, offset;
};

struct fe_inflight {
	uint64_t size, offset;
	uint16_t nr_queues, queue_size;
	uint32_t padding;
};

/* Regions of in-flight memory, as the specification has them. */
struct fe_split_region {
	uint64_t features;
	uint16_t version, desc_num, last_batch_head, used_idx;
	struct {
		uint8_t inflight, padding[5];
		uint16_t next;
		uint64_t counter;
	} desc[];
};

struct fe_packed_region {
	uint64_t features;
	uint16_t version, desc_num, free_head, old_free_head, used_idx,
		 old_used_idx;
	uint8_t used_wrap, old_used_wrap, padding[7];
	struct {
		uint8_t inflight, padding;
		uint16_t next, last, num;
		uint64_t counter;
		uint16_t id, flags;
		uint32_t len;
		uint64_t addr;
	} desc[];
};

struct fe {
	int sock;
	struct vg_net n;
	uint64_t proto;		/* protocol features to use */
	bool slots;		/* ADD_MEM_REG instead of SET_MEM_TABLE */
	bool log;		/* rings are logged */
};

/* Driver with its memory; no message yet. @sock is the front end's end. */
int fe_open(struct fe *fe, int sock, const struct vg_net_opts *opts);
void fe_close(struct fe *fe);

/* A message; with need_reply set if acks are negotiated: the ack is awaited. */
int fe_send(struct fe *fe, uint32_t request, const void *payload, size_t size,
	    const int *fds, unsigned int nr_fds);
int fe_send_u64(struct fe *fe, uint32_t request, uint64_t value);
int fe_send_state(struct fe *fe, uint32_t request, uint32_t idx, uint32_t num);
/* A request with a reply of @size bytes, which goes to @payload. */
int fe_get(struct fe *fe, uint32_t request, void *payload, size_t size,
	   size_t send_size);
/* Sends bytes as they are. */
int fe_raw(struct fe *fe, const void *bytes, size_t len, const int *fds,
	   unsigned int nr_fds);
/* True if the other side has closed the connection. */
bool fe_is_closed(struct fe *fe, unsigned int ms);

/* In-flight memory from the back end: its descriptor, or an error. */
int fe_get_inflight(struct fe *fe, struct fe_inflight *info);
int fe_set_inflight(struct fe *fe, const struct fe_inflight *info, int fd);

/* Negotiation and memory. */
int fe_negotiate(struct fe *fe);
int fe_set_memory(struct fe *fe);
/* Rings: set up, enabled, running. */
int fe_start(struct fe *fe);
int fe_start_ring(struct fe *fe, unsigned int q, uint32_t base);
int fe_set_addr(struct fe *fe, unsigned int q);
/* Stops a ring: its base. */
int64_t fe_stop_ring(struct fe *fe, unsigned int q);

#endif
