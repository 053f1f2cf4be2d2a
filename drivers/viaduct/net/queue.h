/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtqueue and all that it needs to run: ring, guest memory, backend,
 * eventfds and a job on a worker.
 *
 * Lock order: device mutex, queue mutex (RX before TX), wait queue locks.
 */
#ifndef VD_NET_QUEUE_H
#define VD_NET_QUEUE_H

#include <linux/mutex.h>

#include "guest/iotlb_miss.h"
#include "host/poll.h"
#include "host/worker.h"
#include "net/backend.h"
#include "net/frag.h"
#include "net/vnet_hdr.h"
#include "ring/ring.h"
#include "stats.h"
#include "types.h"

struct vd_queue;
struct vd_tx;
struct vd_rx;

/**
 * struct vd_queue_ops - the handler of one direction, and its state
 * @name: the direction, for messages
 * @ready: events of the socket that wake the handler
 * @nr_chains: capacity of the batch
 * @run: the handler, as the function of the queue's job
 * @alloc: allocate the state; 0, or -ENOMEM with nothing allocated
 * @reset: drop all state of the backend, which is still attached
 * @free: free the state
 *
 * All but @run are called with the queue's mutex held, and may sleep. The state
 * exists only while there is a backend, so that an idle device holds none.
 */
struct vd_queue_ops {
	const char *name;
	__poll_t ready;
	unsigned int nr_chains;
	void (*run)(struct vd_work *work);
	int (*alloc)(struct vd_queue *q);
	void (*reset)(struct vd_queue *q);
	void (*free)(struct vd_queue *q);
};

extern const struct vd_queue_ops vd_tx_ops;
extern const struct vd_queue_ops vd_rx_ops;

/**
 * struct vd_queue - a virtqueue
 * @lock: held by the handler for one run, by control for one change
 * @wanted: number of waiters for @lock; a busy poll must end if not 0 [a]
 * @dir: the guest's direction, and the ring's index in the ABI [c]
 * @ops: the handler of that direction [c]
 * @other: the other queue of the pair [c]
 * @device: number of the device, for messages and traces [c]
 * @owner: the owner's pid, for messages and traces [d]
 * @work: the handler's job [c]
 * @broken: the ring failed a check; the handler must not touch it until it is
 *	    attached again [q]
 * @ring_err: errno of the ring, after VD_RING_ERROR [q]
 * @broken_err: the error of that check, kept until the ring is attached [q]
 * @is_armed: kicks are enabled [q]
 * @backend: destination or source of packets; empty if the queue is
 *	     stopped [q]
 * @socket_poll: wakes the handler when the backend is ready [q]
 * @kick: eventfd by which the guest wakes the handler, or NULL [q]
 * @kick_poll: wakes the handler when @kick is signalled [q]
 * @call: eventfd that interrupts the guest, or NULL [q]
 * @err: eventfd signalled when the ring breaks, or NULL [q]
 * @log: eventfd signalled for new marks in the dirty log, or NULL; the device
 *	 holds the reference [q]
 * @log_all: writes to packet buffers are logged [q]
 * @busyloop: busy polling time in units of 1024 ns, 0: off [q]
 * @busy_end: end of the busy poll; 0: not polled since the last work [q]
 * @ring: the ring [q]
 * @dirty_log: access to the dirty log, for @ring and packet buffers [q]
 * @mem: view of guest memory, for @ring and buffers [q]
 * @misses: the device's IOTLB misses [c]
 * @miss: this queue's IOTLB misses
 * @vnet: header sizes [q]
 * @batch: the chains fetched, while there is a backend [q]
 * @tx: state of the TX handler, while there is a backend [q]
 * @rx: state of the RX handler, while there is a backend [q]
 * @stats: counters [q]
 */
struct vd_queue {
	struct mutex lock; /* one run, or one change */
	atomic_t wanted;
	enum vd_dir dir;
	const struct vd_queue_ops *ops;
	struct vd_queue *other;
	u64 device;
	pid_t owner;
	struct vd_work work;
	bool broken;
	int ring_err;
	int broken_err;
	bool is_armed;
	struct vd_backend backend;
	struct vd_poll socket_poll;
	struct file *kick;
	struct vd_poll kick_poll;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	struct eventfd_ctx *log;
	bool log_all;
	u32 busyloop;
	u64 busy_end;
	struct vd_ring ring;
	struct vd_dirty_log dirty_log;
	struct vd_mem mem;
	struct vd_misses *misses;
	struct vd_vq_misses miss;
	struct vd_vnet vnet;
	struct vd_batch *batch;
	union {
		struct vd_tx *tx;
		struct vd_rx *rx;
	};
	struct vd_stats stats;
};

/* Outcome for a chain (TX) or a packet (RX). */
enum vd_verdict {
	VD_DONE,	/* sent, delivered or dropped */
	VD_ALONE,	/* TX: the frame fits no XDP buffer: send it alone */
	VD_WAIT,	/* the socket (TX) or the guest (RX) has no room */
	VD_INTERRUPTED,	/* a signal makes page faults fail: retry next run */
	VD_OVERSIZE,	/* RX: no chains can hold the packet */
	VD_RING_ERROR,	/* the ring failed, see vd_queue.ring_err */
};

