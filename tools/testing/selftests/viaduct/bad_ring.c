// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings that no driver may write. The device says so once through the error
 * eventfd and leaves the ring alone until it is attached again; the other ring
 * goes on; the worker is idle; a good ring in the same place works again; no
 * packet that waited is lost.
 *
 * The reference has no such state: it may say so again at each wake-up. That
 * is the only difference that these tests allow it.
 */
#include <endian.h>
#include <poll.h>
#include <sys/mman.h>

#include "rig.h"
#include "vd_test.h"
#include "worker.h"

#define NUM	256
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define IDLE_MS	100	/* how long the worker is watched */

FIXTURE(bad)
{
	struct rig rig;
	struct vg_ring *r;	/* the ring to spoil */
	unsigned int q;		/* its number */
	uint16_t dir;		/* flag of its good descriptors */
	uint64_t buf;		/* good guest memory, a page */
	uint64_t table;		/* room for indirect tables */
	struct vring_desc *t;	/* the same */
	void *locked;		/* area whose protection was changed */
	uint16_t posted;
	unsigned int nr_frames;	/* that the far side sends a receive ring */
};

FIXTURE_VARIANT(bad)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(bad, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(bad, rx) { .q = VG_RX };

FIXTURE_SETUP(bad)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct vg_mem *mem = &self->rig.net.mem;

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	self->q = variant->q;
	self->nr_frames = 1;
	self->r = &self->rig.net.ring[variant->q];
	self->dir = variant->q == VG_RX ? WRITE : 0;
	self->buf = vg_mem_alloc(mem, 4096, 4096);
	self->table = vg_mem_alloc(mem, 65536, 4096);
	self->t = vg_mem_hva(mem, self->table, 65536);
	ASSERT_NE(NULL, self->t);
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(bad)
{
	rig_close(&self->rig);
}

typedef struct _test_data_bad bad_t;

static void set_desc(struct vring_desc *d, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	d->addr = htole64(addr);
	d->len = htole32(len);
	d->flags = htole16(flags);
	d->next = htole16(next);
}

/* A head into the avail ring; shown by spoil(). */
static void post(bad_t *b, uint16_t head)
{
	b->r->avail->ring[b->posted++ & (NUM - 1)] = htole16(head);
}

/* A good buffer in descriptor @i. */
static void good(bad_t *b, int i, uint16_t flags, uint16_t next)
{
	set_desc(&b->r->desc[i], b->buf, 2048, b->dir | flags, next);
}

static void lock_area(bad_t *b, void *area, int prot)
{
	b->locked = area;
	if (mprotect(area, 4096, prot))
		abort();
}

/* Shows what was posted and makes the device look at it. */
static const char *spoil(bad_t *b)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	unsigned int i;
	size_t len;

	if (b->posted)
		__atomic_store_n(&b->r->avail->idx, htole16(b->posted),
				 __ATOMIC_RELEASE);
	for (i = 0; b->q == VG_RX && i < b->nr_frames; i++) {
		len = stream_frame(&b->rig, VG_RX, i, frame, &hdr);
		if (rig_far_send(&b->rig, frame, len, &hdr))
			return b->rig.why;
	}
	vg_eventfd_add(b->rig.net.kick[b->q], 1);
	return NULL;
}

/* All jobs of the worker have run when this call returns. */
static void settle(bad_t *b)
{
	if (vg_set_log_fd(b->rig.net.fd, -1))
		abort();
}

static void expect_error(struct __test_metadata *_metadata, bad_t *b)
{
	uint64_t n;

	n = vg_eventfd_wait(b->rig.net.err[b->q], vg_deadline_ms(10000));
	EXPECT_LE(1, n);
	if (!vg_dev_is_reference())
		EXPECT_EQ(1, n);
}

/* More kicks and packets change nothing: no error, no work, no time. */
static void expect_quiet(struct __test_metadata *_metadata, bad_t *b)
{
	struct pollfd p = { .fd = b->rig.net.err[b->q], .events = POLLIN };
	pid_t tid = worker_find(getpid());
	uint64_t before;
	int i;

	for (i = 0; i < 3; i++)
		vg_eventfd_add(b->rig.net.kick[b->q], 1);
	settle(b);
	ASSERT_NE(0, tid);
	before = worker_runtime(tid);
	ASSERT_NE(0, before);
	EXPECT_EQ(0, poll(&p, 1, IDLE_MS));
	EXPECT_GT(1000000, worker_runtime(tid) - before) {
		TH_LOG("the worker ran for %llu ns",
		       (unsigned long long)worker_runtime(tid) - before);
	}
}

static void expect_recovery(struct __test_metadata *_metadata, bad_t *b)
{
	struct stream s = stream_make(&b->rig, b->q, 50);
	uint8_t frame[2048];

	ASSERT_EQ(0, vg_set_backend(b->rig.net.fd, b->q, -1));
	if (b->locked)
		ASSERT_EQ(0, mprotect(b->locked, 4096,
				      PROT_READ | PROT_WRITE));
	/* What was sent before the ring broke is not this stream's. */
	while (rig_far_recv(&b->rig, frame, sizeof(frame), NULL, 0) > 0)
		;
	vg_ring_reset(b->r, 0);
	ASSERT_EQ(0, vg_set_vring_base(b->rig.net.fd, b->q, 0));
	vg_eventfd_take(b->rig.net.err[b->q]);
	ASSERT_EQ(0, vg_set_backend(b->rig.net.fd, b->q, b->rig.backend));
	/* The packet that met the bad ring is still there. */
	if (b->q == VG_RX) {
		s.sent = b->nr_frames;
		s.got = b->nr_frames - 1;
	}
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(b->rig.net.err[b->q]));
}

