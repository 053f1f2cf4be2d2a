// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packet buffers that are unmapped: the frame is lost, the chain is not, no
 * error is reported, and the ring continues. Memory that moves, or that is only
 * not present at the moment, is not a fault.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"
#include "view.h"

#define PAGE	vg_page()
#define ROUND_MS 500	/* during which a thread changes the mappings */

static struct rig rig;
static struct view view;

static const char *set_up(bool huge)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1),
				 .huge = huge };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	if (!why)
		why = view_split(&view, &rig);
	/* The reference's batches retry an unreadable frame without end. */
	if (!why && vg_dev_is_reference() &&
	    vg_tap_set_sndbuf(rig.tap.fd, 1 << 20))
		why = "cannot limit the tap's send buffer";
	return why;
}

static const char *both_ways(unsigned int nr)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, nr),
			       stream_make(&rig, VG_RX, nr) };

	return stream_run(s, 2);
}

/* All jobs of the worker have run when this call returns. */
static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

FIXTURE(buffer)
{
	uint8_t *at;		/* two pages, with the buffer in them */
	uint64_t gpa;
	int64_t faults;		/* counted so far */
};

FIXTURE_VARIANT(buffer)
{
	unsigned int q;
};

FIXTURE_VARIANT_ADD(buffer, tx) { .q = VG_TX };
FIXTURE_VARIANT_ADD(buffer, rx) { .q = VG_RX };

FIXTURE_SETUP(buffer)
{
	ASSERT_FINE(set_up(false));
	self->gpa = vg_mem_alloc(&rig.net.mem, 2 * PAGE, PAGE);
	self->at = vg_mem_hva(&rig.net.mem, self->gpa, 2 * PAGE);
	ASSERT_NE(NULL, self->at);
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(buffer)
{
	rig_close(&rig);
}

typedef struct _test_data_buffer buffer_t;

/*
 * Transmit: a frame in a buffer @offset bytes into the pages. Those from @from
 * on are unmapped before the device is kicked.
 */
static void check_tx(struct __test_metadata *_metadata, buffer_t *b,
		     size_t offset, size_t from, enum view_way way)
{
	static const uint8_t frame[1000];
	struct vg_pool *pool = &rig.net.pool[VG_TX];
	const struct virtio_net_hdr none = { 0 };

	ASSERT_FINE(both_ways(20));
	pool->free[pool->nr_free - 1]->gpa = b->gpa + offset;
	ASSERT_EQ(0, vg_net_xmit(&rig.net, &none, frame, sizeof(frame),
				 &vg_layout_plain));
	view_take(&view, b->at + from, 2 * PAGE - from, way);
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	EXPECT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(10000)));
	if (way != VIEW_READ_ONLY) {
		EXPECT_TRUE(stats_count(getpid(), VG_TX, "fault", 1));
		/* Nothing of it may have gone out. */
		EXPECT_EQ(0, vg_wait_fd(rig.far, POLLIN, vg_deadline_ms(50)));
	} else {
		uint8_t got[2048];

		EXPECT_EQ(sizeof(frame),
			  rig_far_recv(&rig, got, sizeof(got), NULL,
				       vg_deadline_ms(10000)));
	}
}

/* Receive: the only buffer that there is. */
static void check_rx(struct __test_metadata *_metadata, buffer_t *b,
		     size_t offset, size_t from, enum view_way way)
{
	struct vg_pool *pool = &rig.net.pool[VG_RX];
	struct vg_ring *r = &rig.net.ring[VG_RX];
	static const uint8_t frame[1000];
	struct vg_used u;
	struct vg_buf *v;

	v = vg_buf_get(pool);
	v->gpa = b->gpa + offset;
	ASSERT_EQ(0, vg_buf_cut(pool, v, pool->size, true, &vg_layout_plain));
	ASSERT_EQ(0, vg_buf_add(r, v, &vg_layout_plain));
	vg_ring_publish(r);
	view_take(&view, b->at + from, 2 * PAGE - from, way);
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	vg_ring_kick_always(r);
	settle();
	/* A tap does not report a fault after the header, and the reference relies on the tap. */
	if (!vg_dev_is_reference() || from < offset + rig.net.hdr_len) {
		EXPECT_FALSE(vg_ring_has_used(r));
		EXPECT_TRUE(stats_count(getpid(), VG_RX, "fault", 1));
	}
	if (vg_ring_get(r, &u) > 0)
		vg_buf_put(pool, v);
}

