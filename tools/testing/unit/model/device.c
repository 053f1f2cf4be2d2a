// SPDX-License-Identifier: GPL-2.0-only
/* The device of the model test: each verb, and what it must return. */
#include <errno.h>

#include "model/model.h"

/* The number of pieces of a chain with the present table. */
static unsigned int model_pieces(const struct model *m,
				 const struct model_chain *c,
				 struct iovec *seg)
{
	const struct ref_guest *g = &m->d.guest;
	unsigned int nr = 0, i;

	for (i = 0; i < c->nr; i++) {
		int ret = ref_translate(g->table, g->nr, c->buf[i].gpa,
					c->buf[i].len, seg + nr,
					REF_MAX_SEGS - nr);

		if (c->buf[i].len) {
			MODEL_CHECK(ret > 0);
			nr += ret;
		}
	}
	return nr;
}

static bool model_gpa_maps_to(const struct model *m, u64 gpa, void *hva)
{
	struct iovec seg;

	return ref_translate(m->d.guest.table, m->d.guest.nr, gpa, 1, &seg,
			     1) == 1 && seg.iov_base == hva;
}

static void model_check_chain(const struct model *m, unsigned int at, u64 pos)
{
	static struct iovec want[REF_MAX_SEGS];
	const struct vd_batch *batch = m->d.batch;
	const struct vd_chain *seen = &batch->chain[at];
	const struct model_chain *c;
	u64 len[2] = {};
	unsigned int nr, i;

	MODEL_CHECK(seen->head == m->avail[pos % MODEL_MAX_NUM]);
	c = &m->chain[seen->head];
	for (i = 0; i < c->nr; i++)
		len[c->buf[i].write] += c->buf[i].len;
	MODEL_CHECK(seen->out_len == len[0] && seen->in_len == len[1]);
	MODEL_CHECK(seen->nr_desc == c->nr_desc);
	MODEL_CHECK(seen->nr_slots ==
		    (m->d.ring.is_packed ? c->nr_slots : 1));

	nr = model_pieces(m, c, want);
	MODEL_CHECK(nr == (unsigned int)seen->nr_out + seen->nr_in);
	for (i = 0; i < nr; i++) {
		const struct iovec *s = &batch->seg[seen->first_seg + i];

		MODEL_CHECK(s->iov_base == want[i].iov_base);
		MODEL_CHECK(s->iov_len == want[i].iov_len);
		MODEL_CHECK(model_gpa_maps_to(m, batch->gpa[seen->first_seg + i],
					      s->iov_base));
	}
	for (i = 0; i < seen->nr_out; i++)
		len[0] -= batch->seg[seen->first_seg + i].iov_len;
	MODEL_CHECK(!len[0]);
}

/* How many chains fit, by descriptors and by pieces. */
static int model_expect(struct model *m, unsigned int max)
{
	static struct iovec seg[REF_MAX_SEGS];
	unsigned int nr_desc = m->d.batch->nr_desc;
	unsigned int nr_seg = m->d.batch->nr_seg;
	u64 left = m->shown - m->fetched;
	unsigned int nr;

	if (!left)
		return 0;
	max = min(max, VD_BATCH - m->d.batch->nr);
	for (nr = 0; nr < max && nr < left; nr++) {
		u16 head = m->avail[(m->fetched + nr) % MODEL_MAX_NUM];

		nr_desc += m->chain[head].nr_desc;
		nr_seg += model_pieces(m, &m->chain[head], seg);
		if (nr_desc > REF_MAX_SEGS || nr_seg > REF_MAX_SEGS)
			break;
	}
	return nr ? (int)nr : -ENOSPC;
}

/*
 * How far the device sees. With the split layout that is the driver's index;
 * with the packed one it is what the device reads, not all of which may fit.
 */