/* @base: the position that the device must stand at; -1: not told. */
static void check_at(struct __test_metadata *_metadata, bad_t *b, int base)
{
	struct stream s = stream_make(&b->rig, !b->q, 50);
	unsigned int got;

	ASSERT_FINE(spoil(b));
	expect_error(_metadata, b);
	EXPECT_FINE(stream_run(&s, 1));
	if (!vg_dev_is_reference())
		expect_quiet(_metadata, b);
	EXPECT_EQ(0, vg_get_vring_base(b->rig.net.fd, b->q, &got));
	if (base >= 0)
		EXPECT_EQ(base, got);
	expect_recovery(_metadata, b);
}

static void check(struct __test_metadata *_metadata, bad_t *b)
{
	check_at(_metadata, b, 0);
}

TEST_F(bad, index_too_far)
{
	good(self, 0, 0, 0);
	post(self, 0);
	self->posted = NUM + 1;
	check(_metadata, self);
}

TEST_F(bad, index_behind)
{
	self->posted = 65535;
	check(_metadata, self);
}

TEST_F(bad, head_out_of_range)
{
	post(self, NUM);
	check(_metadata, self);
}

TEST_F(bad, head_far_out_of_range)
{
	post(self, 0xffff);
	check(_metadata, self);
}

TEST_F(bad, next_out_of_range)
{
	good(self, 0, NEXT, NUM);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_of_one)
{
	good(self, 0, NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_of_two)
{
	good(self, 0, NEXT, 1);
	good(self, 1, NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_of_empty_descriptors)
{
	set_desc(&self->r->desc[0], self->buf, 0, self->dir | NEXT, 1);
	set_desc(&self->r->desc[1], self->buf, 0, self->dir | NEXT, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, loop_through_the_whole_ring)
{
	int i;

	for (i = 0; i < NUM; i++)
		set_desc(&self->r->desc[i], self->buf, 1, self->dir | NEXT,
			 (i + 1) % NUM);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, readable_after_writable)
{
	set_desc(&self->r->desc[0], self->buf, 100, NEXT, 1);
	set_desc(&self->r->desc[1], self->buf, 100, NEXT | WRITE, 2);
	set_desc(&self->r->desc[2], self->buf, 100, 0, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, address_in_no_region)
{
	set_desc(&self->r->desc[0], 0x10, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, address_beyond_all_regions)
{
	set_desc(&self->r->desc[0], 1ULL << 60, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, length_leaves_the_region)
{
	struct vg_region *last = &self->rig.net.mem.region[1];

	set_desc(&self->r->desc[0], last->gpa + last->size - 100, 2048,
		 self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, longest_length)
{
	set_desc(&self->r->desc[0], self->buf, UINT32_MAX, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, address_wraps)
{
	set_desc(&self->r->desc[0], UINT64_MAX - 100, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

TEST_F(bad, second_piece_in_no_region)
{
	good(self, 0, NEXT, 1);
	set_desc(&self->r->desc[1], 0x10, 2048, self->dir, 0);
	post(self, 0);
	check(_metadata, self);
}

/* Chains before the bad one are served; the bad one is where it stands. */
TEST_F(bad, after_good_ones)
{
	int i;

	memset(vg_mem_hva(&self->rig.net.mem, self->buf, 4096), 0, 4096);
	for (i = 0; i < 3; i++) {
		good(self, i, 0, 0);
		post(self, i);
	}
	set_desc(&self->r->desc[3], 0x10, 100, self->dir, 0);
	post(self, 3);
	self->nr_frames = 4;
	check_at(_metadata, self, 3);
}

static void indirect(bad_t *b, uint64_t gpa, uint32_t len, uint16_t flags)
{
	set_desc(&b->r->desc[0], gpa, len, INDIRECT | flags, 1);
	post(b, 0);
}

TEST_F(bad, table_length_odd)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 17, 0);
	check(_metadata, self);
}

TEST_F(bad, table_empty)
{
	indirect(self, self->table, 0, 0);
	check(_metadata, self);
}

TEST_F(bad, table_in_no_region)
{
	indirect(self, 0x10, 16, 0);
	check(_metadata, self);
}

TEST_F(bad, table_too_long)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 16 * 65537, 0);
	check(_metadata, self);
}

TEST_F(bad, table_in_table)
{
	set_desc(&self->t[0], self->buf, 100, self->dir | NEXT, 1);
	set_desc(&self->t[1], self->table + 64, 16, INDIRECT, 0);
	set_desc(&self->t[4], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 32, 0);
	check(_metadata, self);
}

TEST_F(bad, chain_leaves_the_table)
{
	set_desc(&self->t[0], self->buf, 100, self->dir | NEXT, 1);
	set_desc(&self->t[1], self->buf, 100, self->dir | NEXT, 2);
	set_desc(&self->t[2], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 32, 0);
	check(_metadata, self);
}

TEST_F(bad, address_in_table_in_no_region)
{
	set_desc(&self->t[0], 0x10, 100, self->dir, 0);
	indirect(self, self->table, 16, 0);
	check(_metadata, self);
}

TEST_F(bad, avail_ring_unreadable)
{
	lock_area(self, self->r->avail, PROT_NONE);
	self->posted = 0;
	check(_metadata, self);
}

TEST_F(bad, descriptors_unreadable)
{
	good(self, 0, 0, 0);
	post(self, 0);
	lock_area(self, self->r->desc, PROT_NONE);
	check(_metadata, self);
}

TEST_F(bad, table_unreadable)
{
	set_desc(&self->t[0], self->buf, 100, self->dir, 0);
	indirect(self, self->table, 16, 0);
	lock_area(self, self->t, PROT_NONE);
	check(_metadata, self);
}

VD_TEST_MAIN
