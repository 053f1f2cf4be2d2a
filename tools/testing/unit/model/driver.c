// SPDX-License-Identifier: GPL-2.0-only
/* The driver of the model test: well behaved, but of many habits. */
#include <linux/virtio_ring.h>

#include "model/model.h"

/* A table here crosses from region A to region B within a descriptor. */
#define BORDER_TABLE	(DRV_B_GPA - 40)

void model_driver_start(struct model *m)
{
	u16 i;

	m->nr_free = m->d.guest.num;
	for (i = 0; i < m->nr_free; i++)
		m->free[i] = i;
}

static u16 model_get_slot(struct model *m)
{
	unsigned int at = rng_below(&m->rng, m->nr_free);
	u16 slot = m->free[at];

	m->free[at] = m->free[--m->nr_free];
	return slot;
}

static void model_make_buf(struct model *m, struct model_buf *buf)
{
	buf->len = rng_once_in(&m->rng, 16) ? 0 : 1 + rng_below(&m->rng, 5000);
	switch (rng_below(&m->rng, 8)) {
	case 0:
		/* Likely to lie across A and B. */
		buf->gpa = DRV_B_GPA - rng_below(&m->rng, 4096);
		break;
	case 1:
		buf->gpa = DRV_A_GPA + rng_below(&m->rng, DRV_A_LEN);
		break;
	case 2:
		buf->gpa = DRV_A_GPA;
		break;
	default:
		buf->gpa = DRV_C_GPA + rng_below(&m->rng, DRV_C_LEN - 5000);
	}
	if (!buf->len && rng_once_in(&m->rng, 2))
		buf->gpa = DRV_HOLE_GPA;
}

static void model_make_bufs(struct model *m, struct model_chain *c)
{
	unsigned int i, nr_out;

	c->nr = 1 + rng_below(&m->rng, rng_once_in(&m->rng, 64) ?
			      MODEL_MAX_BUFS : 4);
	nr_out = rng_below(&m->rng, c->nr + 1);
	for (i = 0; i < c->nr; i++) {
		model_make_buf(m, &c->buf[i]);
		c->buf[i].write = i >= nr_out;
	}
}

static u16 model_flags(const struct model_chain *c, unsigned int i)
{
	return c->buf[i].write ? VRING_DESC_F_WRITE : 0;
}

/* Write buffers from @from on as a table, its entries in a random order. */
static u32 model_write_table(struct model *m, struct model_chain *c, u64 gpa,
			     unsigned int from)
{
	u32 nr = c->nr - from, i, skew;
	u16 place[MODEL_MAX_BUFS];

	/* Walk the table in steps of an odd number: nr may need padding. */
	skew = rng_once_in(&m->rng, 2) ? 1 : 3;
	while (skew == 3 && nr % 3 == 0)
		skew = 1;
	for (i = 0; i < nr; i++)
		place[i] = i * skew % nr;
	for (i = 0; i < nr; i++) {
		const struct model_buf *b = &c->buf[from + i];
		u16 flags = model_flags(c, from + i);

		if (i < nr - 1)
			flags |= VRING_DESC_F_NEXT;
		drv_table_desc(gpa, place[i], b->gpa, b->len, flags,
			       i < nr - 1 ? place[i + 1] : 0);
	}
	return nr * 16;
}

/* How many of @c's buffers go into the ring itself; the rest into a table. */
static unsigned int model_nr_direct(struct model *m,
				    const struct model_chain *c)
{
	unsigned int direct = 0;

	if (rng_once_in(&m->rng, 2))
		direct = c->nr;
	else if (rng_once_in(&m->rng, 4))
		direct = rng_below(&m->rng, c->nr + 1);
	if (c->nr - direct > MODEL_MAX_TABLE)
		direct = c->nr;
	return direct;
}

static u64 model_table_gpa(struct model *m, u16 head)
{
	if (!m->has_border_table && rng_once_in(&m->rng, 8)) {
		m->has_border_table = true;
		return BORDER_TABLE;
	}
	return DRV_C_GPA + head * 16ULL * MODEL_MAX_TABLE;
}

