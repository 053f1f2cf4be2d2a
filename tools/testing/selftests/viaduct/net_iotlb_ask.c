// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefetch: misses that are reported before the addresses are needed, from the
 * chains that the driver has made available. The test is the client.
 */
#include <sched.h>
#include <unistd.h>

#include "../../../lib/vguest/worker.h"
#include "iommu_rig.h"

/* The most misses that are prefetched with one, and the most that can be unread. */
#define AHEAD	32U
#define MANY	(2 * (1 + AHEAD))

static struct vhost_iotlb_msg asked[MANY];

/* Removes the mappings of the buffers of @q; the rings keep theirs. */
static void forget(struct __test_metadata *_metadata, unsigned int q)
{
	uint64_t first, end;

	pool_pages(q, &first, &end);
	EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, first, end - first));
}

/* No more misses: all jobs have run, and the worker is idle. */
static void await_stop(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
}

/* Waits for a miss, and reads all that there are. */
static unsigned int read_all(void)
{
	uint64_t deadline = vg_deadline_ms(10000);
	unsigned int nr = 0;

	do {
		while (nr < MANY && !vg_iotlb_recv(rig.net.fd, &asked[nr]))
			nr++;
		if (!nr)
			sched_yield();
	} while (!nr && !vg_expired(deadline));
	return nr;
}

static void answer(struct __test_metadata *_metadata, unsigned int i)
{
	EXPECT_EQ(0, vg_iommu_map(&iommu, asked[i].iova, 1, VHOST_ACCESS_RW));
}

static void begin(struct __test_metadata *_metadata)
{
	unsigned int nr;

	ASSERT_FINE(set_up(0, 256, PAGE, false));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(both_ways(200));
	vg_iommu_retire(&iommu);
	/* Prefetched misses of the last frames, which did not wait for them. */
	do {
		await_stop(_metadata);
		for (nr = 0; !vg_iotlb_recv(rig.net.fd, &asked[0]); nr++)
			answer(_metadata, 0);
	} while (nr);
	forget(_metadata, VG_TX);
}

/* Resolves the miss that the ring waits for last, after all others. */
static void answer_all(struct __test_metadata *_metadata, unsigned int nr)
{
	while (nr--)
		answer(_metadata, nr);
}

/* Makes the device handle frames of the stream: the number of misses. */
static unsigned int ask_for(struct __test_metadata *_metadata,
			    struct stream *s)
{
	EXPECT_LE(0, stream_step(s));
	await_stop(_metadata);
	return read_all();
}

/* Each page is reported once, and belongs to the ring's buffers. */
static void check_asked(struct __test_metadata *_metadata, unsigned int q,
			unsigned int nr)
{
	uint64_t first, end;
	unsigned int i, j;

	pool_pages(q, &first, &end);
	for (i = 0; i < nr; i++) {
		EXPECT_LE(first, asked[i].iova);
		EXPECT_GT(end, asked[i].iova);
		EXPECT_EQ(q == VG_TX ? VHOST_ACCESS_RO : VHOST_ACCESS_WO,
			  asked[i].perm);
		for (j = 0; j < i; j++)
			EXPECT_NE(asked[j].iova / PAGE, asked[i].iova / PAGE);
	}
}

/* Answers all misses until the stream has ended. */
static const char *finish(struct __test_metadata *_metadata, struct stream *s)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (s->got < s->count && !vg_expired(deadline)) {
		if (!vg_iotlb_recv(rig.net.fd, &asked[0]))
			answer(_metadata, 0);
		if (stream_step(s) < 0)
			return rig.why;
	}
	return s->got == s->count ? NULL : rig_fail(&rig, "%llu frames arrived",
						    (unsigned long long)s->got);
}

TEST(asked_together)
{
	struct stream tx;
	unsigned int nr;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	nr = ask_for(_metadata, &tx);
	/* Two buffers a page; those at the ends may share theirs. */
	EXPECT_LE(7, nr);
	EXPECT_GE(17, nr);
	check_asked(_metadata, VG_TX, nr);
	answer_all(_metadata, nr);
	EXPECT_FINE(stream_run(&tx, 1));
	EXPECT_EQ(-EAGAIN, vg_iotlb_recv(rig.net.fd, &asked[0]));
	tear_down();
}

/* SET_BACKEND to another socket, while the ring's used area is unknown. */
static void fail_to_move(struct __test_metadata *_metadata, unsigned int q)
{
	struct vg_tap other;

	ASSERT_EQ(0, vg_tap_open(&other, rig.net.hdr_len, false));
	EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, rig.net.ring[q].used_gpa,
					 PAGE));
	EXPECT_EQ(-EFAULT, vg_set_backend(rig.net.fd, q, other.fd));
	vg_tap_close(&other);
	/* The address is mapped again while the miss is unread. */
	EXPECT_EQ(0, vg_iommu_map(&iommu, rig.net.ring[q].used_gpa, 1,
				  VHOST_ACCESS_RW));
}

/* A ring that cannot be moved still waits for packets of its old socket. */
TEST(failed_move_keeps_the_socket)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint64_t deadline = vg_deadline_ms(5000);
	static uint8_t frame[VG_FRAME_MIN], got[VG_FRAME_MTU];
	ssize_t len;

	begin(_metadata);
	vg_net_fill(&rig.net);
	await_stop(_metadata);
	fail_to_move(_metadata, VG_RX);
	await_stop(_metadata);
	ASSERT_FINE(rig_far_send(&rig, frame, sizeof(frame), NULL));
	do {
		len = vg_net_recv(&rig.net, &mrg, got, sizeof(got));
		sched_yield();
	} while (!len && !vg_expired(deadline));
	EXPECT_EQ(sizeof(frame), len);
	tear_down();
}

