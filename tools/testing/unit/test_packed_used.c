// SPDX-License-Identifier: GPL-2.0-only
/* The packed layout: used descriptors, notifications, the order of writes. */
#include "packed.h"

TEST(packed_used)
{
	struct vring_packed_desc e;
	u16 i;

	start(0, 6);
	put(6, 10, NEXT | WRITE);
	put(7, 11, WRITE);
	put(8, 12, WRITE);
	put(9, 13, 0);
	CHECK_EQ(drv_fetch(&d, 64), 3);
	for (i = 0; i < 3; i++)
		CHECK(!vd_ring_complete(&d.ring, &d.batch->chain[i], i));
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 3);
	CHECK(!drv_packed_is_used(&d, 6));
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	e = drv_packed_at(&d, 6);
	CHECK_EQ(e.id, 11);
	CHECK_EQ(e.len, 0);
	CHECK_EQ(e.flags, LAP);
	/* The chain's second descriptor is skipped; then another lap. */
	e = drv_packed_at(&d, 8);
	CHECK_EQ(e.id, 12);
	CHECK_EQ(e.len, 1);
	CHECK_EQ(e.flags, WRITE);
	e = drv_packed_at(&d, 9);
	CHECK_EQ(e.id, 13);
	CHECK_EQ(e.len, 2);
	CHECK_EQ(e.flags, WRITE);
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 0);
	drv_fini(&d);
}

/* More than a batch: written early, but not used until the first one's flags are. */
TEST(packed_used_early)
{
	struct vd_chain chain = { .nr_slots = 1 };
	u16 i, pos;

	drv_init(&d, 256, DRV_PACKED);
	drv_start_at(&d, 200);
	for (i = 0; i < 150; i++) {
		chain.head = 1000 + i;
		CHECK(!vd_ring_complete(&d.ring, &chain, i));
	}
	CHECK(!drv_packed_is_used(&d, 200));
	CHECK(drv_packed_is_used(&d, 201));
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	for (i = 0, pos = 200; i < 150; i++, pos++) {
		CHECK(drv_packed_is_used(&d, pos));
		CHECK_EQ(drv_packed_at(&d, pos).id, 1000 + i);
		CHECK_EQ(drv_packed_at(&d, pos).len, i);
	}
	CHECK(!drv_packed_is_used(&d, pos));
	drv_fini(&d);
}

/* Where in the trace something happens; -1 for never. */
static int find(enum umem_kind kind, u64 addr)
{
	const struct umem_event *e;
	unsigned int nr, i;

	e = umem_trace(&nr);
	for (i = 0; i < nr; i++)
		if (e[i].kind == kind && e[i].addr == addr)
			return i;
	return -1;
}

/* (A): the word with the flags, a read barrier, the address. */
TEST(packed_order_fetch)
{
	start(0, 0);
	put(0, 0, 0);
	umem_trace_start();
	CHECK_EQ(drv_fetch(&d, 1), 1);
	CHECK(find(UMEM_READ, slot_at(0) + 8) >= 0);
	CHECK(find(UMEM_READ, slot_at(0) + 8) < find(UMEM_RMB, 0));
	CHECK(find(UMEM_RMB, 0) < find(UMEM_READ, slot_at(0)));
	drv_fini(&d);
}

/* (B), (C): all but the first flags, barrier, those, barrier, suppression. */
TEST(packed_order_publish)
{
	int i, wmb, first, mb;

	start(DRV_EVENT_IDX, 0);
	for (i = 0; i < 3; i++)
		put(i, i, 0);
	CHECK_EQ(drv_fetch(&d, 64), 3);
	for (i = 0; i < 3; i++)
		CHECK(!vd_ring_complete(&d.ring, &d.batch->chain[i], 0));
	drv_packed_driver()->flags = VRING_PACKED_EVENT_FLAG_DESC;
	umem_trace_start();
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	wmb = find(UMEM_WMB, 0);
	first = find(UMEM_WRITE, slot_at(0) + 14);
	mb = find(UMEM_MB, 0);
	CHECK(wmb >= 0 && wmb < first && first < mb);
	for (i = 0; i < 3; i++) {
		int at = find(UMEM_WRITE, slot_at(i) + 8);

		CHECK(at >= 0 && at < wmb);
	}
	CHECK(find(UMEM_READ, DRV_AVAIL + 2) > mb);
	/* The event is read after the flags that name it. */
	CHECK(find(UMEM_RMB, 0) > find(UMEM_READ, DRV_AVAIL + 2));
	CHECK(find(UMEM_READ, DRV_AVAIL) > find(UMEM_RMB, 0));
	drv_fini(&d);
}