/* Write the chain's descriptors, the last first. */
static void model_write_chain(struct model *m, struct model_chain *c,
			      unsigned int direct)
{
	u16 head = c->slot[0], i = c->nr_slots, next = 0, flags = 0;

	c->nr_desc = 0;
	if (i > direct) {
		u64 gpa = model_table_gpa(m, head);
		u32 len = model_write_table(m, c, gpa, direct);

		next = c->slot[--i];
		drv_desc(&m->d, next, gpa, len, VRING_DESC_F_INDIRECT, 0);
		flags = VRING_DESC_F_NEXT;
		c->nr_desc++;
	}
	while (i--) {
		const struct model_buf *b = &c->buf[i];

		drv_desc(&m->d, c->slot[i], b->gpa, b->len,
			 flags | model_flags(c, i), next);
		next = c->slot[i];
		flags = VRING_DESC_F_NEXT;
		c->nr_desc += !!b->len;
	}
}

/* Make a chain and write its head behind the others; it is not shown yet. */
void model_add(struct model *m)
{
	static struct model_chain c;
	unsigned int direct, i;

	model_make_bufs(m, &c);
	direct = model_nr_direct(m, &c);
	c.nr_slots = direct + (direct < c.nr);
	if (c.nr_slots > m->nr_free)
		return;
	for (i = 0; i < c.nr_slots; i++)
		c.slot[i] = model_get_slot(m);
	model_write_chain(m, &c, direct);
	m->chain[c.slot[0]] = c;
	m->avail[m->made % MODEL_MAX_NUM] = c.slot[0];
	drv_set_avail(&m->d, model_idx(m, m->made), c.slot[0]);
	m->made++;
}

static bool model_must_kick(const struct model *m, u64 old)
{
	if (!m->d.ring.event_idx)
		return !(drv_used_flags() & VRING_USED_F_NO_NOTIFY);
	return vring_need_event(drv_avail_event(&m->d), model_idx(m, m->shown),
				model_idx(m, old));
}

/* Show what was made. A device that sleeps must be woken by it. */
void model_show(struct model *m)
{
	u64 old = m->shown;

	if (m->made == m->shown)
		return;
	m->shown = m->made;
	drv_set_avail_idx(&m->d, model_idx(m, m->shown));
	if (m->asleep)
		MODEL_CHECK(model_must_kick(m, old));
	m->asleep = false;
}

static void model_free_chain(struct model *m, u16 head)
{
	struct model_chain *c = &m->chain[head];
	unsigned int i;

	for (i = 0; i < c->nr_slots; i++) {
		u64 at = DRV_DESC + 16ULL * c->slot[i];
		struct vring_desc *desc = umem_ptr(at, sizeof(*desc));

		if (desc->flags & VRING_DESC_F_INDIRECT &&
		    desc->addr == BORDER_TABLE)
			m->has_border_table = false;
		/* What the device might still read would break the ring. */
		desc->addr = DRV_HOLE_GPA;
		desc->len = 1;
		m->free[m->nr_free++] = c->slot[i];
	}
}

/* Take used entries: those that were published, as they were completed. */
void model_reap(struct model *m)
{
	unsigned int nr = rng_below(&m->rng, 80);

	MODEL_CHECK(drv_used_idx(&m->d) == model_idx(m, m->published));
	for (; nr && m->reaped < m->published; nr--, m->reaped++) {
		const struct model_used *want =
			&m->used[m->reaped % MODEL_MAX_NUM];
		struct vring_used_elem e =
			drv_used_elem(&m->d, model_idx(m, m->reaped));

		MODEL_CHECK(e.id == want->head);
		MODEL_CHECK(e.len == want->len);
		model_free_chain(m, want->head);
	}
}

/* Change what is said of interrupts. */
void model_wish(struct model *m)
{
	u16 ahead = rng_below(&m->rng, rng_once_in(&m->rng, 4) ? 65536 : 70);

	drv_set_used_event(&m->d, model_idx(m, m->reaped) + ahead - 2);
	drv_set_no_interrupt(&m->d, rng_once_in(&m->rng, 2));
}
