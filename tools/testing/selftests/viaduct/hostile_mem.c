// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring areas that vanish while the ring runs: unmapped, inaccessible,
 * read-only, beyond the end of their file. The ring that lost one signals its
 * error once and stops; the other ring and the other device continue; when the
 * memory is back, the ring can be started again.
 *
 * The reference has no broken state: it may signal again at each wake-up.
 */
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"
#include "view.h"

#define PAGE	vg_page()

FIXTURE(area)
{
	struct rig rig, other;
	struct view view;
	struct vg_ring *r;	/* the ring of the area */
	void *at;		/* its page, as the driver sees it */
};

enum area { DESC, AVAIL, USED };

FIXTURE_VARIANT(area)
{
	unsigned int q;
	enum area which;
};

FIXTURE_VARIANT_ADD(area, tx_desc) { .q = VG_TX, .which = DESC };
FIXTURE_VARIANT_ADD(area, tx_avail) { .q = VG_TX, .which = AVAIL };
FIXTURE_VARIANT_ADD(area, tx_used) { .q = VG_TX, .which = USED };
FIXTURE_VARIANT_ADD(area, rx_desc) { .q = VG_RX, .which = DESC };
FIXTURE_VARIANT_ADD(area, rx_avail) { .q = VG_RX, .which = AVAIL };
FIXTURE_VARIANT_ADD(area, rx_used) { .q = VG_RX, .which = USED };

typedef struct _test_data_area area_t;
typedef const struct _fixture_variant_area variant_t;

static const struct vg_net_opts opts = { .features = VG_BIT(VG_F_VERSION_1) };

/* In a thread of its own, so that its worker has another name. */
static void *open_other(void *arg)
{
	struct rig *other = arg;
	const char *why = rig_open_here(other, RIG_TAP, &opts);

	return (void *)(why ? why : rig_start(other));
}

static const char *both_ways(struct rig *r, unsigned int nr)
{
	struct stream s[2] = { stream_make(r, VG_TX, nr),
			       stream_make(r, VG_RX, nr) };

	return stream_run(s, 2);
}

FIXTURE_SETUP(area)
{
	pthread_t t;
	void *why;

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &opts));
	ASSERT_FINE(view_split(&self->view, &self->rig));
	ASSERT_FINE(rig_start(&self->rig));
	ASSERT_EQ(0, pthread_create(&t, NULL, open_other, &self->other));
	ASSERT_EQ(0, pthread_join(t, &why));
	ASSERT_EQ(NULL, why);
	self->r = &self->rig.net.ring[variant->q];
	self->at = variant->which == DESC ? (void *)self->r->desc :
		   variant->which == AVAIL ? (void *)self->r->avail :
					     (void *)self->r->used;
	ASSERT_FINE(both_ways(&self->rig, 20));
}

FIXTURE_TEARDOWN(area)
{
	rig_close(&self->rig);
	rig_close(&self->other);
}

/* All jobs of the worker have run when this call returns. */
static void settle(area_t *a)
{
	if (vg_set_log_fd(a->rig.net.fd, -1))
		abort();
}

/* A frame, for which the device accesses the ring. */
static const char *provoke(area_t *a, variant_t *v)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	size_t len = stream_frame(&a->rig, v->q, 0, frame, &hdr);
	const char *why = NULL;

	if (v->q == VG_RX)
		why = rig_far_send(&a->rig, frame, len, &hdr);
	else if (vg_net_xmit(&a->rig.net, &hdr, frame, len, &vg_layout_plain))
		why = "no room in the ring";
	vg_ring_kick_always(a->r);
	return why;
}

static void check_quiet(struct __test_metadata *_metadata, area_t *a,
			unsigned int q)
{
	int i;

	for (i = 0; i < 3; i++)
		vg_ring_kick_always(a->r);
	settle(a);
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_eventfd_take(a->rig.net.err[q]));
}

static void check_recovery(struct __test_metadata *_metadata, area_t *a,
			   unsigned int q)
{
	ASSERT_EQ(0, vg_set_backend(a->rig.net.fd, q, -1));
	view_restore(&a->view);
	ASSERT_FINE(rig_restart(&a->rig, q));
	EXPECT_FINE(both_ways(&a->rig, 30));
	EXPECT_EQ(0, vg_eventfd_take(a->rig.net.err[q]));
}

static void check_broken(struct __test_metadata *_metadata, area_t *a,
			 variant_t *v, enum view_way way)
{
	struct stream s = stream_make(&a->rig, !v->q, 30);
	uint64_t errs;

	view_take(&a->view, a->at, PAGE, way);
	ASSERT_FINE(provoke(a, v));
	errs = vg_eventfd_wait(a->rig.net.err[v->q], vg_deadline_ms(10000));
	EXPECT_LE(1, errs);
	if (!vg_dev_is_reference())
		EXPECT_EQ(1, errs);
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_FINE(both_ways(&a->other, 30));
	EXPECT_EQ(0, vg_eventfd_take(a->rig.net.err[!v->q]));
	if (!vg_dev_is_reference())
		check_quiet(_metadata, a, v->q);
	check_recovery(_metadata, a, v->q);
}

TEST_F(area, unmapped)
{
	check_broken(_metadata, self, variant, VIEW_UNMAPPED);
}

TEST_F(area, no_access)
{
	check_broken(_metadata, self, variant, VIEW_NO_ACCESS);
}

TEST_F(area, truncated)
{
	check_broken(_metadata, self, variant, VIEW_TRUNCATED);
}

