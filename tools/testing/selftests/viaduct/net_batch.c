// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that wait in the tap when buffers come, so that the device can write many
 * together; and one in the middle that it must not write with the others.
 */
#include <sys/mman.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define NR	40
#define MIDDLE	20	/* in the order of arrival */
#define LEN	200
#define SEED	3

FIXTURE(batch)
{
	struct rig rig;
	struct vg_buf *middle;
	unsigned int nr_sent;
};

FIXTURE_VARIANT(batch)
{
	uint64_t features;
};

FIXTURE_VARIANT_ADD(batch, legacy) { .features = 0 };
FIXTURE_VARIANT_ADD(batch, modern) { .features = VG_BIT(VG_F_VERSION_1) };

typedef struct _test_data_batch batch_t;

static const struct vg_layout in_two = { "in two", { 1000 },
					 .nr_direct = VG_ALL_DIRECT };

/* Adds a buffer to the ring, not published; the first half of a @mixed one is read only. */
static struct vg_buf *add(batch_t *b, uint32_t len, bool mixed)
{
	const struct vg_layout *layout = mixed ? &in_two : &vg_layout_plain;
	struct vg_net *n = &b->rig.net;
	struct vg_buf *buf = vg_buf_get(&n->pool[VG_RX]);

	if (!buf || vg_buf_cut(&n->pool[VG_RX], buf, len, true, layout))
		abort();
	if (mixed)
		buf->seg[0].write = false;
	if (vg_buf_add(&n->ring[VG_RX], buf, layout))
		abort();
	return buf;
}

/* Publishes the buffers; the one in the middle has @len bytes, or is mixed. */
static void post(batch_t *b, uint32_t len, bool mixed)
{
	struct vg_net *n = &b->rig.net;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		if (i != MIDDLE)
			add(b, n->pool[VG_RX].size, false);
		else
			b->middle = add(b, len, mixed);
	}
	if (mixed)
		memset(vg_mem_hva(&n->mem, b->middle->gpa, len), 0, len);
	vg_ring_publish(&n->ring[VG_RX]);
	vg_ring_kick(&n->ring[VG_RX]);
}

static void send_one(struct __test_metadata *_metadata, batch_t *b, size_t len,
		     bool gso)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];

	vg_frame_build(frame, len, b->nr_sent++, SEED, gso, &hdr);
	ASSERT_FINE(rig_far_send(&b->rig, frame, len, gso ? &hdr : NULL));
}

/* The next frame is whole, and has number @seq. */
static void expect_frame(struct __test_metadata *_metadata, batch_t *b,
			 uint64_t seq)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];
	uint64_t got = -1;
	ssize_t len;

	ASSERT_TRUE(vg_ring_wait(&b->rig.net.ring[VG_RX], vg_deadline_ms(10000)));
	len = vg_net_recv(&b->rig.net, &mrg, frame, sizeof(frame));
	ASSERT_LT(0, len);
	ASSERT_FINE(vg_frame_check(frame, len, SEED, &got));
	ASSERT_EQ(seq, got);
}

/* The first frame goes through recvmsg(); the ring has no buffers afterwards. */
FIXTURE_SETUP(batch)
{
	struct vg_net_opts o = { .features = variant->features,
				 .rx_size = 2048 };

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&self->rig));
	ASSERT_EQ(0, vg_tap_set_offload(self->rig.tap.fd, true));
	add(self, o.rx_size, false);
	vg_ring_publish(&self->rig.net.ring[VG_RX]);
	vg_ring_kick(&self->rig.net.ring[VG_RX]);
	send_one(_metadata, self, LEN, false);
	expect_frame(_metadata, self, 0);
}

FIXTURE_TEARDOWN(batch)
{
	rig_close(&self->rig);
}

static void send_all(struct __test_metadata *_metadata, batch_t *b)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		send_one(_metadata, b, LEN, false);
}

/* Short, long and GSO frames keep their order, whichever way each takes. */
TEST_F(batch, of_all_kinds)
{
	static const size_t len[] = { 60, LEN, 256, 257, 1514 };
	int64_t recvmsg = stats_queue(getpid(), VG_RX, "recvmsg");
	unsigned int i, nr_gso = 0;

	for (i = 0; i < NR; i++) {
		bool gso = i % 8 == 5;

		nr_gso += gso;
		send_one(_metadata, self, gso ? 1900 : len[i % ARRAY_SIZE(len)], gso);
	}
	post(self, 2048, false);
	for (i = 0; i < NR; i++)
		expect_frame(_metadata, self, 1 + i);
	if (vg_dev_is_reference())
		return;
	EXPECT_EQ(1, stats_reaches(getpid(), VG_RX, "direct", NR - nr_gso));
	EXPECT_EQ(recvmsg + nr_gso, stats_queue(getpid(), VG_RX, "recvmsg"));
}

/*
 * Frames are dropped as long as the next buffer faults; those before are not lost,
 * and the next frame gets that buffer.
 */
TEST_F(batch, fault)
{
	struct vg_net *n = &self->rig.net;
	uint64_t page = vg_mem_alloc(&n->mem, vg_page(), vg_page());
	void *hva = vg_mem_hva(&n->mem, page, vg_page());
	unsigned int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference tries such a frame again without end");
	ASSERT_NE(NULL, hva);
	ASSERT_EQ(0, mprotect(hva, vg_page(), PROT_NONE));
	/* Buffers are taken from the end of the list of free ones. */
	n->pool[VG_RX].free[n->pool[VG_RX].nr_free - 1 - MIDDLE]->gpa = page;
	send_all(_metadata, self);
	post(self, 2048, false);
	ASSERT_EQ(page, self->middle->gpa);
	for (i = 0; i < MIDDLE; i++)
		expect_frame(_metadata, self, 1 + i);
	EXPECT_EQ(1, stats_reaches(getpid(), VG_RX, "fault", NR - MIDDLE));
	ASSERT_EQ(0, mprotect(hva, vg_page(), PROT_READ | PROT_WRITE));
	send_one(_metadata, self, LEN, false);
	expect_frame(_metadata, self, 1 + NR);
	EXPECT_FALSE(vg_ring_has_used(&n->ring[VG_RX]));
}

/* A buffer that is too small for its frame waits for one that fits. */
TEST_F(batch, small_buffer)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		send_one(_metadata, self, i == MIDDLE + 1 ? 60 : LEN, false);
	post(self, 80, false);
	for (i = 0; i < NR; i++) {
		if (i != MIDDLE)
			expect_frame(_metadata, self, 1 + i);
	}
	if (!vg_dev_is_reference())
		EXPECT_EQ(1, stats_queue(getpid(), VG_RX, "oversize"));
}

/* A buffer with a read-only part breaks the ring, after the frames before it. */
TEST_F(batch, wrong_kind)
{
	struct vg_net *n = &self->rig.net;
	static const uint8_t zeroes[2048];
	unsigned int i;

	send_all(_metadata, self);
	post(self, 2048, true);
	for (i = 0; i < MIDDLE; i++)
		expect_frame(_metadata, self, 1 + i);
	if (vg_dev_is_reference())
		return;
	EXPECT_EQ(0, memcmp(zeroes, vg_mem_hva(&n->mem, self->middle->gpa, 2048), 2048));
	EXPECT_TRUE(stats_count(getpid(), VG_RX, "broken", 1));
	EXPECT_FALSE(vg_ring_has_used(&n->ring[VG_RX]));
}

VD_TEST_MAIN
