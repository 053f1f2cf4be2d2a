// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: one bit for each page of 4096 guest bytes that the device has
 * written, nothing for those that it has not.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "rig.h"
#include "vd_test.h"

#define LOG_ALL		VG_BIT(26)
#define LOG_PAGES	(1 << 22)	/* 16 GiB, far above our memory */
#define LOG_BYTES	(LOG_PAGES / 8)

static struct rig rig;
static uint8_t *map;			/* the device's bitmap */
static uint8_t want[LOG_BYTES];		/* what it should be */

static const char *set_up(uint64_t features, uint32_t rx_size)
{
	struct vg_net_opts o = { .features = features, .rx_size = rx_size,
				 .num = { 256, 256 }, .seed = 21 };
	const char *why = rig_open(&rig, RIG_TAP, &o);
	int ret;

	if (why)
		return why;
	if (!(rig.net.offered & LOG_ALL))
		return NULL;
	map = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return "no memory for the bitmap";
	ret = vg_set_log_base(rig.net.fd, (uintptr_t)map);
	return ret ? rig_fail(&rig, "SET_LOG_BASE: %s", strerror(-ret)) : NULL;
}

#define SET_UP(features, size) do { \
	ASSERT_FINE(set_up(features, size)); \
	if (!(rig.net.offered & LOG_ALL)) \
		SKIP(return, "no LOG_ALL offered"); \
} while (0)

static int log_all(bool on)
{
	return vg_set_features(rig.net.fd,
			       rig.net.features | (on ? LOG_ALL : 0));
}

static void mark(uint8_t *bits, uint64_t gpa, uint64_t len)
{
	uint64_t page;

	for (page = gpa / 4096; len && page <= (gpa + len - 1) / 4096; page++)
		bits[page / 8] |= 1 << page % 8;
}

static bool marked(uint64_t gpa)
{
	return map[gpa / 4096 / 8] & 1 << gpa / 4096 % 8;
}

static bool map_is_empty(void)
{
	unsigned int i;

	for (i = 0; i < LOG_BYTES; i++)
		if (map[i])
			return false;
	return true;
}

static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

/* Receives @nr frames, and marks the pages that were written in @want. */
static const char *receive(unsigned int nr)
{
	struct vg_ring *r = &rig.net.ring[VG_RX];
	uint64_t deadline = vg_deadline_ms(10000);
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	unsigned int i, j;
	struct vg_used u;
	size_t sum = 0;

	vg_net_fill(&rig.net);
	for (i = 0; i < nr; i++) {
		size_t len = stream_frame(&rig, VG_RX, i, frame, &hdr);

		if (rig_far_send(&rig, frame, len, &hdr))
			return rig.why;
		sum += len + rig.net.hdr_len;
	}
	while (sum) {
		if (!vg_ring_wait(r, deadline))
			return rig_fail(&rig, "%zu bytes are missing", sum);
		while (vg_ring_get(r, &u) > 0) {
			struct vg_buf *b = u.token;

			sum -= u.len;
			for (j = 0; j < b->nr_seg && u.len; j++) {
				uint32_t n = b->seg[j].len < u.len ?
					     b->seg[j].len : u.len;

				mark(want, b->seg[j].gpa, n);
				u.len -= n;
			}
			vg_buf_put(&rig.net.pool[VG_RX], b);
		}
		vg_net_fill(&rig.net);
	}
	settle();
	return NULL;
}

FIXTURE(log)
{
	int unused;
};

FIXTURE_VARIANT(log)
{
	uint64_t features;
	uint32_t rx_size;
	struct vg_layout layout;
};

FIXTURE_VARIANT_ADD(log, one_buffer)
{
	.rx_size = 1600, .layout = { "", .nr_direct = VG_ALL_DIRECT },
};

FIXTURE_VARIANT_ADD(log, large_buffers)
{
	.rx_size = 20000, .layout = { "", .nr_direct = VG_ALL_DIRECT },
};

FIXTURE_VARIANT_ADD(log, pieces)
{
	.rx_size = 9000,
	.layout = { "", { 12 }, .piece = 300, .nr_direct = 0 },
};

/* CVE-2019-14835: more pieces than a log of a fixed size has room for. */
FIXTURE_VARIANT_ADD(log, many_pieces)
{
	.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1), .rx_size = 64,
	.layout = { "", .piece = 2, .nr_direct = 0 },
};

FIXTURE_VARIANT_ADD(log, mergeable)
{
	.features = VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX), .rx_size = 300,
	.layout = { "", { 5, 7 }, .nr_direct = VG_ALL_DIRECT },
};

FIXTURE_VARIANT_ADD(log, vhost_hdr)
{
	.features = VG_BIT(VG_F_VHOST_HDR) | VG_NET_F_MRG, .rx_size = 300,
	.layout = { "", { 10 }, .nr_direct = VG_ALL_DIRECT },
};

FIXTURE_SETUP(log)
{
}

FIXTURE_TEARDOWN(log)
{
}

TEST_F(log, exactly_what_was_written)
{
	SET_UP(variant->features, variant->rx_size);
	rig.net.rx_layout = &variant->layout;
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(receive(variant->rx_size > 4096 ? 20 : 40));
	EXPECT_EQ(0, memcmp(map, want, LOG_BYTES));
	EXPECT_FALSE(map_is_empty());
}

