/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of one queue. Written under the queue's mutex only, read without
 * it: each counter is read atomically, but the set is not consistent.
 */
#ifndef VD_STATS_H
#define VD_STATS_H

#include <linux/types.h>

/* Why a packet was consumed without being delivered. */
enum vd_drop {
	VD_DROP_SHORT,		/* no room for header and Ethernet header */
	VD_DROP_OVERSIZE,	/* longer than the socket or the buffers take */
	VD_DROP_HEADER,		/* virtio-net header contradicts the packet */
	VD_DROP_FAULT,		/* guest memory could not be read or written */
	VD_DROP_SOCKET,		/* the socket rejected it, or it shrank */
	VD_NR_DROPS,
};

/*
 * Batches are counted by size in powers of two: 1, 2 to 3, 4 to 7, and so on;
 * the last class has no upper limit.
 */
#define VD_NR_BATCH_SIZES	8U

/**
 * struct vd_stats - outcomes of the packets of one queue
 * @done: delivered
 * @bytes: length of those, without virtio-net headers
 * @back_pressure: times a packet was rewound, to be retried later
 * @drop: consumed and lost, by reason
 * @broken: times the ring failed a check and was stopped
 * @calls: interrupts requested (call eventfd signalled)
 * @runs: handler runs
 * @misses: IOTLB misses
 * @direct: packets that went from the backend's ring into the guest's memory
 *	    without recvmsg(), or to the stack without sendmsg(); counted at the
 *	    end of a batch
 * @direct_xdp: those of @direct that an XDP program had redirected
 * @recvmsg: received packets that were left to the socket's recvmsg(),
 *	     delivered or not
 * @log_lost: writes to guest memory that could not be recorded in the dirty log
 * @armed_runs: handler runs that began with kicks enabled
 * @held: received packets that were taken from the backend's ring and wait for
 *	  guest buffers, as of the end of the last run
 * @batch: published batches, by size
 *
 * All [q].
 */
struct vd_stats {
	u64 done;
	u64 bytes;
	u64 back_pressure;
	u64 drop[VD_NR_DROPS];
	u64 broken;
	u64 calls;
	u64 runs;
	u64 misses;
	u64 direct;
	u64 direct_xdp;
	u64 recvmsg;
	u64 log_lost;
	u64 armed_runs;
	u64 held;
	u64 batch[VD_NR_BATCH_SIZES];
};

#endif
