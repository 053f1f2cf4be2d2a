// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split ring: descriptor table, avail ring, used ring. One thread a ring.
 *
 * Barriers, by letter, with the device's partner (virtio 1.2, 2.7.13 on):
 *  (A) descriptors and avail entry before avail->idx; the device reads the
 *      index before the entries.
 *  (B) avail->idx before reading the device's kick suppression; the device
 *      writes its wish, then reads the index again.
 *  (C) used->idx before used entries and buffers; the device writes them in
 *      the other order.
 *  (D) our wish to be called before reading used->idx again; the device
 *      writes the index, then reads the wish.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vring.h"
#include "wait.h"

#define RING_NO_INTERRUPT	1	/* avail->flags */
#define RING_NO_NOTIFY		1	/* used->flags */

static uint16_t load16(const __virtio16 *p, memory_order order)
{
	return le16toh(atomic_load_explicit((_Atomic uint16_t *)p, order));
}

static void store16(__virtio16 *p, uint16_t v, memory_order order)
{
	atomic_store_explicit((_Atomic uint16_t *)p, htole16(v), order);
}

/* The two event words lie behind the rings. */
static __virtio16 *used_event(const struct vg_ring *r)
{
	return (__virtio16 *)&r->avail->ring[r->num];
}

static __virtio16 *avail_event(const struct vg_ring *r)
{
	return (__virtio16 *)&r->used->ring[r->num];
}

