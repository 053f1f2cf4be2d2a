// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains that the first pass translates: a hit leaves the copy of its descriptor
 * unwritten, and a chain of another kind does not.
 */
#include <linux/kernel.h>
#include <string.h>

#include "lib/drv.h"
#include "lib/unit.h"

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT
#define POISON		0xa5
#define TABLE		(DRV_A_GPA + 0x8000)

static struct drv d;

/* The descriptor in @slot, of either format, as a chain of its own. */
static void put(u16 slot, u64 addr, u32 len, u16 flags)
{
	if (d.ring.is_packed)
		drv_packed_desc(&d, slot, addr, len, slot,
				drv_packed_avail(&d, slot, flags));
	else
		drv_desc(&d, slot, addr, len, flags, slot + 1);
}

static void offer(u16 head)
{
	if (!d.ring.is_packed)
		drv_offer(&d, head);
}

static void put_chain(u16 slot, u64 addr, u32 len, u16 flags)
{
	put(slot, addr, len, flags);
	offer(slot);
}

/* A ring with two earlier chains, in slots 0 and 1, in regions A and C. */
static void start(unsigned int features)
{
	drv_init(&d, 16, features);
	put_chain(0, DRV_A_GPA, 8, 0);
	put_chain(1, DRV_C_GPA, 8, WRITE);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	vd_batch_reset(d.batch);
	memset(d.batch->desc, POISON, sizeof(d.batch->desc));
}

/* Whether the first pass translated chain @i. */
static bool is_hit(unsigned int i)
{
	const struct vd_desc *desc = &d.batch->desc[d.batch->chain[i].first_desc];
	struct vd_desc poison;

	memset(&poison, POISON, sizeof(poison));
	return !memcmp(desc, &poison, sizeof(poison));
}

static void check_chain(unsigned int i, u64 hva, u32 len, bool write)
{
	const struct vd_chain *chain = &d.batch->chain[i];
	const struct iovec *seg = &d.batch->seg[chain->first_seg];

	CHECK_EQ(chain->head, i + 2);
	CHECK_EQ(chain->nr_out, !write);
	CHECK_EQ(chain->nr_in, write);
	CHECK_EQ(chain->out_len, write ? 0 : len);
	CHECK_EQ(chain->in_len, write ? len : 0);
	CHECK_EQ(chain->nr_slots, 1);
	CHECK_EQ((u64)seg->iov_base, hva);
	CHECK_EQ(seg->iov_len, len);
}

static void check_hits(unsigned int features)
{
	unsigned int i;

	start(features);
	/* Regions alternate: both have been found before. */
	put_chain(2, DRV_A_GPA + 64, 100, 0);
	put_chain(3, DRV_C_GPA + 64, 200, 0);
	put_chain(4, DRV_A_GPA + 128, 300, WRITE);
	put_chain(5, DRV_C_GPA + DRV_C_LEN - 400, 400, WRITE);
	CHECK_EQ(drv_fetch(&d, 64), 4);
	check_chain(0, DRV_A_HVA + 64, 100, false);
	check_chain(1, DRV_C_HVA + 64, 200, false);
	check_chain(2, DRV_A_HVA + 128, 300, true);
	check_chain(3, DRV_C_HVA + DRV_C_LEN - 400, 400, true);
	for (i = 0; i < 4; i++)
		CHECK(is_hit(i));
	CHECK_EQ(d.batch->gpa[3], DRV_C_GPA + DRV_C_LEN - 400);
	CHECK_EQ(d.batch->nr_seg, 4);
	CHECK_EQ(d.batch->nr_desc, 4);
	CHECK_EQ(drv_fetch(&d, 64), 0);
	drv_fini(&d);
	umem_reset();
}

TEST(hit_of_a_known_region)
{
	check_hits(0);
	check_hits(DRV_IN_ORDER);
	check_hits(DRV_PACKED);
	check_hits(DRV_PACKED | DRV_IN_ORDER);
}

/* Chains 2 and 4 could be hits; the second pass begins with chain 3. */
static void check_no_hit(unsigned int features, u64 addr, u32 len, u16 flags)
{
	start(features);
	drv_table_desc(TABLE, 0, DRV_A_GPA, 4, 0, 0);
	put_chain(2, DRV_A_GPA + 64, 100, 0);
	put_chain(3, addr, len, flags);
	if (flags & NEXT) {
		put(4, DRV_A_GPA, 4, 0);
		put_chain(5, DRV_C_GPA, 7, 0);
	} else {
		put_chain(4, DRV_C_GPA, 7, 0);
	}
	CHECK_EQ(drv_fetch(&d, 64), 3);
	CHECK(is_hit(0));
	check_chain(0, DRV_A_HVA + 64, 100, false);
	CHECK(!is_hit(1));
	CHECK(!is_hit(2));
	CHECK_EQ(d.batch->chain[2].out_len, 7);
	CHECK_EQ((u64)d.batch->seg[d.batch->nr_seg - 1].iov_base, DRV_C_HVA);
	drv_fini(&d);
	umem_reset();
}