/* Action of a handler after a step. */
enum vd_next {
	VD_GO_ON,	/* there may be more */
	VD_STOP,	/* a kick, the socket or an attach wakes the handler */
	VD_YIELD,	/* budget spent, or interrupted: queue the job again */
};

/* control: device mutex held */
void vd_queue_init(struct vd_queue *q, enum vd_dir dir,
		   const struct vd_queue_ops *ops, struct vd_queue *other,
		   struct vd_misses *misses);
void vd_queue_lock(struct vd_queue *q);
void vd_queue_reset(struct vd_queue *q);
void vd_queue_set_worker(struct vd_queue *q, struct vd_worker *worker,
			 pid_t owner);
void vd_queue_move(struct vd_queue *q, struct vd_worker *worker);
int vd_queue_move_killable(struct vd_queue *q, struct vd_worker *worker);
void vd_queue_set_features(struct vd_queue *q, const u64 *features);
void vd_queue_set_iotlb(struct vd_queue *q, const struct vd_iotlb *iotlb,
			struct vd_ring_pages *pages);
void vd_queue_set_regions(struct vd_queue *q, const struct vd_regions *regions);
void vd_queue_set_log_base(struct vd_queue *q, u64 base);
int vd_queue_set_kick(struct vd_queue *q, struct file *kick);
struct eventfd_ctx *vd_queue_set_call(struct vd_queue *q,
				      struct eventfd_ctx *call);
struct eventfd_ctx *vd_queue_set_err(struct vd_queue *q,
				     struct eventfd_ctx *err);
void vd_queue_set_log(struct vd_queue *q, struct eventfd_ctx *log);
void vd_queue_set_busyloop(struct vd_queue *q, u32 busyloop);
void vd_queue_set_num(struct vd_queue *q, u16 num);
int vd_queue_set_base(struct vd_queue *q, u32 base);
u32 vd_queue_get_base(struct vd_queue *q);
int vd_queue_set_addr(struct vd_queue *q, const struct vhost_vring_addr *addr);
bool vd_queue_has_areas(const struct vd_queue *q);
bool vd_queue_can_log(const struct vd_queue *q, u64 base);
int vd_queue_attach(struct vd_queue *q, struct vd_backend *backend);
void vd_queue_detach(struct vd_queue *q);

static inline bool vd_queue_is_running(const struct vd_queue *q)
{
	return q->backend.file;
}

static inline const char *vd_queue_state(const struct vd_queue *q)
{
	return READ_ONCE(q->broken) ? "broken" :
	       READ_ONCE(q->backend.file) ? "running" : "stopped";
}

static inline bool vd_queue_runs_on(const struct vd_queue *q,
				    const struct vd_worker *worker)
{
	return q->work.worker == worker;
}

/* Must precede any other use of the queue. */
static inline void vd_queue_set_device(struct vd_queue *q, u64 device)
{
	q->device = device;
}

/* The verdict for a chain or packet if its ring failed with @err. */
static inline enum vd_verdict vd_queue_ring_error(struct vd_queue *q, int err)
{
	q->ring_err = err;
	return VD_RING_ERROR;
}

/* data path: queue mutex held from enter to leave */
bool vd_queue_enter(struct vd_queue *q);
void vd_queue_leave(struct vd_queue *q, enum vd_next next);
enum vd_next vd_queue_publish(struct vd_queue *q);
enum vd_next vd_queue_arm(struct vd_queue *q);
enum vd_next vd_queue_break(struct vd_queue *q, int err);
enum vd_next vd_queue_fail(struct vd_queue *q, int err);
void vd_queue_log(struct vd_queue *q, unsigned int seg, size_t len);
void vd_queue_log_notify(struct vd_queue *q);
void vd_queue_count_drop(struct vd_queue *q, enum vd_drop reason, size_t len);
void vd_queue_count_back_pressure(struct vd_queue *q, int err);
enum vd_next vd_busy_poll_ring(struct vd_queue *q);
enum vd_next vd_busy_poll_socket(struct vd_queue *q,
				 size_t (*peek_len)(struct vd_queue *q));

/**
 * struct vd_budget - work that a run has done so far
 * @packets: number of chains (TX) or packets (RX), including drops and failed
 *	     attempts
 * @bytes: length of these
 */
struct vd_budget {
	unsigned int packets;
	size_t bytes;
};

/**
 * vd_queue_loop() - repeat the step of a handler until it must stop or yield
 * @q: the queue, entered
 * @step: the step; a constant, so that each handler has its own loop. It must
 *	  charge the budget even without progress: the guest's index may move
 *	  back
 *
 * Return: VD_STOP or VD_YIELD.
 */
static __always_inline enum vd_next
vd_queue_loop(struct vd_queue *q,
	      enum vd_next (*step)(struct vd_queue *q, struct vd_budget *budget))
{
	struct vd_budget budget = {};
	enum vd_next next = VD_GO_ON;

	while (next == VD_GO_ON) {
		if (budget.packets >= VD_RUN_PACKETS ||
		    budget.bytes >= VD_RUN_BYTES)
			return VD_YIELD;
		next = step(q, &budget);
	}
	return next;
}

#endif