/* (D), and the event before flags that name it. */
TEST(packed_order_arm)
{
	int event, wmb, flags, mb;

	start(DRV_EVENT_IDX, 0);
	umem_trace_start();
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	event = find(UMEM_WRITE, DRV_USED);
	wmb = find(UMEM_WMB, 0);
	flags = find(UMEM_WRITE, DRV_USED + 2);
	mb = find(UMEM_MB, 0);
	CHECK(event >= 0 && event < wmb && wmb < flags && flags < mb);
	CHECK(find(UMEM_READ, slot_at(0) + 14) > mb);
	drv_fini(&d);
}

/* Complete and publish @nr chains of one descriptor each. */
static int use(u16 nr)
{
	struct vd_chain chain = { .nr_slots = 1 };
	int ret;

	while (nr--)
		CHECK(!vd_ring_complete(&d.ring, &chain, 0));
	ret = vd_ring_publish(&d.ring, true);
	umem_settle();
	return ret;
}

TEST(packed_event_flags)
{
	start(0, 0);
	CHECK_EQ(use(1), 1);
	drv_packed_driver()->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	CHECK_EQ(use(1), 0);
	/* Not acked: an event means nothing, and neither do other values. */
	drv_packed_driver()->flags = VRING_PACKED_EVENT_FLAG_DESC;
	CHECK_EQ(use(1), 1);
	drv_packed_driver()->flags = 0xffff;
	CHECK_EQ(use(1), 1);
	CHECK_EQ(vd_ring_publish(&d.ring, true), 0);
	drv_fini(&d);
}

TEST(packed_event_index)
{
	u16 pos, event;

	for (pos = 0; pos < 65000; pos += 1021) {
		start(DRV_EVENT_IDX, pos);
		drv_packed_driver()->flags = VRING_PACKED_EVENT_FLAG_DESC;
		/* The first decision is always yes. */
		drv_packed_driver()->off_wrap = drv_code(&d, pos + 5);
		CHECK_EQ(use(1), 1);
		for (event = 0; event < 2 * NUM; event++) {
			u16 at = d.ring.published;

			drv_packed_driver()->off_wrap = drv_code(&d, at + event);
			CHECK_EQ(use(3), event < 3);
		}
		drv_fini(&d);
		umem_reset();
	}
}

TEST(packed_kicks)
{
	start(DRV_EVENT_IDX, 7);
	CHECK(!vd_ring_disarm(&d.ring));
	CHECK_EQ(drv_packed_device()->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(drv_packed_device()->flags, VRING_PACKED_EVENT_FLAG_DESC);
	CHECK_EQ(drv_packed_device()->off_wrap, 7 | BIT(15));
	CHECK(drv_packed_must_kick(&d, 8, 7));
	CHECK(!vd_ring_disarm(&d.ring));
	put(7, 0, 0);
	CHECK_EQ(drv_fetch(&d, 1), 1);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(drv_packed_device()->off_wrap, 0);
	CHECK(!vd_ring_suppress(&d.ring));
	CHECK(!drv_packed_must_kick(&d, 16, 8));
	put(8, 0, 0);
	CHECK_EQ(vd_ring_arm(&d.ring), 1);
	drv_fini(&d);
}

TEST(packed_base)
{
	struct vd_ring ring;

	vd_ring_init(&ring, NULL);
	vd_ring_set_num(&ring, 4);
	vd_ring_set_base(&ring, 0x1234);
	CHECK_EQ(vd_ring_get_base(&ring), 0x1234);
	vd_ring_set_features(&ring, BIT_ULL(34));
	/* It is not reduced to the ring's size until the ring is started. */
	CHECK_EQ(vd_ring_get_base(&ring), 0x12341234);
	vd_ring_set_base(&ring, 0x80030001);
	vd_ring_set_num(&ring, 8);
	CHECK_EQ(vd_ring_get_base(&ring), 0x80030001);
	vd_ring_start(&ring, 0);
	CHECK_EQ(vd_ring_get_base(&ring), 0x80030001);
	vd_ring_set_base(&ring, 0xffffffff);
	vd_ring_start(&ring, 0);
	CHECK_EQ(vd_ring_get_base(&ring), 0x80078007);
}

/* Descriptors have no log address: the memory table translates theirs. */
TEST(packed_dirty)
{
	const struct vhost_memory_region table = {
		.guest_phys_addr = 0x7000, .memory_size = 0x1000,
		.userspace_addr = DRV_DESC,
	};
	u8 *map;

	start(DRV_LOG, 0);
	drv_set_table(&d, &table, 1);
	map = umem_ptr(DRV_LOG_MAP, DRV_LOG_LEN);
	d.log.bitmap = DRV_LOG_MAP;
	d.ring.log_gpa = 0x9000;
	CHECK(!drv_complete(&d.ring, 1, 2));
	CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
	CHECK(!vd_ring_arm(&d.ring));
	CHECK(!vd_ring_disarm(&d.ring));
	CHECK(!d.log.lost);
	CHECK_EQ(map[0], BIT(7));
	CHECK_EQ(map[1], BIT(1));
	drv_fini(&d);
}

/* In order, one entry for all that were transmitted, one for each received. */
static void check_in_order(unsigned int layout)
{
	static const u32 len[] = { 0, 0, 0, 1, 1, 0, 0 };
	static const u8 shown[] = { 0, 0, 0, 1, 1, 0, 1 };
	struct vd_chain chain[7] = {};
	u16 i, at = 0;

	drv_init(&d, NUM, layout | DRV_IN_ORDER);
	drv_start_at(&d, 0);
	for (i = 0; i < 7; i++) {
		chain[i].head = i;
		chain[i].nr_slots = 1;
		chain[i].in_len = len[i];
		CHECK(!vd_ring_complete(&d.ring, &chain[i], len[i]));
	}
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 7);
	CHECK_EQ(vd_ring_publish(&d.ring, false), 0);
	for (i = 0; i < 7; i++) {
		if (!shown[i])
			continue;
		if (layout) {
			CHECK(drv_packed_is_used(&d, at));
			CHECK_EQ(drv_packed_at(&d, at).id, i);
			CHECK_EQ(drv_packed_at(&d, at).len, len[i]);
		} else {
			CHECK_EQ(drv_used_elem(&d, at).id, i);
			CHECK_EQ(drv_used_elem(&d, at).len, len[i]);
		}
		at = i + 1;
	}
	if (!layout)
		CHECK_EQ(drv_used_idx(&d), 7);
	drv_fini(&d);
	umem_reset();
}

