// SPDX-License-Identifier: GPL-2.0-only
/* The verbs: fetch, rewind, complete, publish, arm, disarm, probe. */
#include <linux/kernel.h>

#include "lib/drv.h"
#include "lib/unit.h"

static struct drv d;

/* Each descriptor is a chain of one byte, distinct from all others. */
static void start(u16 num, unsigned int features)
{
	u16 i;

	drv_init(&d, num, features);
	for (i = 0; i < num; i++)
		drv_desc(&d, i, DRV_A_GPA + i, 1, 0, 0);
}

static void offer(u16 first, u16 nr)
{
	u16 i;

	for (i = 0; i < nr; i++)
		drv_offer(&d, (first + i) % d.guest.num);
}

static void check_heads(unsigned int from, u16 first, u16 nr)
{
	u16 i;

	CHECK_EQ(d.batch->nr, from + nr);
	for (i = 0; i < nr; i++) {
		const struct vd_chain *c = &d.batch->chain[from + i];

		CHECK_EQ(c->head, (first + i) % d.guest.num);
		CHECK_EQ((u64)d.batch->seg[c->first_seg].iov_base,
			 DRV_A_HVA + c->head);
	}
}

static int complete(u16 head, u32 len)
{
	int ret = drv_complete(&d.ring, head, len);

	umem_settle();
	return ret;
}

static int publish(bool may_call)
{
	int ret = vd_ring_publish(&d.ring, may_call);

	umem_settle();
	return ret;
}

static void check_used(u16 idx, u32 id, u32 len)
{
	struct vring_used_elem e = drv_used_elem(&d, idx);

	CHECK_EQ(e.id, id);
	CHECK_EQ(e.len, len);
}

TEST(ring_after_open)
{
	struct vd_ring ring;

	vd_ring_init(&ring, NULL);
	CHECK_EQ(ring.num, 1);
	CHECK(!ring.desc.base && !ring.driver.base && !ring.device.base);
	CHECK(!ring.is_mapped);
	CHECK_EQ(ring.next_avail, 0);
}

/* The check before a change must agree with the result of the change. */
static bool is_user(u64 desc, u64 avail, u64 used)
{
	const struct vhost_vring_addr addr = {
		.desc_user_addr = desc,
		.avail_user_addr = avail,
		.used_user_addr = used,
	};

	bool ret = vd_ring_can_set_addr(&d.ring, &addr);

	vd_ring_set_addr(&d.ring, &addr);
	CHECK_EQ(vd_ring_is_user(&d.ring), ret);
	return ret;
}

/* Each area may end where user space does, and not a byte later. */
TEST(ring_is_user)
{
	const u64 top = UMEM_TOP;

	vd_ring_init(&d.ring, &d.log);
	vd_ring_set_num(&d.ring, 4);
	CHECK(is_user(top - 64, top - 12, top - 36));
	CHECK(!is_user(top - 63, top - 12, top - 36));
	CHECK(!is_user(top - 64, top - 11, top - 36));
	CHECK(!is_user(top - 64, top - 12, top - 35));
	vd_ring_set_features(&d.ring, BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	CHECK(is_user(top - 64, top - 14, top - 38));
	CHECK(!is_user(top - 64, top - 12, top - 38));
	CHECK(!is_user(top - 64, top - 14, top - 36));
	CHECK(!is_user(~0ULL - 15, top - 14, top - 38));
}

/* An address that cannot be logged is refused, and changes nothing. */
TEST(ring_can_set_addr_with_log)
{
	struct vhost_vring_addr addr = {
		.desc_user_addr = DRV_DESC,
		.avail_user_addr = DRV_AVAIL,
		.used_user_addr = DRV_USED,
		.flags = BIT(VHOST_VRING_F_LOG),
		.log_guest_addr = DRV_LOG_GPA,
	};

	drv_init(&d, 256, 0);
	CHECK(vd_ring_can_set_addr(&d.ring, &addr));
	addr.log_guest_addr = ~0ULL - 3;
	CHECK(!vd_ring_can_set_addr(&d.ring, &addr));
	addr.flags = 0;
	CHECK(vd_ring_can_set_addr(&d.ring, &addr));
	addr.flags = BIT(VHOST_VRING_F_LOG);
	addr.log_guest_addr = DRV_LOG_GPA;
	d.log.bitmap = UMEM_TOP;
	CHECK(!vd_ring_can_set_addr(&d.ring, &addr));
	CHECK(!d.ring.is_logged);
	drv_fini(&d);
}

TEST(ring_probe_and_start)
{
	struct vring_used *used;
	u16 idx = 0;

	start(4, 0);
	used = umem_ptr(DRV_USED, sizeof(*used));
	used->flags = cpu_to_le16(VRING_USED_F_NO_NOTIFY);
	used->idx = cpu_to_le16(0x1234);
	vd_ring_set_base(&d.ring, 7);
	CHECK(!vd_ring_probe(&d.ring, &d.mem, &idx));
	CHECK_EQ(idx, 0x1234);
	CHECK_EQ(drv_used_flags(), 0);
	vd_ring_start(&d.ring, idx);
	CHECK_EQ(d.ring.next_avail, 7);
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 0);
	drv_set_avail_idx(&d, 7);
	CHECK_EQ(drv_fetch(&d, 64), 0);
	drv_fini(&d);
}

