// SPDX-License-Identifier: GPL-2.0-only
/* Receive: every header mode and buffer layout, contents compared. */
#include <endian.h>

#include "abi.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

FIXTURE(rx)
{
	struct rig rig;
};

FIXTURE_VARIANT(rx)
{
	uint64_t features;
	unsigned int seed;
	uint32_t rx_size;
};

#define RX_VARIANT(name_, seed_, size_, features_) \
	FIXTURE_VARIANT_ADD(rx, name_) { .features = features_, \
		.seed = seed_, .rx_size = size_ }

RX_VARIANT(legacy, 0, 1526, 0);
RX_VARIANT(modern, 1, 1600, VG_BIT(VG_F_VERSION_1));
RX_VARIANT(mergeable, 2, 1536, VG_NET_F_MRG);
RX_VARIANT(mergeable_small, 3, 64, VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1));
RX_VARIANT(mergeable_odd, 4, 131, VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX));
RX_VARIANT(event_idx, 5, 2048, VG_BIT(VG_F_EVENT_IDX));
RX_VARIANT(all, 6, 700, VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
	   VG_BIT(VG_F_EVENT_IDX) | VG_BIT(VG_F_INDIRECT));
RX_VARIANT(vhost_hdr, 7, 1600, VG_BIT(VG_F_VHOST_HDR));
RX_VARIANT(vhost_hdr_mergeable, 8, 300, VG_BIT(VG_F_VHOST_HDR) |
	   VG_NET_F_MRG | VG_BIT(VG_F_EVENT_IDX));

FIXTURE_SETUP(rx)
{
	struct vg_net_opts o = { .features = variant->features,
				 .seed = variant->seed,
				 .rx_size = variant->rx_size };

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(rx)
{
	rig_close(&self->rig);
}

TEST_F(rx, plain)
{
	struct stream s = stream_make(&self->rig, VG_RX, 2000);

	EXPECT_FINE(stream_run(&s, 1));
}

#define DIRECT .nr_direct = VG_ALL_DIRECT

static const struct vg_layout layouts[] = {
	{ "header apart, 10", { 10 }, DIRECT },
	{ "header apart, 12", { 12 }, DIRECT },
	{ "header cut 1", { 1 }, DIRECT },
	{ "header byte by byte", { 1, 1, 1, 1, 1, 1 }, .piece = 400, DIRECT },
	{ "num_buffers cut in two", { 11 }, DIRECT },
	{ "backwards", { 12 }, .piece = 500, DIRECT, .backwards = true },
	{ "holes", { 4, 6 }, .piece = 600, DIRECT, .holes = true },
	{ "table only", .nr_direct = 0 },
	{ "table, small pieces", { 12 }, .piece = 20, .nr_direct = 0 },
	{ "header direct, rest in table", { 12 }, .piece = 50, .nr_direct = 1 },
};

/* Buffers of several layouts lie in the ring at the same time. */
TEST_F(rx, layouts)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct stream s = stream_make(&self->rig, VG_RX, 300);

		self->rig.net.rx_layout = &layouts[i];
		ASSERT_FINE(stream_run(&s, 1));
	}
}

/* One frame, taken with its header. */
static ssize_t one_frame(struct rig *r, struct virtio_net_hdr_mrg_rxbuf *mrg,
			 size_t len)
{
	uint8_t frame[2048], back[2048];
	struct virtio_net_hdr hdr;
	ssize_t n;

	vg_frame_build(frame, len, 7, 7, false, &hdr);
	if (rig_far_send(r, frame, len, &hdr))
		return -1;
	if (!vg_ring_wait(&r->net.ring[VG_RX], vg_deadline_ms(10000)))
		return 0;
	n = vg_net_recv(&r->net, mrg, back, sizeof(back));
	if (n != len || memcmp(frame, back, len))
		return -1;
	return n;
}

/*
 * The header of an ordinary frame is zero, its num_buffers right. The buffers
 * are filled first, so that an unwritten byte shows.
 */
TEST_F(rx, header)
{
	static const struct virtio_net_hdr zero;
	struct vg_net *n = &self->rig.net;
	struct virtio_net_hdr_mrg_rxbuf mrg;
	unsigned int want, i;

	for (i = 0; i < n->pool[VG_RX].nr; i++)
		memset(vg_mem_hva(&n->mem, n->pool[VG_RX].buf[i].gpa,
				  n->pool[VG_RX].size), 0xee,
		       n->pool[VG_RX].size);
	vg_net_fill(n);
	ASSERT_EQ(200, one_frame(&self->rig, &mrg, 200));
	EXPECT_EQ(0, memcmp(&zero, &mrg.hdr, sizeof(zero)));
	if (n->features & VG_NET_F_MRG) {
		want = (12 + 200 + variant->rx_size - 1) / variant->rx_size;
		EXPECT_EQ(want, le16toh(mrg.num_buffers));
	} else if (n->hdr_len == 12) {
		/* The reference writes it since 6.17. */
		EXPECT_EQ(vd_want("rx.num_buffers_without_mrg",
				  abi_kernel_has(6, 17) ? 1 : 0xeeee,
				  le16toh(mrg.num_buffers)),
			  le16toh(mrg.num_buffers));
	}
}

/*
 * A plain frame that fits into one buffer bypasses recvmsg(), except the first,
 * from which the device learns what recvmsg() writes. Other frames do not.
 */
TEST_F(rx, direct)
{
	bool fits = variant->rx_size >= 212 && self->rig.net.hdr_len &&
		    !(variant->features & VG_BIT(VG_F_VHOST_HDR));
	struct virtio_net_hdr_mrg_rxbuf mrg;
	int64_t direct, recvmsg;
	unsigned int i;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no counters");
	for (i = 0; i < 100; i++) {
		vg_net_fill(&self->rig.net);
		ASSERT_EQ(200, one_frame(&self->rig, &mrg, 200));
	}
	EXPECT_EQ(1, stats_reaches(getpid(), VG_RX, "direct", fits ? 99 : 0));
	direct = stats_queue(getpid(), VG_RX, "direct");
	recvmsg = stats_queue(getpid(), VG_RX, "recvmsg");
	EXPECT_EQ(fits ? 99 : 0, direct);
	EXPECT_EQ(100, direct + recvmsg);
}

VD_TEST_MAIN