static u64 model_sees(const struct model *m, unsigned int max)
{
	unsigned int nr_desc = m->d.batch->nr_desc;
	u64 nr = m->fetched, end;

	if (!m->d.ring.is_packed)
		return m->shown;
	end = min_t(u64, m->shown, nr + min(max, VD_BATCH - m->d.batch->nr));
	for (; nr < end; nr++) {
		nr_desc += m->chain[m->avail[nr % MODEL_MAX_NUM]].nr_desc;
		if (nr_desc > REF_MAX_SEGS)
			break;
	}
	return nr;
}

void model_fetch(struct model *m)
{
	unsigned int first = m->d.batch->nr, i;
	unsigned int max = 1 + rng_below(&m->rng, VD_BATCH);
	int want = model_expect(m, max), ret;

	m->asleep = false;
	m->seen = model_sees(m, max);
	ret = drv_fetch(&m->d, max);
	MODEL_CHECK(ret == want);
	if (ret < 0) {
		MODEL_CHECK(m->d.batch->nr == first);
		return;
	}
	MODEL_CHECK(m->d.batch->nr == first + ret);
	for (i = 0; i < (unsigned int)ret; i++)
		model_check_chain(m, first + i, m->fetched + i);
	m->fetched += ret;
}

static void model_give_back(struct model *m, unsigned int nr)
{
	vd_ring_rewind(&m->d.ring, m->d.batch, nr);
	m->fetched -= nr;
	/* All taken chains are completed: the batch may begin anew. */
	if (m->d.batch->nr == m->taken) {
		vd_batch_reset(m->d.batch);
		m->taken = 0;
	}
}

void model_rewind(struct model *m)
{
	unsigned int nr = m->d.batch->nr - m->taken;

	if (rng_once_in(&m->rng, 2))
		nr = rng_below(&m->rng, nr + 1);
	model_give_back(m, nr);
}

void model_complete(struct model *m)
{
	unsigned int nr = rng_below(&m->rng, m->d.batch->nr - m->taken + 1);

	for (; nr; nr--, m->taken++, m->completed++) {
		struct model_used *u = &m->used[m->completed % MODEL_MAX_NUM];
		const struct vd_chain *chain = &m->d.batch->chain[m->taken];

		u->head = chain->head;
		u->len = chain->in_len;
		if (u->len && rng_once_in(&m->rng, 2))
			u->len = rng_next(&m->rng);
		MODEL_CHECK(!vd_ring_complete(&m->d.ring, chain, u->len));
		umem_settle();
	}
	MODEL_CHECK(vd_ring_nr_completed(&m->d.ring) ==
		    m->completed - m->published);
	if (m->taken == m->d.batch->nr)
		model_give_back(m, 0);
}

/* The driver's event as a position: the first one at or behind @from. */
static u64 model_event_pos(const struct model *m, u64 from)
{
	if (m->d.ring.is_packed) {
		while (drv_code(&m->d, model_idx(m, from)) !=
		       drv_packed_driver()->off_wrap)
			from++;
		return from;
	}

	u16 event = *(u16 *)umem_ptr(DRV_AVAIL + 4 + 2 * m->d.guest.num, 2);

	return from + (u16)(event - model_idx(m, from));
}

static bool model_wants_call(struct model *m)
{
	u64 now = model_at(m, m->published), old = m->decided;
	bool is_new = !m->has_decided || now - old >= 65536;

	if (m->d.ring.is_packed) {
		u16 flags = drv_packed_driver()->flags;

		m->has_decided = true;
		m->decided = now;
		if (flags != VRING_PACKED_EVENT_FLAG_DESC ||
		    !m->d.ring.event_idx)
			return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	} else if (m->d.ring.notify_on_empty && m->fetched == m->seen) {
		return true;
	} else if (!m->d.ring.event_idx) {
		return !*(u16 *)umem_ptr(DRV_AVAIL, 2);
	}
	m->has_decided = true;
	m->decided = now;
	return is_new || model_event_pos(m, old) < now;
}