static void check(struct __test_metadata *_metadata, buffer_t *b,
		  unsigned int q, size_t offset, size_t from,
		  enum view_way way)
{
	if (q == VG_TX)
		check_tx(_metadata, b, offset, from, way);
	else
		check_rx(_metadata, b, offset, from, way);
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[q]));
	/* No new start: the ring never stopped. */
	view_restore(&view);
	EXPECT_FINE(both_ways(50));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[q]));
}

TEST_F(buffer, unmapped)
{
	check(_metadata, self, variant->q, 0, 0, VIEW_UNMAPPED);
}

TEST_F(buffer, no_access)
{
	check(_metadata, self, variant->q, 0, 0, VIEW_NO_ACCESS);
}

TEST_F(buffer, truncated)
{
	check(_metadata, self, variant->q, 0, 0, VIEW_TRUNCATED);
}

TEST_F(buffer, read_only)
{
	check(_metadata, self, variant->q, 0, 0, VIEW_READ_ONLY);
}

/* The header and a part of the frame are mapped. */
TEST_F(buffer, second_page_unmapped)
{
	check(_metadata, self, variant->q, PAGE - 300, PAGE, VIEW_UNMAPPED);
}

TEST_F(buffer, second_page_truncated)
{
	check(_metadata, self, variant->q, PAGE - 300, PAGE, VIEW_TRUNCATED);
}

/* The header itself crosses the border. */
TEST_F(buffer, second_page_from_within_the_header)
{
	check(_metadata, self, variant->q, PAGE - 5, PAGE, VIEW_NO_ACCESS);
}

static volatile bool stop;

/* The pages stay in their file, but in no page table. */
static void *drop_pages(void *arg)
{
	unsigned int i;

	while (!stop) {
		for (i = 0; i < 2; i++)
			if (madvise(view.dev[i], rig.net.mem.region[i].size,
				    MADV_DONTNEED))
				abort();
	}
	return arg;
}

/* The same file at the same address in a mapping that is new each time. */
static void *map_again(void *arg)
{
	while (!stop)
		view_restore(&view);
	return arg;
}

static void check_harmless(struct __test_metadata *_metadata,
			   void *(*fn)(void *))
{
	uint64_t deadline;
	struct stream s[2];
	pthread_t t;
	int i;

	ASSERT_FINE(set_up(false));
	ASSERT_FINE(rig_start(&rig));
	stream_endless(s, &rig);
	ASSERT_FINE(stream_load(s, 20));
	ASSERT_EQ(0, pthread_create(&t, NULL, fn, NULL));
	deadline = vg_deadline_ms(ROUND_MS);
	while (!vg_expired(deadline))
		ASSERT_FINE(stream_load(s, 20));
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	for (i = 0; i < 2; i++)
		s[i].count = s[i].sent;
	EXPECT_FINE(stream_run(s, 2));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	rig_close(&rig);
}

TEST(pages_dropped_under_load)
{
	check_harmless(_metadata, drop_pages);
}

TEST(mapped_again_under_load)
{
	check_harmless(_metadata, map_again);
}

/*
 * Other pages with the same content in the old place, for both views: a
 * device that remembers pages instead of addresses uses the wrong ones.
 */
