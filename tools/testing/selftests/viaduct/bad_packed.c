// SPDX-License-Identifier: GPL-2.0-only
/* Malformed packed rings, and unusual ones that are valid. */
#include "../../../lib/vguest/vring.h"

#define BAD_FEATURES	(VG_BIT(VG_F_RING_PACKED) | VG_BIT(VG_F_EVENT_IDX))

#include <pthread.h>
#include <stdatomic.h>

#include "bad_ring.h"

#define AVAIL	(1U << VRING_PACKED_DESC_F_AVAIL)
#define USED	(1U << VRING_PACKED_DESC_F_USED)

/* Writes a descriptor, the flags last: a test writes the first of a chain last. */
static void put(bad_t *b, unsigned int at, uint64_t addr, uint32_t len,
		uint16_t flags)
{
	struct vring_packed_desc *d = &b->r->pdesc[at];

	d->addr = htole64(addr);
	d->len = htole32(len);
	d->id = htole16(at);
	__atomic_store_n(&d->flags, htole16(flags), __ATOMIC_RELEASE);
}

/* A good descriptor, available in the first lap. */
static void put_good(bad_t *b, unsigned int at, uint16_t flags)
{
	put(b, at, b->buf, 2048, AVAIL | b->dir | flags);
}

static void put_entry(bad_t *b, unsigned int at, uint64_t addr, uint32_t len,
		      uint16_t flags)
{
	struct vring_packed_desc *t = (void *)b->t;

	t[at].addr = htole64(addr);
	t[at].len = htole32(len);
	t[at].id = 0;
	t[at].flags = htole16(flags);
}

TEST_F(bad, table_and_next)
{
	put_entry(self, 0, self->buf, 2048, self->dir);
	put_good(self, 1, 0);
	put(self, 0, self->table, 16, AVAIL | INDIRECT | NEXT);
	check(_metadata, self);
}

TEST_F(bad, chain_without_end)
{
	int i;

	for (i = NUM - 1; i >= 0; i--)
		put_good(self, i, NEXT);
	check(_metadata, self);
}

TEST_F(bad, chain_of_empty_descriptors_without_end)
{
	int i;

	for (i = NUM - 1; i >= 0; i--)
		put(self, i, ~0ULL, 0, AVAIL | self->dir | NEXT);
	check(_metadata, self);
}

TEST_F(bad, readable_after_writable)
{
	put(self, 2, self->buf, 100, AVAIL);
	put(self, 1, self->buf, 100, AVAIL | WRITE | NEXT);
	put(self, 0, self->buf, 100, AVAIL | NEXT);
	check(_metadata, self);
}

TEST_F(bad, all_of_the_wrong_kind)
{
	put(self, 0, self->buf, 2000, AVAIL | (self->dir ^ WRITE));
	check(_metadata, self);
}

TEST_F(bad, address_in_no_region)
{
	put(self, 0, 0x10, 2048, AVAIL | self->dir);
	check(_metadata, self);
}

TEST_F(bad, buffer_that_wraps)
{
	put(self, 0, ~0ULL - 10, 2048, AVAIL | self->dir);
	check(_metadata, self);
}

TEST_F(bad, table_of_odd_length)
{
	put_entry(self, 0, self->buf, 2048, self->dir);
	put(self, 0, self->table, 17, AVAIL | INDIRECT);
	check(_metadata, self);
}

TEST_F(bad, table_of_no_length)
{
	put(self, 0, self->table, 0, AVAIL | INDIRECT);
	check(_metadata, self);
}

TEST_F(bad, table_too_long)
{
	put_entry(self, 0, self->buf, 2048, self->dir);
	put(self, 0, self->table, 16 * 65537, AVAIL | INDIRECT);
	check(_metadata, self);
}

TEST_F(bad, ring_unmapped)
{
	lock_area(self, self->r->pdesc, PROT_NONE);
	check(_metadata, self);
}

/* The device overwrites descriptors of the ring when they are used. */
TEST_F(bad, ring_read_only)
{
	put_good(self, 0, 0);
	lock_area(self, self->r->pdesc, PROT_READ);
	self->nr_taken = 1;
	check_at(_metadata, self, -1);
}