/* A ring that cannot be moved still waits for the answer to its miss. */
TEST(failed_move_keeps_the_question)
{
	struct stream tx;
	unsigned int nr;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	nr = ask_for(_metadata, &tx);
	EXPECT_LE(7, nr);
	fail_to_move(_metadata, VG_TX);
	answer_all(_metadata, nr);
	EXPECT_FINE(stream_run(&tx, 1));
	tear_down();
}

/*
 * The handler continues as far as the answers permit. It may report a miss again
 * that has been read, but needs no second answer.
 */
TEST(answered_one_by_one)
{
	struct stream tx;
	unsigned int nr, i;
	uint64_t got = 0;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	nr = ask_for(_metadata, &tx);
	ASSERT_LE(7, nr);
	for (i = 0; i < 4; i++) {
		uint64_t deadline = vg_deadline_ms(10000);

		answer(_metadata, i);
		while (tx.got == got && !vg_expired(deadline))
			ASSERT_LE(0, stream_step(&tx));
		EXPECT_LT(got, tx.got);
		got = tx.got;
	}
	EXPECT_GT(16, tx.got);
	for (; i < nr; i++)
		answer(_metadata, i);
	EXPECT_FINE(finish(_metadata, &tx));
	tear_down();
}

/* A prefetched miss that is unread when the handler needs it stays one miss. */
TEST(asked_once)
{
	struct stream tx;
	unsigned int nr;
	uint64_t page;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	EXPECT_LE(0, stream_step(&tx));
	await_stop(_metadata);
	ASSERT_EQ(0, vg_iotlb_recv(rig.net.fd, &asked[0]));
	page = asked[0].iova / PAGE;
	answer(_metadata, 0);
	await_stop(_metadata);
	nr = read_all();
	EXPECT_LE(6, nr);
	check_asked(_metadata, VG_TX, nr);
	while (nr--) {
		EXPECT_NE(page, asked[nr].iova / PAGE);
		answer(_metadata, nr);
	}
	EXPECT_FINE(finish(_metadata, &tx));
	tear_down();
}

/*
 * A miss that was read and not answered is reported again when the address is
 * needed; the first answer resolves it.
 */
TEST(asked_again)
{
	struct stream tx;
	unsigned int nr;
	uint64_t page;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	nr = ask_for(_metadata, &tx);
	ASSERT_LE(7, nr);
	page = asked[1].iova / PAGE;
	answer(_metadata, 0);
	EXPECT_LE(1, read_all());
	EXPECT_EQ(page, asked[0].iova / PAGE);
	answer(_metadata, 0);
	EXPECT_FINE(finish(_metadata, &tx));
	tear_down();
}

/* The same for the miss that the ring waits for, when there is a kick. */
TEST(asked_again_by_a_kick)
{
	uint64_t deadline = vg_deadline_ms(10000);
	struct stream tx;
	unsigned int nr;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 16);
	nr = ask_for(_metadata, &tx);
	ASSERT_LE(7, nr);
	vg_eventfd_add(rig.net.kick[VG_TX], 1);
	await_stop(_metadata);
	/* Before the second report is read. */
	answer(_metadata, 0);
	while (!tx.got && !vg_expired(deadline))
		ASSERT_LE(0, stream_step(&tx));
	EXPECT_LT(0, tx.got);
	while (nr-- > 1)
		answer(_metadata, nr);
	EXPECT_FINE(finish(_metadata, &tx));
	tear_down();
}

/* A miss that a ring waits for comes before what another ring will need. */
TEST(waiting_first)
{
	struct stream tx, rx;
	unsigned int nr;

	begin(_metadata);
	forget(_metadata, VG_RX);
	tx = stream_make(&rig, VG_TX, 16);
	rx = stream_make(&rig, VG_RX, 16);
	EXPECT_LE(0, stream_step(&tx));
	nr = ask_for(_metadata, &rx);
	ASSERT_LE(9, nr);
	EXPECT_NE(asked[0].perm, asked[1].perm);
	answer_all(_metadata, nr);
	EXPECT_FINE(finish(_metadata, &tx));
	EXPECT_FINE(finish(_metadata, &rx));
	tear_down();
}

/* The receive ring has more buffers than there are frames. */
TEST(receive_buffers)
{
	struct stream rx;
	unsigned int nr;

	begin(_metadata);
	forget(_metadata, VG_RX);
	rx = stream_make(&rig, VG_RX, 1);
	nr = ask_for(_metadata, &rx);
	EXPECT_LE(8, nr);
	EXPECT_GE(1 + AHEAD, nr);
	check_asked(_metadata, VG_RX, nr);
	answer_all(_metadata, nr);
	EXPECT_FINE(finish(_metadata, &rx));
	tear_down();
}

/* As many as there is room for, and no more; the rest is reported later. */
TEST(no_more_than_fit)
{
	struct stream tx;
	unsigned int nr;

	begin(_metadata);
	tx = stream_make(&rig, VG_TX, 100);
	nr = ask_for(_metadata, &tx);
	/* A batch of chains has 64 buffers, two a page. */
	EXPECT_LE(AHEAD, nr);
	EXPECT_GE(1 + AHEAD, nr);
	check_asked(_metadata, VG_TX, nr);
	answer_all(_metadata, nr);
	EXPECT_FINE(finish(_metadata, &tx));
	tear_down();
}

VD_TEST_MAIN_UNLESS(vg_dev_is_reference() ?
		    "the reference reports one miss at a time" : NULL)