TEST(packed_in_order)
{
	check_in_order(DRV_PACKED);
}

TEST(split_in_order)
{
	check_in_order(0);
}

/* Heads follow from the descriptors: the avail ring is read once. */
TEST(split_in_order_heads)
{
	u16 i;

	drv_init(&d, NUM, DRV_IN_ORDER);
	for (i = 0; i < NUM; i++)
		drv_desc(&d, i, DRV_A_GPA + i, 1,
			 i == 2 || i == 7 ? NEXT : 0, (i + 1) % NUM);
	drv_offer(&d, 1);
	/* Not read. */
	for (i = 0; i < 4; i++)
		drv_offer(&d, 0xffff);
	CHECK_EQ(drv_fetch(&d, 2), 2);
	CHECK_EQ(d.batch->chain[1].head, 2);
	vd_ring_rewind(&d.ring, d.batch, 1);
	CHECK_EQ(drv_fetch(&d, 3), 3);
	CHECK_EQ(d.batch->chain[1].head, 2);
	CHECK_EQ(d.batch->chain[2].head, 4);
	CHECK_EQ(d.batch->chain[3].head, 5);
	drv_fini(&d);
}

/* Each access of a verb may fault; no window stays open, no step is half done. */
TEST(packed_faults)
{
	unsigned int nth, i;

	for (nth = 1; nth < 12; nth++) {
		start(DRV_EVENT_IDX, 0);
		put(0, 0, NEXT);
		put(1, 1, 0);
		put(2, 2, 0);
		umem_fault_nth(nth);
		drv_fetch(&d, 64);
		umem_fault_nth(0);
		umem_settle();
		if (d.batch->nr < 2) {
			vd_ring_rewind(&d.ring, d.batch, d.batch->nr);
			vd_batch_reset(d.batch);
			CHECK_EQ(drv_fetch(&d, 64), 2);
		}
		for (i = 0; i < 2; i++)
			CHECK(!vd_ring_complete(&d.ring, &d.batch->chain[i], 0));
		umem_fault_nth(nth);
		if (vd_ring_publish(&d.ring, true) < 0) {
			umem_fault_nth(0);
			umem_settle();
			CHECK_EQ(vd_ring_publish(&d.ring, true), 1);
		}
		CHECK(drv_packed_is_used(&d, 0) && drv_packed_is_used(&d, 2));
		umem_fault_nth(nth);
		if (vd_ring_arm(&d.ring) == -EFAULT) {
			umem_fault_nth(0);
			CHECK_EQ(vd_ring_arm(&d.ring), 0);
		}
		umem_fault_nth(0);
		drv_fini(&d);
		umem_reset();
	}
}