/* The descriptor is not available, which is no error. */
static void expect_nothing(struct __test_metadata *_metadata, bad_t *b)
{
	struct stream s = stream_make(&b->rig, !b->q, 50);
	unsigned int got;

	ASSERT_FINE(spoil(b));
	EXPECT_FINE(stream_run(&s, 1));
	expect_quiet(_metadata, b);
	EXPECT_EQ(0, vg_get_vring_base(b->rig.net.fd, b->q, &got));
	EXPECT_EQ(vg_ring_base(b->r), got);
	expect_recovery(_metadata, b);
}

TEST_F(bad, wrap_counter_of_the_other_lap)
{
	put(self, 0, self->buf, 2048, USED | self->dir);
	expect_nothing(_metadata, self);
}

TEST_F(bad, available_and_used)
{
	put(self, 0, self->buf, 2048, AVAIL | USED | self->dir);
	expect_nothing(_metadata, self);
}

/* 2.8.5: the driver chooses the id; the device must return it. */
TEST_F(bad, id_beyond_the_ring)
{
	struct vring_packed_desc *d = &self->r->pdesc[0];
	uint64_t end = vg_deadline_ms(10000);

	put(self, 0, self->buf, 2048, self->dir);
	d->id = htole16(0xfffe);
	__atomic_store_n(&d->flags, htole16(AVAIL | self->dir),
			 __ATOMIC_RELEASE);
	memset(vg_mem_hva(&self->rig.net.mem, self->buf, 2048), 0, 2048);
	ASSERT_FINE(spoil(self));
	while (!(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE) & USED) &&
	       !vg_expired(end))
		usleep(1000);
	EXPECT_EQ(AVAIL | USED, le16toh(d->flags) & (AVAIL | USED));
	EXPECT_EQ(0xfffe, le16toh(d->id));
	EXPECT_EQ(0, vg_eventfd_take(self->rig.net.err[self->q]));
}

/* No content of the driver's event structure may stop the ring. */
TEST_F(bad, event_structure_nonsense)
{
	static const uint16_t flags[] = { 2, 3, 0xfffe, 0xffff, 4, 0x8002 };
	static const uint16_t event[] = { 0x7fff, 0xffff, NUM, NUM | 0x8000 };
	struct vring_packed_desc_event *e = self->r->driver_event;
	unsigned int i;

	for (i = 0; i < 24; i++) {
		struct stream s = stream_make(&self->rig, self->q, 20);

		s.sent = 20 * i;
		s.got = 20 * i;
		s.count += 20 * i;
		e->off_wrap = htole16(event[i % 4]);
		e->flags = htole16(flags[i % 6]);
		EXPECT_FINE(stream_run(&s, 1));
	}
	EXPECT_EQ(0, vg_eventfd_take(self->rig.net.err[self->q]));
}

static atomic_bool over;

static void *flip(void *arg)
{
	bad_t *b = arg;
	unsigned int seed = 1, at = 0;

	while (!atomic_load(&over)) {
		uint16_t flags = rand_r(&seed);

		/* With INDIRECT, the buffer is read as a table. */
		__atomic_store_n(&b->r->pdesc[at++ % 4].flags, htole16(flags),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Flags that change while they are read: the ring may break, nothing else. */
TEST_F(bad, flags_that_change)
{
	struct stream s = stream_make(&self->rig, !self->q, 300);
	static const uint8_t frame[VG_FRAME_MIN];
	pthread_t t;
	int i;

	for (i = 0; i < 4; i++)
		put(self, i, self->buf, 2048, self->dir);
	self->nr_frames = 0;
	atomic_store(&over, false);
	ASSERT_EQ(0, pthread_create(&t, NULL, flip, self));
	for (i = 0; i < 20; i++) {
		/* A receive ring is read only when there is a packet. */
		if (self->q == VG_RX)
			EXPECT_FINE(rig_far_send(&self->rig, frame, sizeof(frame), NULL));
		vg_eventfd_add(self->rig.net.kick[self->q], 1);
		usleep(2000);
	}
	EXPECT_FINE(stream_run(&s, 1));
	atomic_store(&over, true);
	pthread_join(t, NULL);
	EXPECT_GE(1, vg_eventfd_take(self->rig.net.err[self->q]));
	/* Packets that are left do not belong to the stream that follows. */
	ASSERT_EQ(0, vg_set_backend(self->rig.net.fd, self->q, -1));
	ASSERT_FINE(rig_restart(&self->rig, self->q));
	expect_recovery(_metadata, self);
}

VD_TEST_MAIN_UNLESS(vg_dev_is_reference() ? "the reference has no such rings" :
					    NULL)
