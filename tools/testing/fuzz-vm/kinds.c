// SPDX-License-Identifier: GPL-2.0-only
/* The kinds of arguments: names of values, and numbers that are worth a try. */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/viaduct.h>

#include "../../lib/vguest/dev.h"
#include "../../lib/vguest/vring.h"
#include "kinds.h"

#define NAMES(...) ((const struct fz_name[]){ __VA_ARGS__, { NULL, 0 } })
#define ODD(...) ((const uint64_t[]){ __VA_ARGS__, 0 })

static const struct fz_name ioctls[] = {
	{ "GET_FEATURES", VHOST_GET_FEATURES },
	{ "SET_FEATURES", VHOST_SET_FEATURES },
	{ "GET_FEATURES_ARRAY", VG_GET_FEATURES_ARRAY },
	{ "SET_FEATURES_ARRAY", VG_SET_FEATURES_ARRAY },
	{ "HIDE_FEATURES", VIADUCT_HIDE_FEATURES },
	{ "HIDE_FEATURES_ARRAY", VIADUCT_HIDE_FEATURES_ARRAY },
	{ "GET_BACKEND_FEATURES", VHOST_GET_BACKEND_FEATURES },
	{ "SET_BACKEND_FEATURES", VHOST_SET_BACKEND_FEATURES },
	{ "SET_OWNER", VHOST_SET_OWNER },
	{ "RESET_OWNER", VHOST_RESET_OWNER },
	{ "SET_FORK", VG_SET_FORK_FROM_OWNER },
	{ "GET_FORK", VG_GET_FORK_FROM_OWNER },
	{ "WORKER_PER_RING", VIADUCT_WORKER_PER_RING },
	{ "NET_SET_BACKEND", VHOST_NET_SET_BACKEND },
	{ "SET_MEM_TABLE", VHOST_SET_MEM_TABLE },
	{ "SET_LOG_BASE", VHOST_SET_LOG_BASE },
	{ "SET_LOG_FD", VHOST_SET_LOG_FD },
	{ "NEW_WORKER", VG_NEW_WORKER },
	{ "FREE_WORKER", VG_FREE_WORKER },
	{ "ATTACH_VRING_WORKER", VG_ATTACH_VRING_WORKER },
	{ "GET_VRING_WORKER", VG_GET_VRING_WORKER },
	{ "SET_VRING_NUM", VHOST_SET_VRING_NUM },
	{ "SET_VRING_BASE", VHOST_SET_VRING_BASE },
	{ "GET_VRING_BASE", VHOST_GET_VRING_BASE },
	{ "SET_VRING_ADDR", VHOST_SET_VRING_ADDR },
	{ "SET_VRING_KICK", VHOST_SET_VRING_KICK },
	{ "SET_VRING_CALL", VHOST_SET_VRING_CALL },
	{ "SET_VRING_ERR", VHOST_SET_VRING_ERR },
	{ "SET_BUSYLOOP", VHOST_SET_VRING_BUSYLOOP_TIMEOUT },
	{ "GET_BUSYLOOP", VHOST_GET_VRING_BUSYLOOP_TIMEOUT },
	{ NULL, 0 }
};

static const struct fz_name net_kinds[] = {
	{ "tap", FZ_TAP }, { "tap10", FZ_TAP10 }, { "tap24", FZ_TAP24 },
	{ "bare", FZ_BARE }, { "tun", FZ_TUN }, { "tun_bare", FZ_TUN_BARE },
	{ "multi", FZ_MULTI }, { "pressure", FZ_PRESSURE }, { "napi", FZ_NAPI },
	{ "macvtap", FZ_MACVTAP_FD }, { "packet", FZ_PACKET },
	{ "packet_hdr", FZ_PACKET_HDR }, { "udp", FZ_UDP }, { "null", FZ_NULL_FD },
	{ "unset", FZ_UNSET }, { NULL, 0 }
};