TEST(ring_fetch_what_is_there)
{
	start(16, 0);
	CHECK_EQ(drv_fetch(&d, 64), 0);
	offer(0, 5);
	CHECK_EQ(drv_fetch(&d, 3), 3);
	check_heads(0, 0, 3);
	CHECK_EQ(drv_fetch(&d, 3), 2);
	check_heads(3, 3, 2);
	CHECK_EQ(drv_fetch(&d, 3), 0);
	CHECK_EQ(d.ring.next_avail, 5);
	drv_fini(&d);
}

TEST(ring_fetch_full_batch)
{
	start(128, 0);
	offer(0, 100);
	CHECK_EQ(drv_fetch(&d, 100), VD_BATCH);
	CHECK_EQ(drv_fetch(&d, 1), -ENOSPC);
	check_heads(0, 0, VD_BATCH);
	vd_batch_reset(d.batch);
	CHECK_EQ(drv_fetch(&d, 100), 100 - VD_BATCH);
	check_heads(0, VD_BATCH, 100 - VD_BATCH);
	drv_fini(&d);
}

TEST(ring_fetch_full_batch_of_empty_ring)
{
	start(128, 0);
	offer(0, VD_BATCH);
	CHECK_EQ(drv_fetch(&d, VD_BATCH), VD_BATCH);
	CHECK_EQ(drv_fetch(&d, 1), 0);
	drv_fini(&d);
}

/* Pieces run out before chains do: the rest waits for the next batch. */
TEST(ring_fetch_no_room_for_pieces)
{
	u16 i;

	drv_init(&d, 2048, 0);
	for (i = 0; i < 1200; i++)
		drv_desc(&d, i, DRV_A_GPA, 1,
			 i % 400 == 399 ? 0 : VRING_DESC_F_NEXT, i + 1);
	for (i = 0; i < 3; i++)
		drv_offer(&d, i * 400);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	CHECK_EQ(d.batch->nr_seg, 800);
	CHECK_EQ(drv_fetch(&d, 64), -ENOSPC);
	CHECK_EQ(d.batch->nr_seg, 800);
	CHECK_EQ(d.ring.next_avail, 2);
	vd_batch_reset(d.batch);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->chain[0].out_len, 400);
	drv_fini(&d);
}

TEST(ring_fetch_index_too_far)
{
	start(8, 0);
	drv_set_avail_idx(&d, 9);
	CHECK_EQ(drv_fetch(&d, 64), -EPROTO);
	drv_set_avail_idx(&d, 0xffff);
	CHECK_EQ(drv_fetch(&d, 64), -EPROTO);
	drv_set_avail_idx(&d, 8);
	CHECK_EQ(drv_fetch(&d, 64), 8);
	drv_fini(&d);
}

TEST(ring_rewind)
{
	start(16, 0);
	offer(0, 6);
	CHECK_EQ(drv_fetch(&d, 64), 6);
	vd_ring_rewind(&d.ring, d.batch, 0);
	CHECK_EQ(d.batch->nr, 6);
	vd_ring_rewind(&d.ring, d.batch, 4);
	check_heads(0, 0, 2);
	CHECK_EQ(d.batch->nr_seg, 2);
	CHECK_EQ(d.batch->nr_desc, 2);
	CHECK_EQ(drv_fetch(&d, 3), 3);
	check_heads(0, 0, 5);
	vd_ring_rewind(&d.ring, d.batch, 5);
	CHECK_EQ(d.batch->nr_seg, 0);
	CHECK_EQ(drv_fetch(&d, 64), 6);
	check_heads(0, 0, 6);
	drv_fini(&d);
}

TEST(ring_complete_and_publish)
{
	start(16, 0);
	offer(0, 3);
	CHECK_EQ(drv_fetch(&d, 64), 3);
	CHECK(!complete(2, 100));
	CHECK(!complete(0, 0));
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 2);
	CHECK_EQ(drv_used_idx(&d), 0);
	CHECK_EQ(publish(true), 1);
	CHECK_EQ(drv_used_idx(&d), 2);
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 0);
	check_used(0, 2, 100);
	check_used(1, 0, 0);
	CHECK_EQ(publish(true), 0);
	CHECK(!complete(1, ~0U));
	CHECK_EQ(publish(false), 0);
	check_used(2, 1, ~0U);
	drv_fini(&d);
}

