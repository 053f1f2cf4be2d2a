// SPDX-License-Identifier: GPL-2.0-only
/* The driver's side of a virtqueue, in either layout. One thread per ring. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "vring.h"
#include "wait.h"

/* The areas are as large as the larger layout has them. */
static int ring_alloc_guest(struct vg_ring *r)
{
	uint64_t n = r->num, page = vg_page();

	r->desc_gpa = vg_mem_alloc(r->mem, 16 * n, page);
	r->avail_gpa = vg_mem_alloc(r->mem, 6 + 2 * n, page);
	/* Whole pages, so that a test may protect them without a neighbour. */
	r->used_gpa = vg_mem_alloc(r->mem, (6 + 8 * n + page - 1) & ~(page - 1),
				   page);
	if (r->used_gpa == VG_NO_GPA || r->avail_gpa == VG_NO_GPA ||
	    r->desc_gpa == VG_NO_GPA)
		return -ENOMEM;
	r->desc = vg_mem_hva(r->mem, r->desc_gpa, 16 * n);
	r->avail = vg_mem_hva(r->mem, r->avail_gpa, 6 + 2 * n);
	r->used = vg_mem_hva(r->mem, r->used_gpa, 6 + 8 * n);
	return 0;
}

static void ring_shuffle(struct vg_ring *r, unsigned int seed)
{
	unsigned int i;

	for (i = r->num - 1; i > 0; i--) {
		unsigned int j = rand_r(&seed) % (i + 1);
		uint16_t t = r->stack[i];

		r->stack[i] = r->stack[j];
		r->stack[j] = t;
	}
}

static int ring_alloc(struct vg_ring *r)
{
	r->stack = calloc(r->num, sizeof(*r->stack));
	r->next = calloc(r->num, sizeof(*r->next));
	r->nr_desc = calloc(r->num, sizeof(*r->nr_desc));
	r->in_len = calloc(r->num, sizeof(*r->in_len));
	r->token = calloc(r->num, sizeof(*r->token));
	r->table = calloc(r->num, sizeof(*r->table));
	r->order = calloc(r->num, sizeof(*r->order));
	return r->stack && r->next && r->nr_desc && r->in_len && r->token &&
	       r->table && r->order ? 0 : -ENOMEM;
}

int vg_ring_init(struct vg_ring *r, struct vg_mem *mem, unsigned int num,
		 uint64_t features, unsigned int seed)
{
	unsigned int i;

	*r = (struct vg_ring){
		.mem = mem, .num = num, .kick_fd = -1, .call_fd = -1,
		.event_idx = features & VG_BIT(VG_F_EVENT_IDX),
		.packed = features & VG_BIT(VG_F_RING_PACKED),
		.in_order = features & VG_BIT(VG_F_IN_ORDER),
	};
	r->ops = r->packed ? &vg_packed_ops : &vg_split_ops;
	if (ring_alloc_guest(r))
		return -ENOMEM;
	if (ring_alloc(r)) {
		vg_ring_fini(r);
		return -ENOMEM;
	}
	for (i = 0; i < num; i++) {
		r->stack[i] = num - 1 - i;
		r->table[i].gpa = VG_NO_GPA;
	}
	if (seed)
		ring_shuffle(r, seed);
	r->nr_ids = num;
	vg_ring_reset(r, 0);
	return 0;
}

void vg_ring_fini(struct vg_ring *r)
{
	free(r->stack);
	free(r->next);
	free(r->nr_desc);
	free(r->in_len);
	free(r->token);
	free(r->table);
	free(r->order);
	r->stack = NULL;
	r->next = NULL;
	r->nr_desc = NULL;
	r->in_len = NULL;
	r->token = NULL;
	r->table = NULL;
	r->order = NULL;
}

void vg_ring_reset(struct vg_ring *r, uint16_t idx)
{
	unsigned int i;

	/* Chains that the device never returned. */
	for (i = 0; i < r->num; i++)
		if (r->nr_desc[i])
			r->ops->put_back(r, i);
	r->nr_free = r->num;
	r->nr_flight = 0;
	r->avail_idx = idx;
	r->shown_idx = idx;
	r->kick_idx = idx;
	r->used_idx = idx;
	r->desc_idx = 0;
	r->order_in = 0;
	r->order_out = 0;
	r->in_batch = false;
	r->ops->reset(r, idx);
}

uint32_t vg_ring_base(const struct vg_ring *r)
{
	uint32_t code;

	if (!r->packed)
		return r->used_idx;
	code = vg_packed_code(r, r->used_idx);
	return code | code << 16;
}

