// SPDX-License-Identifier: GPL-2.0-only
/* Operations of a guest's driver: chains, kicks, and words of a ring's areas. */
#include <string.h>

#include "../../lib/vguest/wait.h"
#include "exec.h"
#include "kinds.h"

#define MAX_SEGS	64
#define FRAME_ROOM	0x10000

/* A chain that is being built. */
struct chain {
	struct vg_seg seg[MAX_SEGS];
	unsigned int nr;
	unsigned int nr_direct;		/* the others are in an indirect table */
};

static struct vg_ring *ring_of(struct fz_vm *vm, const uint64_t *arg)
{
	struct vg_ring *r;

	if (arg[0] >= FZ_NR_DEVS || arg[1] >= FZ_NR_RINGS)
		return NULL;
	r = &vm->ring[arg[0]][arg[1]];
	return r->num ? r : NULL;
}

static void cut(struct chain *c, uint64_t *gpa, uint64_t len, bool write)
{
	if (c->nr == MAX_SEGS)
		return;
	c->seg[c->nr++] = (struct vg_seg){ .gpa = *gpa, .len = len, .write = write };
	*gpa += len;
}

static void cut_even(struct chain *c, uint64_t gpa, uint64_t len, bool write,
		     unsigned int nr)
{
	uint64_t left = len;

	while (nr--) {
		cut(c, &gpa, nr ? len / (nr + 1) : left, write);
		left -= nr ? len / (nr + 1) : left;
		len = left;
	}
}

/* Chains that no driver makes. */
static void shape_odd(struct chain *c, uint64_t shape, uint64_t gpa, uint64_t len,
		      bool write)
{
	uint64_t far = 0x40000000, cross = FZ_REGION_0 - 100;

	switch (shape) {
	case FZ_MIXED:
		cut(c, &gpa, len / 2, false);
		cut(c, &gpa, len - len / 2, true);
		break;
	case FZ_INVERTED:
		cut(c, &gpa, len, !write);
		break;
	case FZ_EMPTY:
		cut(c, &gpa, 0, write);
		cut(c, &gpa, 0, write);
		cut(c, &gpa, len, write);
		cut(c, &gpa, 0, write);
		break;
	case FZ_FAR:
		cut(c, &gpa, 12, write);
		cut(c, &far, len, write);
		break;
	case FZ_CROSS:
		cut(c, &cross, len, write);
		break;
	case FZ_SAME:
		while (c->nr < 8) {
			uint64_t at = gpa;

			cut(c, &at, len / 8, write);
		}
		break;
	}
}

static void shape_chain(struct chain *c, uint64_t shape, uint64_t gpa, uint64_t len,
			bool write, unsigned int hdr)
{
	uint64_t rest = len > hdr ? len - hdr : 0;

	c->nr = 0;
	c->nr_direct = MAX_SEGS;
	switch (shape) {
	case FZ_ONE:
	case FZ_TABLE_ONE:
		cut(c, &gpa, len, write);
		break;
	case FZ_TWO:
	case FZ_IN_TABLE:
	case FZ_HALF_TABLE:
		cut(c, &gpa, hdr, write);
		cut(c, &gpa, rest, write);
		break;
	case FZ_THREE:
		cut(c, &gpa, hdr, write);
		cut_even(c, gpa, rest, write, 2);
		break;
	case FZ_PIECES:
		cut_even(c, gpa, len, write, 20);
		break;
	case FZ_BIG_TABLE:
		cut_even(c, gpa, len, write, MAX_SEGS);
		break;
	case FZ_SPLIT_HDR:
		cut(c, &gpa, 7, write);
		cut(c, &gpa, 4, write);
		cut(c, &gpa, len > 11 ? len - 11 : 0, write);
		break;
	default:
		shape_odd(c, shape, gpa, len, write);
	}
	if (shape == FZ_IN_TABLE || shape == FZ_TABLE_ONE || shape == FZ_BIG_TABLE)
		c->nr_direct = 0;
	if (shape == FZ_HALF_TABLE)
		c->nr_direct = 1;
	if (c->nr_direct > c->nr)
		c->nr_direct = c->nr;
}

/* The device's header length, as the features imply it. */
static unsigned int hdr_len(const struct fz_vm *vm, uint64_t dev)
{
	return vm->features[dev] & (VG_BIT(VG_F_VERSION_1) | VG_BIT(15)) ? 12 : 10;
}