static void check_no_hits(unsigned int features)
{
	check_no_hit(features, DRV_A_GPA, 8, NEXT);
	check_no_hit(features, TABLE, 16, INDIRECT);
	/* A third region, and a buffer in two. */
	check_no_hit(features, DRV_B_GPA, 8, 0);
	check_no_hit(features, DRV_B_GPA - 8, 16, 0);
}

TEST(hit_is_not_taken)
{
	check_no_hits(0);
	check_no_hits(DRV_PACKED);
}

/* Nothing was found before: the second pass translates. */
TEST(hit_without_hint)
{
	drv_init(&d, 16, 0);
	memset(d.batch->desc, POISON, sizeof(d.batch->desc));
	put_chain(0, DRV_A_GPA, 8, 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK(!is_hit(0));
	drv_fini(&d);
	umem_reset();
}

/* The length of an empty buffer less one wraps, and would fit into such a region. */
TEST(hit_of_an_empty_buffer)
{
	const struct vhost_memory_region huge = {
		.guest_phys_addr = DRV_A_GPA,
		.memory_size = 16ULL << 30,
		.userspace_addr = DRV_A_HVA,
	};

	drv_init_ring(&d, 16, 0);
	drv_set_table(&d, &huge, 1);
	put_chain(0, DRV_A_GPA, 8, 0);
	put_chain(1, DRV_A_GPA, 0, 0);
	CHECK_EQ(drv_fetch(&d, 1), 1);
	CHECK_EQ(drv_fetch(&d, 1), 1);
	CHECK_EQ(d.batch->chain[1].nr_out, 0);
	CHECK_EQ(d.batch->nr_seg, 1);
	CHECK_EQ(d.batch->nr_empty, 1);
	drv_fini(&d);
	umem_reset();
}

/* A fetch that fills the batch with hits takes the rest when there is room. */
static void check_full(unsigned int features)
{
	start(features);
	d.batch->nr_seg = VD_MAX_SEGS - 1;
	d.batch->nr_desc = VD_MAX_SEGS - 1;
	put_chain(2, DRV_A_GPA, 8, 0);
	put_chain(3, DRV_A_GPA, 8, 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK_EQ(d.batch->nr_seg, VD_MAX_SEGS);
	CHECK_EQ(drv_fetch(&d, 64), -ENOSPC);
	vd_batch_reset(d.batch);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	drv_fini(&d);
	umem_reset();
}

TEST(hit_of_a_full_batch)
{
	check_full(0);
	check_full(DRV_PACKED);
}

/* An access that neither hint permits is left to the lookup. */
TEST(hit_without_permission)
{
	drv_init(&d, 16, 0);
	d.mem.hint[0].region = d.regions->region[0];
	d.mem.hint[0].perm = VHOST_ACCESS_RO;
	memset(d.batch->desc, POISON, sizeof(d.batch->desc));
	put_chain(0, DRV_A_GPA, 8, 0);
	put_chain(1, DRV_A_GPA, 8, WRITE);
	CHECK_EQ(drv_fetch(&d, 64), 2);
	CHECK(is_hit(0));
	CHECK(!is_hit(1));
	drv_fini(&d);
	umem_reset();
}

/* The second hint serves without the first. */
TEST(hit_after_forgotten_hint)
{
	start(0);
	vd_mem_forget(&d.mem, DRV_C_GPA, DRV_C_GPA);
	CHECK(!d.mem.hint[0].perm);
	CHECK(d.mem.hint[1].perm);
	put_chain(2, DRV_A_GPA + 64, 100, 0);
	CHECK_EQ(drv_fetch(&d, 64), 1);
	CHECK(is_hit(0));
	vd_mem_forget(&d.mem, DRV_A_GPA, DRV_A_GPA);
	CHECK(!d.mem.hint[1].perm);
	drv_fini(&d);
	umem_reset();
}

static unsigned int nr_reads(u64 addr)
{
	const struct umem_event *e;
	unsigned int nr, i, reads = 0;

	e = umem_trace(&nr);
	for (i = 0; i < nr; i++)
		reads += e[i].kind == UMEM_READ && e[i].addr == addr;
	return reads;
}

/* Hits are read once, as is the chain at which the first pass stops translating. */
static void check_reads(unsigned int features)
{
	u64 at;

	start(features);
	put_chain(2, DRV_A_GPA, 8, 0);
	put_chain(3, DRV_B_GPA, 8, 0);
	put_chain(4, DRV_A_GPA, 8, 0);
	umem_trace_start();
	CHECK_EQ(drv_fetch(&d, 3), 3);
	CHECK(is_hit(0) && !is_hit(1) && !is_hit(2));
	for (at = 2 * 16; at < 5 * 16; at += 8)
		CHECK_EQ(nr_reads(DRV_DESC + at), 1);
	if (!d.ring.is_packed) {
		CHECK_EQ(nr_reads(DRV_AVAIL + 2), 1);
		for (at = 2; at < 5; at++)
			CHECK_EQ(nr_reads(DRV_AVAIL + 4 + 2 * at), 1);
	}
	drv_fini(&d);
	umem_reset();
}

TEST(hit_reads_once)
{
	check_reads(0);
	check_reads(DRV_PACKED);
}