/* At least @nr entries; the old one is kept if it fits. */
struct vring_desc *vg_ring_table(struct vg_ring *r, uint16_t head,
				 unsigned int nr)
{
	struct vg_indirect *t = &r->table[head];
	unsigned int room = 4;

	if (t->gpa == VG_NO_GPA || t->room < nr) {
		while (room < nr)
			room *= 2;
		t->gpa = vg_mem_alloc(r->mem, 16ULL * room, 16);
		t->room = room;
	}
	if (t->gpa == VG_NO_GPA)
		return NULL;
	return vg_mem_hva(r->mem, t->gpa, 16ULL * t->room);
}

int vg_ring_add(struct vg_ring *r, const struct vg_seg *seg, unsigned int nr,
		unsigned int nr_direct, void *token)
{
	bool indirect = nr_direct < nr;
	uint32_t in_len = 0;
	unsigned int i;
	int head;

	if (!nr)
		return -EINVAL;
	if ((indirect ? nr_direct + 1 : nr) > r->nr_free)
		return -ENOSPC;
	head = r->ops->add(r, seg, nr, nr_direct);
	if (head < 0)
		return head;
	for (i = 0; i < nr; i++)
		in_len += seg[i].write ? seg[i].len : 0;
	r->in_len[head] = in_len;
	r->token[head] = token;
	r->order[r->order_in++ & (r->num - 1)] = head;
	r->nr_flight++;
	return 0;
}

void vg_ring_publish(struct vg_ring *r)
{
	r->ops->show(r);
	r->shown_idx = r->avail_idx;
}

void vg_ring_kick_always(struct vg_ring *r)
{
	r->kick_idx = r->shown_idx;
	r->nr_kicks++;
	vg_eventfd_add(r->kick_fd, 1);
}

bool vg_ring_kick(struct vg_ring *r)
{
	bool wanted;

	/* (B) of the layouts */
	atomic_thread_fence(memory_order_seq_cst);
	wanted = r->ops->wants_kick(r, r->kick_idx, r->shown_idx);
	r->kick_idx = r->shown_idx;
	if (wanted)
		vg_ring_kick_always(r);
	else
		r->nr_quiet_kicks++;
	return wanted;
}

bool vg_ring_is_armed(const struct vg_ring *r)
{
	return r->ops->wants_kick(r, r->shown_idx, r->shown_idx + 1);
}

bool vg_ring_has_used(const struct vg_ring *r)
{
	return r->in_batch || r->ops->has_used(r);
}

/*
 * In order, the oldest chain is used first, and an entry that names a later one
 * completes all chains up to that one.
 */
static int ring_get_in_order(struct vg_ring *r, struct vg_used *u)
{
	uint16_t oldest = r->order[r->order_out & (r->num - 1)];
	int ret;

	if (!r->in_batch) {
		ret = r->ops->read_used(r, &r->batch);
		if (ret <= 0)
			return ret;
		r->in_batch = true;
	}
	*u = r->batch;
	if (u->head == oldest) {
		r->in_batch = false;
	} else {
		u->head = oldest;
		u->len = r->in_len[oldest];
	}
	r->order_out++;
	return 1;
}

int vg_ring_get(struct vg_ring *r, struct vg_used *u)
{
	int ret;

	if (r->in_order)
		ret = ring_get_in_order(r, u);
	else
		ret = r->ops->read_used(r, u);
	if (ret <= 0)
		return ret;
	u->token = r->token[u->head];
	r->used_idx += r->packed ? r->nr_desc[u->head] : 1;
	r->ops->put_back(r, u->head);
	r->nr_flight--;
	return 1;
}

void vg_ring_arm_at(struct vg_ring *r, uint16_t idx)
{
	r->ops->arm_at(r, idx);
	/* (D) of the layouts */
	atomic_thread_fence(memory_order_seq_cst);
}

bool vg_ring_arm(struct vg_ring *r)
{
	vg_ring_arm_at(r, r->used_idx);
	return vg_ring_has_used(r);
}

void vg_ring_disarm(struct vg_ring *r)
{
	r->ops->disarm(r);
}

int vg_ring_wait(struct vg_ring *r, uint64_t deadline)
{
	int ret = 1;

	if (vg_ring_has_used(r))
		return 1;
	while (!vg_ring_arm(r)) {
		uint64_t n = vg_eventfd_take(r->call_fd);

		r->nr_calls += n;
		if (n)
			continue;
		if (vg_wait_fd(r->call_fd, POLLIN, deadline) <= 0)
			break;
	}
	ret = vg_ring_has_used(r);
	vg_ring_disarm(r);
	return ret;
}
