/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: one for each packet outcome except success, which is traced once
 * per batch. Addresses of host or guest must not be recorded.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM viaduct

#if !defined(VD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VD_TRACE_H

#include <linux/tracepoint.h>

#include "stats.h"

TRACE_DEFINE_ENUM(VD_DROP_SHORT);
TRACE_DEFINE_ENUM(VD_DROP_OVERSIZE);
TRACE_DEFINE_ENUM(VD_DROP_HEADER);
TRACE_DEFINE_ENUM(VD_DROP_FAULT);
TRACE_DEFINE_ENUM(VD_DROP_SOCKET);

#define vd_show_drop(reason)						\
	__print_symbolic(reason,					\
			 { VD_DROP_SHORT,	"short" },		\
			 { VD_DROP_OVERSIZE,	"oversize" },		\
			 { VD_DROP_HEADER,	"header" },		\
			 { VD_DROP_FAULT,	"fault" },		\
			 { VD_DROP_SOCKET,	"socket" })

/*
 * Every event identifies a queue by the device's number, as debugfs and the
 * descriptor's fdinfo show it, the owner's pid, and the ring's index.
 */
TRACE_EVENT(vd_batch,
	TP_PROTO(u64 device, int owner, unsigned int queue,
		 unsigned int packets, bool call),
	TP_ARGS(device, owner, queue, packets, call),
	TP_STRUCT__entry(
		__field(u64, device)
		__field(int, owner)
		__field(unsigned int, queue)
		__field(unsigned int, packets)
		__field(bool, call)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->owner = owner;
		__entry->queue = queue;
		__entry->packets = packets;
		__entry->call = call;
	),
	TP_printk("device=%llu owner=%d queue=%u packets=%u call=%d",
		  __entry->device, __entry->owner, __entry->queue,
		  __entry->packets, __entry->call)
);

DECLARE_EVENT_CLASS(vd_queue_error,
	TP_PROTO(u64 device, int owner, unsigned int queue, int err),
	TP_ARGS(device, owner, queue, err),
	TP_STRUCT__entry(
		__field(u64, device)
		__field(int, owner)
		__field(unsigned int, queue)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->owner = owner;
		__entry->queue = queue;
		__entry->err = err;
	),
	TP_printk("device=%llu owner=%d queue=%u err=%d", __entry->device,
		  __entry->owner, __entry->queue, __entry->err)
);

DEFINE_EVENT(vd_queue_error, vd_back_pressure,
	TP_PROTO(u64 device, int owner, unsigned int queue, int err),
	TP_ARGS(device, owner, queue, err)
);

DEFINE_EVENT(vd_queue_error, vd_broken,
	TP_PROTO(u64 device, int owner, unsigned int queue, int err),
	TP_ARGS(device, owner, queue, err)
);

DEFINE_EVENT(vd_queue_error, vd_miss,
	TP_PROTO(u64 device, int owner, unsigned int queue, int err),
	TP_ARGS(device, owner, queue, err)
);

TRACE_EVENT(vd_drop,
	TP_PROTO(u64 device, int owner, unsigned int queue, int reason,
		 size_t len),
	TP_ARGS(device, owner, queue, reason, len),
	TP_STRUCT__entry(
		__field(u64, device)
		__field(int, owner)
		__field(unsigned int, queue)
		__field(int, reason)
		__field(size_t, len)
	),
	TP_fast_assign(
		__entry->device = device;
		__entry->owner = owner;
		__entry->queue = queue;
		__entry->reason = reason;
		__entry->len = len;
	),
	TP_printk("device=%llu owner=%d queue=%u reason=%s len=%zu",
		  __entry->device, __entry->owner, __entry->queue,
		  vd_show_drop(__entry->reason), __entry->len)
);

#endif

/* This part must be outside the guard. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