/* More than fits in the pending array: written early, shown late. */
TEST(ring_complete_more_than_a_batch)
{
	u16 i;

	start(256, 0);
	offer(0, 200);
	for (i = 0; i < 200; i++)
		CHECK(!complete(i, i * 3));
	CHECK_EQ(vd_ring_nr_completed(&d.ring), 200);
	CHECK_EQ(drv_used_idx(&d), 0);
	CHECK_EQ(publish(true), 1);
	CHECK_EQ(drv_used_idx(&d), 200);
	for (i = 0; i < 200; i++)
		check_used(i, i, i * 3);
	drv_fini(&d);
}

/* The whole ring in each round, past the wrap of the 16-bit indices. */
static void run_round(u16 num, unsigned int features, u16 step, u16 idx)
{
	u32 total = 0;
	u16 i;

	start(num, features);
	drv_start_at(&d, idx);
	while (total < 140000) {
		offer(idx, step);
		CHECK_EQ(drv_fetch(&d, step), step);
		check_heads(0, idx, step);
		for (i = 0; i < step; i++)
			CHECK(!complete(d.batch->chain[i].head, idx + i));
		CHECK(publish(true) >= 0);
		for (i = 0; i < step; i++)
			check_used(idx + i, (u16)(idx + i) % num,
				   (u32)idx + i);
		vd_batch_reset(d.batch);
		idx += step;
		total += step;
		CHECK_EQ(drv_used_idx(&d), idx);
	}
	drv_fini(&d);
	umem_reset();
}

TEST(ring_wraps)
{
	run_round(1, 0, 1, 0xfffe);
	run_round(2, 0, 2, 0);
	run_round(4, DRV_EVENT_IDX, 3, 0xfff1);
	run_round(256, 0, 61, 0x8000);
	run_round(32768, DRV_EVENT_IDX, 64, 0xffc1);
}

/* As much in flight as there can be, on both sides of the wrap. */
TEST(ring_full_at_index_wrap)
{
	start(32768, 0);
	drv_start_at(&d, 0xc000);
	d.avail_idx = 0xc000;
	drv_set_avail_idx(&d, 0x4000);
	CHECK_EQ(drv_fetch(&d, 64), 64);
	drv_set_avail_idx(&d, 0x4041);
	CHECK_EQ(drv_fetch(&d, 64), -EPROTO);
	drv_fini(&d);
}

TEST(ring_arm_by_flags)
{
	start(8, 0);
	CHECK(!vd_ring_disarm(&d.ring));
	CHECK_EQ(drv_used_flags(), VRING_USED_F_NO_NOTIFY);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(drv_used_flags(), 0);
	CHECK(!vd_ring_disarm(&d.ring));
	offer(0, 1);
	CHECK_EQ(vd_ring_arm(&d.ring), 1);
	CHECK_EQ(drv_used_flags(), 0);
	drv_fini(&d);
}

/* What is written already is not written again. */
TEST(ring_arm_writes_once)
{
	unsigned long before;

	start(8, 0);
	CHECK(!vd_ring_disarm(&d.ring));
	before = umem_nr_accesses();
	CHECK(!vd_ring_disarm(&d.ring));
	CHECK_EQ(umem_nr_accesses(), before);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	before = umem_nr_accesses();
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(umem_nr_accesses(), before + 1);
	drv_fini(&d);
}

/* New chains are those after the last read of the index, not unfetched ones. */
TEST(ring_arm_by_event_idx)
{
	start(8, DRV_EVENT_IDX);
	drv_start_at(&d, 0xfffe);
	offer(0, 3);
	CHECK_EQ(drv_fetch(&d, 1), 1);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(drv_avail_event(&d), 1);
	CHECK_EQ(drv_used_flags(), 0);
	offer(3, 1);
	CHECK_EQ(vd_ring_arm(&d.ring), 1);
	CHECK_EQ(drv_avail_event(&d), 1);
	CHECK(!vd_ring_disarm(&d.ring));
	CHECK_EQ(drv_used_flags(), 0);
	CHECK_EQ(drv_fetch(&d, 64), 3);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(drv_avail_event(&d), 2);
	drv_fini(&d);
}

/* A smaller ring than its areas: the events move with the size. */
TEST(ring_event_places)
{
	start(2, DRV_EVENT_IDX);
	drv_set_used_event(&d, 0x5555);
	offer(0, 2);
	CHECK_EQ(drv_fetch(&d, 2), 2);
	CHECK_EQ(*(u16 *)umem_ptr(DRV_AVAIL + 4 + 2 * 2, 2), 0x5555);
	CHECK_EQ(vd_ring_arm(&d.ring), 0);
	CHECK_EQ(*(u16 *)umem_ptr(DRV_USED + 4 + 8 * 2, 2), 2);
	drv_fini(&d);
}