static uint64_t take_buf(struct fz_vm *vm, uint64_t len)
{
	uint64_t gpa = vm->buf_at;

	if (len > FZ_BUFS_END - gpa)
		gpa = FZ_BUFS_AT;
	vm->buf_at = gpa + (len < FRAME_ROOM ? len : FRAME_ROOM);
	if (vm->buf_at >= FZ_BUFS_END)
		vm->buf_at = FZ_BUFS_AT;
	return gpa;
}

static void write_frame(struct fz_vm *vm, uint64_t gpa, uint64_t len, uint64_t kind,
			unsigned int hdr)
{
	uint8_t *at = vg_mem_hva(&vm->mem, gpa, len);
	uint8_t head[24];

	if (!at || len < hdr + 14 || len > FRAME_ROOM)
		return;
	fz_frame(at + hdr, len - hdr, kind, head);
	memcpy(at, head, hdr);
}

FZ_OP(post)
{
	struct vg_ring *r = ring_of(vm, arg);
	uint64_t nr = arg[2] < 1024 ? arg[2] : 1024, gpa;
	unsigned int hdr;
	struct chain c;

	if (!r)
		return;
	hdr = hdr_len(vm, arg[0]);
	pthread_mutex_lock(&vm->lock);
	while (nr--) {
		gpa = take_buf(vm, arg[3]);
		shape_chain(&c, arg[4], gpa, (uint32_t)arg[3], arg[1] == 0, hdr);
		if (arg[1])
			write_frame(vm, gpa, arg[3], arg[5], hdr);
		if (vg_ring_add(r, c.seg, c.nr, c.nr_direct, NULL))
			break;
	}
	vg_ring_publish(r);
	pthread_mutex_unlock(&vm->lock);
}

FZ_OP(kick)
{
	if (arg[0] < FZ_NR_DEVS && arg[1] < FZ_NR_RINGS)
		vg_eventfd_add(vm->event[arg[0] * 4 + arg[1] * 2], 1);
}

/* Adds to an eventfd's counter, which the device's own signals can then fill. */
FZ_OP(event)
{
	if (arg[0] < FZ_NR_EVENTS)
		vg_eventfd_add(vm->event[arg[0]], arg[1]);
}

FZ_OP(reap)
{
	struct vg_ring *r = ring_of(vm, arg);
	unsigned int i;
	struct vg_used used;

	if (!r)
		return;
	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < r->num && vg_ring_get(r, &used) > 0; i++)
		;
	pthread_mutex_unlock(&vm->lock);
}

FZ_OP(arm)
{
	struct vg_ring *r = ring_of(vm, arg);

	if (!r)
		return;
	pthread_mutex_lock(&vm->lock);
	if (arg[2])
		vg_ring_arm(r);
	else
		vg_ring_disarm(r);
	pthread_mutex_unlock(&vm->lock);
}

static void poke_desc(struct vg_ring *r, uint64_t area, unsigned int i, uint64_t value)
{
	/* Address and length are at the same place in both formats. */
	if (area == FZ_DESC_ADDR)
		r->desc[i].addr = value;
	else if (area == FZ_DESC_LEN)
		r->desc[i].len = value;
	else if (area == FZ_DESC_FLAGS)
		*(r->packed ? &r->pdesc[i].flags : &r->desc[i].flags) = value;
	else
		*(r->packed ? &r->pdesc[i].id : &r->desc[i].next) = value;
}

FZ_OP(poke)
{
	struct vg_ring *r = ring_of(vm, arg);
	unsigned int i;

	if (!r)
		return;
	i = arg[3] % r->num;
	pthread_mutex_lock(&vm->lock);
	switch (arg[2]) {
	case FZ_DRIVER_FLAGS:
		r->avail->flags = arg[4];
		break;
	case FZ_DRIVER_IDX:
		r->avail->idx = r->packed ? arg[4] : r->avail->idx + arg[4];
		break;
	case FZ_DRIVER_RING:
		r->avail->ring[arg[3] % (r->num + 1)] = arg[4];
		break;
	case FZ_DEVICE_FLAGS:
		r->used->flags = arg[4];
		break;
	case FZ_DEVICE_IDX:
		r->used->idx = arg[4];
		break;
	case FZ_DEVICE_RING:
		r->used->ring[i].id = arg[4];
		break;
	default:
		poke_desc(r, arg[2], i, arg[4]);
	}
	pthread_mutex_unlock(&vm->lock);
}