void model_publish(struct model *m)
{
	bool may_call = !rng_once_in(&m->rng, 8), want = false;
	int ret = vd_ring_publish(&m->d.ring, may_call);

	umem_settle();
	if (m->completed > m->published) {
		m->published = m->completed;
		want = may_call && model_wants_call(m);
	}
	MODEL_CHECK(ret == want);
	if (!m->d.ring.is_packed)
		MODEL_CHECK(drv_used_idx(&m->d) == model_idx(m, m->published));
}

/* The device's event suppression when it is armed, or not. */
static void model_check_told(const struct model *m, bool armed)
{
	if (m->d.ring.is_packed) {
		u16 flags = drv_packed_device()->flags;

		if (!m->d.ring.event_idx)
			MODEL_CHECK(flags == !armed);
		else if (armed)
			MODEL_CHECK(flags == VRING_PACKED_EVENT_FLAG_DESC &&
				    drv_packed_device()->off_wrap ==
				    drv_code(&m->d, model_pos(m, m->seen)));
	} else if (!m->d.ring.event_idx) {
		MODEL_CHECK(drv_used_flags() ==
			    (armed ? 0 : VRING_USED_F_NO_NOTIFY));
	} else if (armed) {
		MODEL_CHECK(drv_avail_event(&m->d) == model_idx(m, m->seen));
	}
}

/* As a handler that is idle: enable kicks, continue if work has arrived. */
void model_arm(struct model *m)
{
	int ret = vd_ring_arm(&m->d.ring);

	umem_settle();
	MODEL_CHECK(ret == (m->shown != m->seen));
	m->asleep = !ret;
	model_check_told(m, true);
	if (!ret)
		return;
	MODEL_CHECK(!vd_ring_disarm(&m->d.ring));
	model_check_told(m, false);
	umem_settle();
}

/* Detach and attach: fetched chains go back, completed ones are published. */
void model_restart(struct model *m)
{
	u16 used_idx;
	u32 base;

	model_give_back(m, m->d.batch->nr - m->taken);
	model_publish(m);
	base = vd_ring_get_base(&m->d.ring);
	MODEL_CHECK(base == drv_base(&m->d, model_pos(m, m->fetched),
				     model_pos(m, m->published)));
	vd_ring_set_base(&m->d.ring, base);
	MODEL_CHECK(!vd_ring_probe(&m->d.ring, &m->d.mem, &used_idx));
	if (!m->d.ring.is_packed)
		MODEL_CHECK(used_idx == model_idx(m, m->published));
	vd_ring_start(&m->d.ring, used_idx);
	umem_settle();
	m->seen = m->fetched;
	m->has_decided = false;
	m->asleep = false;
}

/* The same memory in more regions, one of which has no address to itself. */
static const struct vhost_memory_region model_table[] = {
	{ .guest_phys_addr = DRV_B_GPA, .memory_size = DRV_B_LEN,
	  .userspace_addr = DRV_B_HVA },
	{ .guest_phys_addr = DRV_A_GPA + 100, .memory_size = 50,
	  .userspace_addr = DRV_C_HVA },
	{ .guest_phys_addr = DRV_C_GPA, .memory_size = DRV_C_LEN - 0x10000,
	  .userspace_addr = DRV_C_HVA },
	{ .guest_phys_addr = DRV_C_GPA + DRV_C_LEN - 0x10000,
	  .memory_size = 0x10000,
	  .userspace_addr = DRV_C_HVA + DRV_C_LEN - 0x10000 },
	{ .guest_phys_addr = DRV_A_GPA, .memory_size = 4096,
	  .userspace_addr = DRV_A_HVA },
	{ .guest_phys_addr = DRV_A_GPA + 4096,
	  .memory_size = DRV_A_LEN - 4096,
	  .userspace_addr = DRV_A_HVA + 4096 },
};

void model_swap_table(struct model *m)
{
	model_give_back(m, m->d.batch->nr - m->taken);
	if (m->d.guest.table == drv_table)
		drv_set_table(&m->d, model_table, ARRAY_SIZE(model_table));
	else
		drv_set_table(&m->d, drv_table, DRV_NR_REGIONS);
}