/* Only the used area is the device's to write. */
TEST_F(area, read_only)
{
	if (variant->which == USED) {
		check_broken(_metadata, self, variant, VIEW_READ_ONLY);
		return;
	}
	view_take(&self->view, self->at, PAGE, VIEW_READ_ONLY);
	EXPECT_FINE(both_ways(&self->rig, 300));
	EXPECT_EQ(0, vg_eventfd_take(self->rig.net.err[variant->q]));
}

static const enum view_way all_ways[] = {
	VIEW_UNMAPPED, VIEW_NO_ACCESS, VIEW_READ_ONLY, VIEW_TRUNCATED,
};

/* A ring cannot even start without the area that the device writes. */
TEST(attach_without_used_area)
{
	struct view view;
	struct rig rig;
	unsigned int i, q;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	ASSERT_FINE(view_split(&view, &rig));
	for (q = 0; q < 2; q++) {
		for (i = 0; i < ARRAY_SIZE(all_ways); i++) {
			view_take(&view, rig.net.ring[q].used, PAGE,
				  all_ways[i]);
			EXPECT_EQ(-EFAULT, vg_set_backend(rig.net.fd, q,
							  rig.backend));
			view_restore(&view);
		}
		/* The ring is not running: only a stopped one accepts a base. */
		EXPECT_EQ(0, vg_set_vring_base(rig.net.fd, q, 0));
	}
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(&rig, 50));
	rig_close(&rig);
}

/* It can start without an area that it only reads: the error shows when there is work. */
TEST(attach_without_avail_area)
{
	static const uint8_t frame[VG_FRAME_MIN];
	struct view view;
	struct rig rig;
	unsigned int q;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	ASSERT_FINE(view_split(&view, &rig));
	for (q = 0; q < 2; q++)
		view_take(&view, rig.net.ring[q].avail, PAGE, VIEW_UNMAPPED);
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	for (q = 0; q < 2; q++)
		EXPECT_LE(1, vg_eventfd_wait(rig.net.err[q],
					     vg_deadline_ms(10000)));
	ASSERT_EQ(0, vg_net_stop(&rig.net));
	view_restore(&view);
	for (q = 0; q < 2; q++)
		ASSERT_FINE(rig_restart(&rig, q));
	EXPECT_FINE(both_ways(&rig, 50));
	rig_close(&rig);
}

static size_t numbered(struct rig *r, uint64_t seq, uint8_t *frame,
		       struct virtio_net_hdr *hdr)
{
	return stream_frame(r, VG_TX, seq, frame, hdr);
}

static void expect_frames(struct __test_metadata *_metadata, struct rig *r,
			  uint64_t first, uint64_t end)
{
	struct virtio_net_hdr hdr;
	uint8_t want[2048], got[2048];
	uint64_t i;

	for (i = first; i < end; i++) {
		size_t len = numbered(r, i, want, &hdr);

		ASSERT_EQ(len, rig_far_recv(r, got, sizeof(got), NULL,
					    vg_deadline_ms(10000)));
		ASSERT_EQ(0, memcmp(want, got, len)) {
			TH_LOG("frame %llu is not the next",
			       (unsigned long long)i);
		}
	}
	EXPECT_EQ(0, rig_far_recv(r, got, sizeof(got), NULL,
				  vg_deadline_ms(200)));
}

/* Wait until the worker has run a ring and is idle. */
static bool has_run(unsigned int q)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (!stats_queue(getpid(), q, "runs") && !vg_expired(deadline))
		poll(NULL, 0, 1);
	return stats_queue(getpid(), q, "runs") &&
	       !vg_worker_unrest(vg_worker_find(getpid()));
}

/*
 * A full batch is sent, but its used entries cannot be written. The ring breaks
 * behind the batch: no frame may be sent again after the next attach, none of
 * the others may be lost.
 */
TEST(sent_frames_are_not_sent_again)
{
	/* With EVENT_IDX nothing is written before the first used entry. */
	const struct vg_net_opts event_idx = {
		.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
	};
	enum { BATCH = 64, ALL = 100 };
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	struct view view;
	struct vg_ring *r;
	struct rig rig;
	unsigned int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no broken state");
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &event_idx));
	r = &rig.net.ring[VG_TX];
	if (r->packed)
		SKIP(return, "used descriptors overwrite those to fetch");
	ASSERT_FINE(view_split(&view, &rig));
	ASSERT_FINE(rig_start(&rig));
	/* The run that the start has queued must not find some of the frames. */
	ASSERT_TRUE(has_run(VG_TX));
	for (i = 0; i < ALL; i++) {
		size_t len = numbered(&rig, i, frame, &hdr);

		ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
					 &vg_layout_plain));
	}
	view_take(&view, r->used, PAGE, VIEW_READ_ONLY);
	vg_ring_kick_always(r);
	EXPECT_EQ(1, vg_eventfd_wait(rig.net.err[VG_TX],
				     vg_deadline_ms(10000)));
	expect_frames(_metadata, &rig, 0, BATCH);
	EXPECT_EQ(BATCH, stats_queue(getpid(), VG_TX, "done"));
	EXPECT_EQ(1, stats_queue(getpid(), VG_TX, "broken"));
	EXPECT_EQ(0, stats_queue(getpid(), VG_TX, "pressure"));

	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
	view_restore(&view);
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, rig.backend));
	expect_frames(_metadata, &rig, BATCH, ALL);
	EXPECT_EQ(ALL, stats_queue(getpid(), VG_TX, "done"));
	rig_close(&rig);
}

VD_TEST_MAIN