static int ring_alloc_guest(struct vg_ring *r)
{
	uint64_t n = r->num;

	r->desc_gpa = vg_mem_alloc(r->mem, 16 * n, 4096);
	r->avail_gpa = vg_mem_alloc(r->mem, 6 + 2 * n, 4096);
	/* Whole pages, so that a test may protect them without a neighbour. */
	r->used_gpa = vg_mem_alloc(r->mem, (6 + 8 * n + 4095) & ~4095ULL, 4096);
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

int vg_ring_init(struct vg_ring *r, struct vg_mem *mem, unsigned int num,
		 bool event_idx, unsigned int seed)
{
	unsigned int i;

	*r = (struct vg_ring){ .mem = mem, .num = num, .event_idx = event_idx,
			       .kick_fd = -1, .call_fd = -1 };
	if (ring_alloc_guest(r))
		return -ENOMEM;
	r->stack = calloc(num, sizeof(*r->stack));
	r->next = calloc(num, sizeof(*r->next));
	r->nr_desc = calloc(num, sizeof(*r->nr_desc));
	r->token = calloc(num, sizeof(*r->token));
	r->table = calloc(num, sizeof(*r->table));
	if (!r->stack || !r->next || !r->nr_desc || !r->token || !r->table) {
		vg_ring_fini(r);
		return -ENOMEM;
	}
	for (i = 0; i < num; i++) {
		r->stack[i] = num - 1 - i;
		r->table[i].gpa = VG_NO_GPA;
	}
	if (seed)
		ring_shuffle(r, seed);
	vg_ring_reset(r, 0);
	return 0;
}

void vg_ring_fini(struct vg_ring *r)
{
	free(r->stack);
	free(r->next);
	free(r->nr_desc);
	free(r->token);
	free(r->table);
	r->stack = NULL;
	r->next = NULL;
	r->nr_desc = NULL;
	r->token = NULL;
	r->table = NULL;
}

void vg_ring_reset(struct vg_ring *r, uint16_t idx)
{
	unsigned int i;

	for (i = 0; i < r->num; i++) {
		if (!r->nr_desc[i])
			continue;
		/* Chains that the device never returned. */
		uint16_t d = i, n = r->nr_desc[i];

		while (n--) {
			r->stack[r->nr_free++] = d;
			d = r->next[d];
		}
		r->nr_desc[i] = 0;
	}
	r->nr_free = r->num;
	r->nr_flight = 0;
	r->avail_idx = idx;
	r->shown_idx = idx;
	r->kick_idx = idx;
	r->used_idx = idx;
	memset(r->avail, 0, 6 + 2 * r->num);
	memset(r->used, 0, 6 + 8 * r->num);
	r->avail->idx = htole16(idx);
	r->used->idx = htole16(idx);
	if (r->event_idx)
		*used_event(r) = htole16(idx);
}

static uint16_t desc_take(struct vg_ring *r)
{
	return r->stack[--r->nr_free];
}

static void desc_set(struct vring_desc *d, const struct vg_seg *seg,
		     uint16_t flags, uint16_t next)
{
	d->addr = htole64(seg->gpa);
	d->len = htole32(seg->len);
	d->flags = htole16(flags | (seg->write ? VRING_DESC_F_WRITE : 0));
	d->next = htole16(next);
}

/* The table of @head, at least @nr entries; the old one is kept if it fits. */
static struct vring_desc *table_get(struct vg_ring *r, uint16_t head,
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

static int table_fill(struct vg_ring *r, uint16_t head,
		      const struct vg_seg *seg, unsigned int nr)
{
	struct vring_desc *t = table_get(r, head, nr);
	unsigned int i, slot, next;

	if (!t)
		return -ENOMEM;
	/* The first entry is where a chain begins, in whatever order. */
	for (i = 0, slot = 0; i < nr; i++, slot = next) {
		bool more = i + 1 < nr;

		next = r->tables_backwards ? nr - 1 - i : i + 1;
		desc_set(&t[slot], &seg[i], more ? VRING_DESC_F_NEXT : 0,
			 more ? next : 0);
	}
	return 0;
}

int vg_ring_add(struct vg_ring *r, const struct vg_seg *seg, unsigned int nr,
		unsigned int nr_direct, void *token)
{
	bool indirect = nr_direct < nr;
	unsigned int slots = indirect ? nr_direct + 1 : nr, i;
	uint16_t head, d;

	if (!nr)
		return -EINVAL;
	if (slots > r->nr_free)
		return -ENOSPC;
	head = r->stack[r->nr_free - 1];
	d = head;
	if (indirect && table_fill(r, head, seg + nr_direct, nr - nr_direct))
		return -ENOMEM;
	for (i = 0; i < slots; i++) {
		bool more = i + 1 < slots;
		uint16_t flags = more ? VRING_DESC_F_NEXT : 0;

		d = desc_take(r);
		r->next[d] = more ? r->stack[r->nr_free - 1] : 0;
		if (indirect && !more) {
			struct vg_seg s = { .gpa = r->table[head].gpa,
					    .len = 16 * (nr - nr_direct) };

			desc_set(&r->desc[d], &s, VRING_DESC_F_INDIRECT, 0);
		} else {
			desc_set(&r->desc[d], &seg[i], flags, r->next[d]);
		}
	}
	r->nr_desc[head] = slots;
	r->token[head] = token;
	r->avail->ring[r->avail_idx++ & (r->num - 1)] = htole16(head);
	r->nr_flight++;
	return 0;
}

void vg_ring_publish(struct vg_ring *r)
{
	/* (A) */
	store16((__virtio16 *)&r->avail->idx, r->avail_idx,
		memory_order_release);
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
	uint16_t old = r->kick_idx, new = r->shown_idx;
	bool wanted;

	/* (B) */
	atomic_thread_fence(memory_order_seq_cst);
	if (r->event_idx)
		wanted = vring_need_event(load16(avail_event(r),
						 memory_order_relaxed),
					  new, old);
	else
		wanted = !(load16((__virtio16 *)&r->used->flags,
				  memory_order_relaxed) & RING_NO_NOTIFY);
	r->kick_idx = new;
	if (wanted)
		vg_ring_kick_always(r);
	else
		r->nr_quiet_kicks++;
	return wanted;
}

bool vg_ring_has_used(const struct vg_ring *r)
{
	/* (C) */
	return load16((__virtio16 *)&r->used->idx, memory_order_acquire) !=
	       r->used_idx;
}

int vg_ring_get(struct vg_ring *r, struct vg_used *u)
{
	struct vring_used_elem *e;
	uint16_t pending, d, n;
	uint32_t id;

	pending = load16((__virtio16 *)&r->used->idx, memory_order_acquire) -
		  r->used_idx;
	if (!pending)
		return 0;
	e = (struct vring_used_elem *)&r->used->ring[r->used_idx & (r->num - 1)];
	id = le32toh(e->id);
	/* More than we gave, or something that we did not give. */
	if (pending > r->nr_flight || id >= r->num || !r->nr_desc[id])
		return -EIO;
	u->head = id;
	u->len = le32toh(e->len);
	u->token = r->token[id];
	for (d = id, n = r->nr_desc[id]; n; n--, d = r->next[d])
		r->stack[r->nr_free++] = d;
	r->nr_desc[id] = 0;
	r->used_idx++;
	r->nr_flight--;
	return 1;
}

void vg_ring_arm_at(struct vg_ring *r, uint16_t idx)
{
	if (r->event_idx)
		store16(used_event(r), idx, memory_order_relaxed);
	else
		store16((__virtio16 *)&r->avail->flags, 0, memory_order_relaxed);
	/* (D) */
	atomic_thread_fence(memory_order_seq_cst);
}

bool vg_ring_arm(struct vg_ring *r)
{
	vg_ring_arm_at(r, r->used_idx);
	return vg_ring_has_used(r);
}

void vg_ring_disarm(struct vg_ring *r)
{
	/* With event indices: an index that comes half a turn later. */
	if (r->event_idx)
		store16(used_event(r), r->used_idx + 0x8000,
			memory_order_relaxed);
	else
		store16((__virtio16 *)&r->avail->flags, RING_NO_INTERRUPT,
			memory_order_relaxed);
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
