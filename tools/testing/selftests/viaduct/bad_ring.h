/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_BAD_RING_H
#define VD_BAD_RING_H

/*
 * Malformed rings. The device must signal the error eventfd once, and must not
 * touch the ring until it is attached again; the other ring continues; the
 * worker is idle; a good ring in the same place works again; no waiting packet
 * is lost.
 *
 * The reference has no such state, and may signal again at each wake-up. These
 * tests allow no other difference.
 */
#include <endian.h>
#include <sys/mman.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

/* Further features of the driver; a test program may define them before. */
#ifndef BAD_FEATURES
#define BAD_FEATURES	0
#endif

#define NUM	256
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

FIXTURE(bad)
{
	struct rig rig;
	struct vg_ring *r;	/* the ring to corrupt */
	unsigned int q;		/* its number */
	uint16_t dir;		/* flag of its good descriptors */
	uint64_t buf;		/* good guest memory, a page */
	uint64_t table;		/* room for indirect tables */
	struct vring_desc *t;	/* the same */
	void *locked;		/* area with changed protection */
	uint16_t posted;
	unsigned int nr_frames;	/* that the far side sends to a receive ring */
	unsigned int nr_taken;	/* of these, taken but not returned */
};

FIXTURE_VARIANT(bad)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(bad, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(bad, rx) { .q = VG_RX };

FIXTURE_SETUP(bad)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) |
					     BAD_FEATURES };
	struct vg_mem *mem = &self->rig.net.mem;

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	self->q = variant->q;
	self->nr_frames = 1;
	self->r = &self->rig.net.ring[variant->q];
	self->dir = variant->q == VG_RX ? WRITE : 0;
	self->buf = vg_mem_alloc(mem, 4096, 4096);
	self->table = vg_mem_alloc(mem, 65536, vg_page());
	self->t = vg_mem_hva(mem, self->table, 65536);
	ASSERT_NE(NULL, self->t);
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(bad)
{
	rig_close(&self->rig);
}

typedef struct _test_data_bad bad_t;

static inline void set_desc(struct vring_desc *d, uint64_t addr, uint32_t len,
			    uint16_t flags, uint16_t next)
{
	d->addr = htole64(addr);
	d->len = htole32(len);
	d->flags = htole16(flags);
	d->next = htole16(next);
}

/* Writes a head into the avail ring; spoil() publishes it. */
static inline void post(bad_t *b, uint16_t head)
{
	b->r->avail->ring[b->posted++ & (NUM - 1)] = htole16(head);
}

/* A good buffer in descriptor @i. */
static inline void good(bad_t *b, int i, uint16_t flags, uint16_t next)
{
	set_desc(&b->r->desc[i], b->buf, 2048, b->dir | flags, next);
}

static inline void lock_area(bad_t *b, void *area, int prot)
{
	b->locked = area;
	if (mprotect(area, vg_page(), prot))
		abort();
}

/* Publishes the posted chains and kicks the device. */
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

/* More kicks cause no error, and the worker uses no time. */
static void expect_quiet(struct __test_metadata *_metadata, bad_t *b)
{
	int i;

	for (i = 0; i < 3; i++)
		vg_eventfd_add(b->rig.net.kick[b->q], 1);
	settle(b);
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_eventfd_take(b->rig.net.err[b->q]));
}

static void expect_recovery(struct __test_metadata *_metadata, bad_t *b)
{
	struct stream s = stream_make(&b->rig, b->q, 50);
	uint8_t frame[2048];

	ASSERT_EQ(0, vg_set_backend(b->rig.net.fd, b->q, -1));
	if (b->locked)
		ASSERT_EQ(0, mprotect(b->locked, vg_page(),
				      PROT_READ | PROT_WRITE));
	/* Frames sent before the ring broke are not part of this stream. */
	while (rig_far_recv(&b->rig, frame, sizeof(frame), NULL, 0) > 0)
		;
	vg_ring_reset(b->r, 0);
	ASSERT_EQ(0, vg_set_vring_base(b->rig.net.fd, b->q,
				       vg_ring_base(b->r)));
	vg_eventfd_take(b->rig.net.err[b->q]);
	ASSERT_EQ(0, vg_set_backend(b->rig.net.fd, b->q, b->rig.backend));
	/* The packet that met the bad ring is still there. */
	if (b->q == VG_RX && b->nr_frames) {
		s.sent = b->nr_frames;
		s.got = b->nr_frames - 1 + b->nr_taken;
	}
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(b->rig.net.err[b->q]));
}

/* @base: the position that the device must return; -1: not checked. */
static inline void check_at(struct __test_metadata *_metadata, bad_t *b, int64_t base)
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

static inline void check(struct __test_metadata *_metadata, bad_t *b)
{
	check_at(_metadata, b, vg_ring_base(b->r));
}

#endif
