// SPDX-License-Identifier: GPL-2.0-only
/* The driver of the model test: it obeys the rules, in many variants. */
#include <linux/virtio_ring.h>

#include "model/model.h"

/* A table here crosses from region A to region B within a descriptor. */
#define BORDER_TABLE	(DRV_B_GPA - 40)

void model_driver_start(struct model *m)
{
	u16 i;

	m->nr_free = m->d.guest.num;
	m->nr_slots = m->d.guest.num;
	for (i = 0; i < m->nr_free; i++)
		m->free[i] = i;
}

static u16 model_get_slot(struct model *m)
{
	unsigned int at = rng_below(&m->rng, m->nr_free);
	u16 slot = m->free[at];

	if (m->d.ring.in_order && !m->d.ring.is_packed) {
		m->nr_free--;
		return m->next_slot++ % m->d.guest.num;
	}
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

	c->in_len = 0;
	c->nr = 1 + rng_below(&m->rng, rng_once_in(&m->rng, 64) ?
			      MODEL_MAX_BUFS : 4);
	nr_out = rng_below(&m->rng, c->nr + 1);
	for (i = 0; i < c->nr; i++) {
		model_make_buf(m, &c->buf[i]);
		c->buf[i].write = i >= nr_out;
		if (c->buf[i].write)
			c->in_len += c->buf[i].len;
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

	/* Each entry is 3 after the one before, if that reaches all of them, else 1. */
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

/* The packed layout's table has no links: all of it counts, in a row. */
static u32 model_write_row(struct model_chain *c, u64 gpa, unsigned int from)
{
	u32 nr = c->nr - from, i;

	for (i = 0; i < nr; i++) {
		const struct model_buf *b = &c->buf[from + i];

		/* The id, in the place of the split layout's flags, is ignored. */
		drv_table_desc(gpa, i, b->gpa, b->len, 0xfff7 + i,
			       model_flags(c, from + i) |
			       (i % 2 ? VRING_DESC_F_NEXT : 0));
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

		c->has_border_table = gpa == BORDER_TABLE;
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

/* A packed descriptor; the flags of the first new one wait. */
static void model_packed_desc(struct model *m, u64 addr, u32 len, u16 id,
			      u16 flags)
{
	u16 pos = model_idx(m, m->made_at);

	flags = drv_packed_avail(&m->d, pos, flags);
	if (m->made_at == m->at[m->shown % MODEL_MAX_NUM]) {
		m->first_flags = flags;
		flags = drv_packed_flags(&m->d, pos);
	}
	drv_packed_desc(&m->d, pos, addr, len, id, flags);
	m->made_at++;
}

static void model_write_packed(struct model *m, struct model_chain *c,
			       unsigned int direct)
{
	u16 id = c->slot[0], i;

	m->at[m->made % MODEL_MAX_NUM] = m->made_at;
	c->nr_desc = direct < c->nr;
	for (i = 0; i < direct; i++) {
		const struct model_buf *b = &c->buf[i];

		model_packed_desc(m, b->gpa, b->len,
				  i + 1 < c->nr_slots ? 0xdead : id,
				  model_flags(c, i) | (i + 1 < c->nr_slots ?
						       VRING_DESC_F_NEXT : 0));
		c->nr_desc += !!b->len;
	}
	if (direct < c->nr) {
		u64 gpa = model_table_gpa(m, id);

		c->has_border_table = gpa == BORDER_TABLE;
		model_packed_desc(m, gpa, model_write_row(c, gpa, direct), id,
				  VRING_DESC_F_INDIRECT);
	}
	m->nr_slots -= c->nr_slots;
}

/* Build a chain and write its head after the others; it is not available yet. */
void model_add(struct model *m)
{
	static struct model_chain c;
	unsigned int direct, i;

	model_make_bufs(m, &c);
	direct = model_nr_direct(m, &c);
	c.nr_slots = direct + (direct < c.nr);
	if (c.nr_slots > min(m->nr_free, m->nr_slots))
		return;
	c.has_border_table = false;
	if (m->d.ring.is_packed) {
		c.slot[0] = model_get_slot(m);
		model_write_packed(m, &c, direct);
	} else {
		for (i = 0; i < c.nr_slots; i++)
			c.slot[i] = model_get_slot(m);
		model_write_chain(m, &c, direct);
		drv_set_avail(&m->d, model_idx(m, m->made), c.slot[0]);
	}
	m->chain[c.slot[0]] = c;
	m->avail[m->made % MODEL_MAX_NUM] = c.slot[0];
	m->made++;
}

static bool model_must_kick(const struct model *m, u64 old)
{
	if (m->d.ring.is_packed)
		return drv_packed_must_kick(&m->d, model_pos(m, m->shown),
					    model_pos(m, old));
	if (!m->d.ring.event_idx)
		return !(drv_used_flags() & VRING_USED_F_NO_NOTIFY);
	return vring_need_event(drv_avail_event(&m->d), model_idx(m, m->shown),
				model_idx(m, old));
}

/* Make the built chains available. A device that sleeps must be kicked. */
void model_show(struct model *m)
{
	u64 old = m->shown;

	if (m->made == m->shown)
		return;
	if (m->d.ring.is_packed)
		drv_packed_set_flags(&m->d, model_pos(m, old), m->first_flags);
	else
		drv_set_avail_idx(&m->d, model_idx(m, m->made));
	m->shown = m->made;
	if (m->asleep)
		MODEL_CHECK(model_must_kick(m, old));
	m->asleep = false;
}

static void model_free_chain(struct model *m, u16 head)
{
	struct model_chain *c = &m->chain[head];
	unsigned int i;

	if (c->has_border_table)
		m->has_border_table = false;
	if (m->d.ring.is_packed) {
		m->nr_slots += c->nr_slots;
		m->free[m->nr_free++] = head;
		return;
	}
	for (i = 0; i < c->nr_slots; i++) {
		u64 at = DRV_DESC + 16ULL * c->slot[i];
		struct vring_desc *desc = umem_ptr(at, sizeof(*desc));

		/* A device that still reads the descriptor breaks the ring. */
		desc->addr = DRV_HOLE_GPA;
		desc->len = 1;
		m->free[m->nr_free++] = c->slot[i];
	}
}

/* The entry of the chain that is used next. */
static struct model_used model_read_used(const struct model *m)
{
	struct vring_packed_desc d;
	struct vring_used_elem e;

	if (!m->d.ring.is_packed) {
		e = drv_used_elem(&m->d, model_pos(m, m->reaped));
		return (struct model_used){ e.id, e.len };
	}
	MODEL_CHECK(drv_packed_is_used(&m->d, model_pos(m, m->reaped)));
	d = drv_packed_at(&m->d, model_pos(m, m->reaped));
	/* 2.8.3: the flag shows whether there is a length. */
	MODEL_CHECK(!(d.flags & VRING_DESC_F_WRITE) == !d.len);
	return (struct model_used){ d.id, d.len };
}

/*
 * Take the chains that one entry completes: its own and, in order, those before
 * it, with all of their writable bytes.
 */
static void model_reap_entry(struct model *m)
{
	struct model_used got = model_read_used(m), *want;

	do {
		MODEL_CHECK(m->reaped < m->published);
		want = &m->used[m->reaped % MODEL_MAX_NUM];
		if (want->head != got.head) {
			MODEL_CHECK(m->d.ring.in_order);
			MODEL_CHECK(want->len == m->chain[want->head].in_len);
		}
		model_free_chain(m, want->head);
		m->reaped++;
	} while (want->head != got.head);
	MODEL_CHECK(want->len == got.len);
}

/* Take used entries: those that were published, as they were completed. */
void model_reap(struct model *m)
{
	unsigned int nr = rng_below(&m->rng, 80);

	if (!m->d.ring.is_packed)
		MODEL_CHECK(drv_used_idx(&m->d) == model_idx(m, m->published));
	else if (m->published < m->made)
		MODEL_CHECK(!drv_packed_is_used(&m->d,
						model_pos(m, m->published)));
	for (; nr && m->reaped < m->published; nr--)
		model_reap_entry(m);
}

/* Change the driver's event suppression. */
void model_wish(struct model *m)
{
	u16 ahead = rng_below(&m->rng, rng_once_in(&m->rng, 4) ? 65536 : 70);
	u16 event = model_pos(m, m->reaped) + ahead - 2;

	if (m->d.ring.is_packed) {
		drv_packed_driver()->off_wrap = drv_code(&m->d, event);
		drv_packed_driver()->flags = rng_below(&m->rng, 4);
		return;
	}
	drv_set_used_event(&m->d, event);
	drv_set_no_interrupt(&m->d, rng_once_in(&m->rng, 2));
}