/* Turned on and off while the queue runs. */
TEST_F(log, toggled_while_running)
{
	SET_UP(variant->features, variant->rx_size);
	rig.net.rx_layout = &variant->layout;
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(receive(5));
	EXPECT_TRUE(map_is_empty());
	memset(want, 0, LOG_BYTES);
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(receive(5));
	EXPECT_EQ(0, memcmp(map, want, LOG_BYTES));
	ASSERT_EQ(0, log_all(false));
	memset(map, 0, LOG_BYTES);
	ASSERT_FINE(receive(5));
	EXPECT_TRUE(map_is_empty());
}

/* Nothing is written into what the guest sends. */
TEST(transmit_is_not_logged)
{
	struct stream s;

	SET_UP(0, 2048);
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(rig_start(&rig));
	s = stream_make(&rig, VG_TX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	EXPECT_TRUE(map_is_empty());
}

static int used_log(unsigned int q, bool on)
{
	struct vg_ring *r = &rig.net.ring[q];
	struct vhost_vring_addr a = {
		.index = q, .flags = on ? 1 << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
		.log_guest_addr = r->used_gpa,
	};

	return vg_set_vring_addr(rig.net.fd, &a);
}

/* The ring's own flag does not need LOG_ALL. */
TEST(used_ring)
{
	struct stream s;

	SET_UP(VG_BIT(VG_F_EVENT_IDX), 2048);
	ASSERT_FINE(rig_start(&rig));
	settle();
	ASSERT_EQ(0, used_log(VG_TX, true));
	s = stream_make(&rig, VG_TX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	EXPECT_TRUE(marked(rig.net.ring[VG_TX].used_gpa));
	EXPECT_FALSE(marked(rig.net.ring[VG_RX].used_gpa));
	ASSERT_EQ(0, used_log(VG_TX, false));
	memset(map, 0, LOG_BYTES);
	s = stream_make(&rig, VG_TX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	EXPECT_TRUE(map_is_empty());
}

/* A ring of several pages: only those with new entries are marked. */
TEST(used_ring_of_many_pages)
{
	struct vg_net_opts o = { .num = { 256, 4096 } };
	struct stream s;
	uint64_t gpa;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	if (!(rig.net.offered & LOG_ALL))
		SKIP(return, "no LOG_ALL offered");
	map = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, vg_set_log_base(rig.net.fd, (uintptr_t)map));
	ASSERT_FINE(rig_start(&rig));
	settle();
	ASSERT_EQ(0, used_log(VG_TX, true));
	gpa = rig.net.ring[VG_TX].used_gpa;
	s = stream_make(&rig, VG_TX, 600);
	EXPECT_FINE(stream_run(&s, 1));
	settle();
	/* 600 entries of eight bytes behind the four of the head. */
	mark(want, gpa, rig.net.ring[VG_TX].packed ? 4 : 4 + 8 * 600);
	if (rig.net.ring[VG_TX].packed)
		mark(want, rig.net.ring[VG_TX].desc_gpa, 16 * 600);
	EXPECT_EQ(0, memcmp(map, want, LOG_BYTES));
}

TEST(log_eventfd)
{
	int e = vg_eventfd();

	SET_UP(0, 2048);
	ASSERT_EQ(0, log_all(true));
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, e));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(receive(3));
	EXPECT_LE(1, vg_eventfd_take(e));
}

/* A bitmap that ends where no access is permitted any more. */
TEST(bitmap_ends_at_a_hole)
{
	uint64_t bytes, last = 0;
	unsigned int i;
	uint8_t *area;

	SET_UP(0, 2048);
	for (i = 0; i < rig.net.mem.nr; i++) {
		struct vg_region *r = &rig.net.mem.region[i];

		if (r->gpa + r->size > last)
			last = r->gpa + r->size;
	}
	bytes = (last / 4096 + 7) / 8;
	area = mmap(NULL, LOG_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	i = (bytes + vg_page() - 1) & ~(vg_page() - 1);
	ASSERT_EQ(0, mprotect(area, i, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, vg_set_log_base(rig.net.fd,
				     (uintptr_t)area + i - bytes));
	map = area + i - bytes;
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(receive(40));
	EXPECT_EQ(0, memcmp(map, want, bytes));
}

/* Traffic continues when the bitmap is unmapped. */
TEST(bitmap_unmapped)
{
	struct stream s;

	SET_UP(0, 2048);
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, munmap(map, LOG_BYTES));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
}

static uint64_t taken[LOG_BYTES / 8];
static volatile bool stop_taking;

/* Takes all bits that are set, as a client in the middle of a migration. */
static void *taker(void *arg)
{
	uint64_t *word = (uint64_t *)map;
	unsigned int i;
	bool last;

	do {
		last = stop_taking;
		for (i = 0; i < LOG_BYTES / 8; i++)
			if (word[i])
				taken[i] |= __atomic_exchange_n(&word[i], 0,
							__ATOMIC_SEQ_CST);
		sched_yield();
	} while (!last);
	return arg;
}

/* The client takes bits while the device sets them: none is lost. */
TEST(bits_taken_while_set)
{
	unsigned int round;
	pthread_t t;

	SET_UP(VG_NET_F_MRG, 700);
	ASSERT_EQ(0, log_all(true));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, pthread_create(&t, NULL, taker, NULL));
	for (round = 0; round < 50; round++)
		ASSERT_FINE(receive(20));
	stop_taking = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, memcmp(taken, want, LOG_BYTES));
}

VD_TEST_MAIN
