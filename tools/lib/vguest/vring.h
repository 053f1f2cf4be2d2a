/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_VRING_H
#define VGUEST_VRING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/*
 * The driver's side of a virtqueue.
 *
 * add() writes chains into the ring, publish() makes all added ones available,
 * kick() notifies the device if it requests that. get() takes one used chain;
 * arm() enables calls and returns whether something arrived meanwhile; wait()
 * sleeps for a used chain.
 *
 * The user chooses the layout: which segments form a chain, which of them go
 * into an indirect table, and (by a seed) in what order descriptors are taken
 * from the table. Tests may corrupt the ring's memory.
 */

#define VG_F_NOTIFY_ON_EMPTY	24
#define VG_F_VHOST_HDR		27
#define VG_F_INDIRECT		28
#define VG_F_EVENT_IDX		29
#define VG_F_VERSION_1		32
#define VG_F_ACCESS_PLATFORM	33
#define VG_F_RING_PACKED	34
#define VG_F_IN_ORDER		35

#define VG_BIT(n)		(1ULL << (n))

struct vg_seg {
	uint64_t gpa;		/* guest address */
	uint32_t len;		/* bytes */
	bool write;		/* the device writes it */
};

struct vg_used {
	void *token;		/* as given to add() */
	uint32_t len;		/* bytes written, as reported by the device */
	uint16_t head;		/* descriptor of the chain's start, or its id */
};

struct vg_indirect {
	uint64_t gpa;		/* table, or VG_NO_GPA */
	uint32_t room;		/* its entries */
};

struct vg_ring {
	/* Settings of the device. */
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *pdesc;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	uint64_t desc_gpa, avail_gpa, used_gpa;
	unsigned int num;	/* entries, a power of two */
	int kick_fd, call_fd;	/* eventfds, not owned */

	/* Options of the driver. */
	struct vg_mem *mem;
	const struct vg_ring_ops *ops;
	bool packed;
	bool in_order;
	bool event_idx;
	bool tables_backwards;	/* split: `next` leads from the far end down */
	uint16_t table_flags;	/* packed: reserved, set in each table entry */

	/* Driver state. */
	uint16_t *stack;	/* free descriptors or ids, taken from the top */
	unsigned int nr_free;	/* descriptors */
	uint16_t *next;		/* our own copy of each descriptor's next */
	uint16_t *nr_desc;	/* descriptors of the chain that starts here */
	uint32_t *in_len;	/* what the device may write into it */
	void **token;
	struct vg_indirect *table; /* one slot a head, kept for the next use */
	uint16_t *order;	/* heads in the order in which they were added */
	uint16_t order_in, order_out;
	uint16_t desc_idx;	/* in order, the next descriptor of the table */
	bool in_batch;		/* in order, used up to and with batch.head */
	struct vg_used batch;
	/* Positions are free-running: the slot is the position modulo num. */
	uint16_t avail_idx;	/* next free place */
	uint16_t shown_idx;	/* positions before it are available */
	uint16_t kick_idx;	/* shown_idx at the last kick decision */
	uint16_t used_idx;	/* next used entry to take */
	uint16_t first_flags;	/* packed: shows what was added */
	unsigned int nr_flight;	/* chains with the device */
	unsigned int nr_ids;	/* packed: in the stack */

	/* Counters. */
	uint64_t nr_kicks, nr_quiet_kicks, nr_calls;
};

/* What differs between the layouts. */
struct vg_ring_ops {
	void (*reset)(struct vg_ring *r, uint16_t idx);
	/* The chain's head, or -ENOMEM. */
	int (*add)(struct vg_ring *r, const struct vg_seg *seg,
		   unsigned int nr, unsigned int nr_direct);
	void (*show)(struct vg_ring *r);
	bool (*wants_kick)(const struct vg_ring *r, uint16_t old, uint16_t new);
	bool (*has_used)(const struct vg_ring *r);
	/* The next used entry; 1, 0, -EIO. */
	int (*read_used)(const struct vg_ring *r, struct vg_used *u);
	void (*put_back)(struct vg_ring *r, uint16_t head);
	void (*arm_at)(struct vg_ring *r, uint16_t idx);
	void (*disarm)(struct vg_ring *r);
};

extern const struct vg_ring_ops vg_split_ops, vg_packed_ops;

/*
 * Format and options as @features require. @seed 0: descriptors in order;
 * otherwise the table starts shuffled.
 */
int vg_ring_init(struct vg_ring *r, struct vg_mem *mem, unsigned int num,
		 uint64_t features, unsigned int seed);
void vg_ring_fini(struct vg_ring *r);
/* Empty ring, indices at @idx, as a driver leaves it before a start. */
void vg_ring_reset(struct vg_ring *r, uint16_t idx);
/* The base of a ring with no chain in flight, in the ABI's encoding. */
uint32_t vg_ring_base(const struct vg_ring *r);

/*
 * Segments from @nr_direct on go into one indirect table (pass @nr for none).
 * 0, -ENOSPC when descriptors are short, -ENOMEM, -EINVAL.
 */
int vg_ring_add(struct vg_ring *r, const struct vg_seg *seg, unsigned int nr,
		unsigned int nr_direct, void *token);
void vg_ring_publish(struct vg_ring *r);
/* Signals the device if it requests that; true if it was signalled. */
bool vg_ring_kick(struct vg_ring *r);
void vg_ring_kick_always(struct vg_ring *r);
/* True if the device requests a kick for the next chain. */
bool vg_ring_is_armed(const struct vg_ring *r);

/* 1, 0 when there is none, -EIO if the used entry is invalid. */
int vg_ring_get(struct vg_ring *r, struct vg_used *u);
bool vg_ring_has_used(const struct vg_ring *r);
/* True when used entries are there already. */
bool vg_ring_arm(struct vg_ring *r);
/* Requests a call only when the used index has passed @idx. */
void vg_ring_arm_at(struct vg_ring *r, uint16_t idx);
void vg_ring_disarm(struct vg_ring *r);
/* Sleeps until there is a used entry: 1, or 0 when the time is over. */
int vg_ring_wait(struct vg_ring *r, uint64_t deadline);

/* For the layouts: the table of @head, with room for @nr entries, or NULL. */
struct vring_desc *vg_ring_table(struct vg_ring *r, uint16_t head,
				 unsigned int nr);
/* For the layouts: slot, and wrap counter, of a position. */
uint16_t vg_packed_code(const struct vg_ring *r, uint16_t pos);

/* Copies between linear memory and segments; bytes copied. */
size_t vg_seg_write(struct vg_mem *mem, const struct vg_seg *seg,
		    unsigned int nr, size_t offset, const void *src, size_t len);
size_t vg_seg_read(struct vg_mem *mem, const struct vg_seg *seg,
		   unsigned int nr, size_t offset, void *dst, size_t len);

#endif