TEST(moved_to_other_pages)
{
	unsigned int i, round;

	ASSERT_FINE(set_up(false));
	ASSERT_FINE(rig_start(&rig));
	for (round = 0; round < 5; round++) {
		EXPECT_FINE(both_ways(50));
		settle();
		for (i = 0; i < 2; i++) {
			struct vg_region *m = &rig.net.mem.region[i];
			int fd = memfd_create("other", MFD_CLOEXEC);

			ASSERT_EQ(0, ftruncate(fd, m->size));
			ASSERT_EQ(m->size, write(fd, m->hva, m->size));
			ASSERT_EQ(m->hva, mmap(m->hva, m->size,
					       PROT_READ | PROT_WRITE,
					       MAP_SHARED | MAP_FIXED, fd, 0));
			close(m->fd);
			m->fd = fd;
		}
		view_restore(&view);
	}
	EXPECT_FINE(both_ways(50));
	rig_close(&rig);
}

/* Everything at once, with frames on their way, and back again. */
TEST(all_vanishes_under_load)
{
	static const enum view_way way[] = { VIEW_UNMAPPED, VIEW_NO_ACCESS,
					     VIEW_TRUNCATED, VIEW_READ_ONLY };
	struct stream s[2];
	unsigned int i, q;

	ASSERT_FINE(set_up(false));
	ASSERT_FINE(rig_start(&rig));
	for (i = 0; i < 12; i++) {
		stream_endless(s, &rig);
		ASSERT_FINE(stream_load(s, 20 + i));
		view_take_all(&view, way[i % ARRAY_SIZE(way)]);
		for (q = 0; q < 2; q++)
			vg_ring_kick_always(&rig.net.ring[q]);
		settle();
		EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
		ASSERT_EQ(0, vg_net_stop(&rig.net));
		view_restore(&view);
		for (q = 0; q < 2; q++)
			ASSERT_FINE(rig_restart(&rig, q));
		EXPECT_FINE(both_ways(30));
		EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
		EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_RX]));
	}
	rig_close(&rig);
}

#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* Sets the number of huge pages: NULL, or why there are not as many. */
static const char *want_huge(const char *nr)
{
	int fd = open(HUGE_PAGES "nr_hugepages", O_RDWR);
	char now[32] = "";

	if (fd < 0)
		return "this kernel has no huge pages of 2 MiB";
	if (write(fd, nr, strlen(nr)) < 0)
		return "the number of huge pages cannot be set";
	if (pread(fd, now, sizeof(now) - 1, 0) < 0)
		now[0] = 0;
	close(fd);
	return atoi(now) >= atoi(nr) ? NULL : "no room for huge pages";
}

#define NEEDS_HUGE_PAGES() do { \
	const char *_why = want_huge("32"); \
	if (_why) { \
		want_huge("0"); \
		SKIP(return, "%s", _why); \
	} \
} while (0)

TEST(huge_pages)
{
	NEEDS_HUGE_PAGES();
	ASSERT_FINE(set_up(true));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(500));
	rig_close(&rig);
	want_huge("0");
}

/* The file of huge pages is truncated while both rings run, and extended again. */
TEST(huge_pages_truncated)
{
	static const uint8_t frame[VG_FRAME_MIN];
	struct vg_region *m;
	unsigned int i, q;

	NEEDS_HUGE_PAGES();
	ASSERT_FINE(set_up(true));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(50));
	m = rig.net.mem.region;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ftruncate(m[i].fd, 0));
	for (q = 0; q < 2; q++) {
		ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame),
					 NULL));
		vg_ring_kick_always(&rig.net.ring[q]);
		EXPECT_LE(1, vg_eventfd_wait(rig.net.err[q],
					     vg_deadline_ms(10000)));
	}
	settle();
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ftruncate(m[i].fd, m[i].size));
	for (q = 0; q < 2; q++)
		ASSERT_FINE(rig_restart(&rig, q));
	EXPECT_FINE(both_ways(50));
	rig_close(&rig);
	want_huge("0");
}

VD_TEST_MAIN