const struct fz_kind fz_kinds[FZ_NR_KINDS] = {
	[FZ_DEV] = { .prefix = "d", .max = 1 },
	[FZ_RING] = { .names = NAMES({ "rx", 0 }, { "tx", 1 }), .prefix = "q", .max = 1,
		      .odd = ODD(2, UINT32_MAX) },
	[FZ_EVENT] = { .names = NAMES({ "none", -1ULL }, { "closed", 999 }),
		       .prefix = "e", .max = 7 },
	[FZ_NET] = { .names = NAMES({ "none", -1ULL }, { "closed", 999 }),
		     .prefix = "n", .max = 3 },
	[FZ_NET_KIND] = { .names = net_kinds },
	[FZ_FEATURES] = { .is_flags = true, .names = NAMES(
		{ "mrg", 1ULL << VIRTIO_NET_F_MRG_RXBUF },
		{ "on_empty", 1ULL << VIRTIO_F_NOTIFY_ON_EMPTY },
		{ "log", 1ULL << VHOST_F_LOG_ALL },
		{ "hdr", 1ULL << VHOST_NET_F_VIRTIO_NET_HDR },
		{ "indirect", 1ULL << VIRTIO_RING_F_INDIRECT_DESC },
		{ "event", 1ULL << VIRTIO_RING_F_EVENT_IDX },
		{ "v1", 1ULL << VIRTIO_F_VERSION_1 },
		{ "iommu", 1ULL << VG_F_ACCESS_PLATFORM },
		{ "packed", 1ULL << VG_F_RING_PACKED },
		{ "in_order", 1ULL << VG_F_IN_ORDER }) },
	[FZ_HIGH] = { .is_flags = true,
		      .names = NAMES({ "guest_tunnel", 2 }, { "host_tunnel", 8 }) },
	[FZ_SIZE] = { .max = 256, .odd = ODD(1, 2, 4, 16, 64, 256, 1024, 32768, 65536) },
	[FZ_BASE] = { .max = 8, .odd = ODD(0x8000, 0xfff0, 0xffff, 0x10000,
					   0x80008000, 0x7fff8000, UINT32_MAX) },
	[FZ_TABLE] = { .names = NAMES(
		{ "plain", FZ_TABLE_PLAIN }, { "pages", FZ_TABLE_PAGES },
		{ "reversed", FZ_TABLE_REVERSED }, { "hole", FZ_TABLE_HOLE },
		{ "swapped", FZ_TABLE_SWAPPED }, { "twice", FZ_TABLE_TWICE },
		{ "empty", FZ_TABLE_EMPTY }, { "many", FZ_TABLE_MANY },
		{ "kernel", FZ_TABLE_KERNEL }, { "wrap", FZ_TABLE_WRAP },
		{ "zero", FZ_TABLE_ZERO }, { "padding", FZ_TABLE_PADDING },
		{ "short", FZ_TABLE_SHORT }) },
	[FZ_ADDR] = { .names = NAMES(
		{ "user", FZ_ADDR_USER }, { "guest", FZ_ADDR_GUEST },
		{ "null", FZ_ADDR_NULL }, { "kernel", FZ_ADDR_KERNEL },
		{ "wrap", FZ_ADDR_WRAP }, { "odd", FZ_ADDR_ODD },
		{ "outside", FZ_ADDR_OUTSIDE }, { "ends", FZ_ADDR_ENDS }) },
	[FZ_IOCTL] = { .names = ioctls, .odd = ODD(0xaf7e, 0x4008af7e) },
	[FZ_PLACE] = { .names = NAMES(
		{ "stack", FZ_AT_STACK }, { "null", FZ_AT_NULL },
		{ "guest", FZ_AT_GUEST }, { "edge", FZ_AT_EDGE },
		{ "kernel", FZ_AT_KERNEL }) },
	[FZ_WORD] = { .max = 8, .odd = ODD(0xff, 0xffff, 0x10000, 1ULL << 31, UINT32_MAX,
					   1ULL << 32, 1ULL << 33, 1ULL << 63,
					   0x7ffffffff000, UINT64_MAX) },
	[FZ_SHAPE] = { .names = NAMES(
		{ "one", FZ_ONE }, { "two", FZ_TWO }, { "three", FZ_THREE },
		{ "pieces", FZ_PIECES }, { "table", FZ_IN_TABLE },
		{ "table_one", FZ_TABLE_ONE }, { "big_table", FZ_BIG_TABLE },
		{ "half_table", FZ_HALF_TABLE }, { "mixed", FZ_MIXED },
		{ "inverted", FZ_INVERTED }, { "empty", FZ_EMPTY }, { "far", FZ_FAR },
		{ "cross", FZ_CROSS }, { "split_hdr", FZ_SPLIT_HDR },
		{ "same", FZ_SAME }) },
	[FZ_FRAME] = { .names = NAMES(
		{ "zero", FZ_FRAME_ZERO }, { "udp", FZ_FRAME_UDP },
		{ "csum", FZ_FRAME_CSUM }, { "bad_csum", FZ_FRAME_BAD_CSUM },
		{ "tso", FZ_FRAME_TSO }, { "bad_gso", FZ_FRAME_BAD_GSO },
		{ "vlan", FZ_FRAME_VLAN }, { "null_csum", FZ_FRAME_NULL_CSUM }) },
	[FZ_COUNT] = { .max = 4, .odd = ODD(1, 5, 16, 64, 65, 300, 600) },
	[FZ_LEN] = { .max = 1600, .odd = ODD(1, 10, 12, 14, 24, 25, 26, 60, 64, 128, 256, 600,
					     1500, 4000, 4096, 9000, 60000, 65550, 0x100000,
					     0x110000, UINT32_MAX) },
	[FZ_AREA] = { .names = NAMES(
		{ "desc_addr", FZ_DESC_ADDR }, { "desc_len", FZ_DESC_LEN },
		{ "desc_flags", FZ_DESC_FLAGS }, { "desc_next", FZ_DESC_NEXT },
		{ "driver_flags", FZ_DRIVER_FLAGS }, { "driver_idx", FZ_DRIVER_IDX },
		{ "driver_ring", FZ_DRIVER_RING }, { "device_flags", FZ_DEVICE_FLAGS },
		{ "device_idx", FZ_DEVICE_IDX }, { "device_ring", FZ_DEVICE_RING }) },
	[FZ_INDEX] = { .max = 8, .odd = ODD(15, 63, 255, 256) },
	[FZ_PAGE] = { .max = 12, .odd = ODD(1008, 1023, 1024, 1280, 1281, 1535) },
	[FZ_PAGES] = { .max = 3, .odd = ODD(16, 256, 1024, 1536) },
	[FZ_PROT] = { .names = NAMES({ "none", 0 }, { "read", 1 }, { "write", 2 }) },
	[FZ_MSG] = { .names = NAMES(
		{ "miss", 1 }, { "update", 2 }, { "invalidate", 3 }, { "fail", 4 },
		{ "begin", 5 }, { "end", 6 }, { "old_update", 0x102 },
		{ "old_invalidate", 0x103 }, { "odd_type", 0x202 }) },
	[FZ_PERM] = { .names = NAMES({ "no", 0 }, { "ro", 1 }, { "wo", 2 }, { "rw", 3 }) },
	[FZ_XDP] = { .names = NAMES({ "aborted", 0 }, { "drop", 1 }, { "pass", 2 },
				    { "tx", 3 }, { "off", 9 }) },
	[FZ_MS] = { .max = 3, .odd = ODD(1, 5, 20, 60) },
	[FZ_SECONDS] = { .max = 9 },
	[FZ_OPS] = { .max = 6 },
	[FZ_FEW] = { .max = 12, .odd = ODD(20, 40, 64, 1000) },
	[FZ_BOOL] = { .names = NAMES({ "off", 0 }, { "on", 1 }) },
	[FZ_PARAM] = { .names = NAMES({ "rx_direct", 0 }, { "rx_direct_xdp", 1 },
				    { "tx_direct", 2 }) },
};
