// SPDX-License-Identifier: GPL-2.0-only
/* Streams of checked frames through every kind of ring. */
#include "frame.h"
#include "rig.h"

#define FRAMES	4000

#define GSO (VG_BIT(VIRTIO_NET_F_CSUM) | VG_BIT(VIRTIO_NET_F_GUEST_CSUM) | \
	     VG_BIT(VIRTIO_NET_F_GUEST_TSO4) | VG_BIT(VIRTIO_NET_F_HOST_TSO4))
#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | \
		VG_BIT(VG_F_INDIRECT) | GSO)

static const struct vg_layout apart = {
	"header apart", { 12 }, .nr_direct = VG_ALL_DIRECT
};

static const struct vg_layout table = { "table", { 12 }, .piece = 4096 };

static const struct vg_layout pages = {
	"pages backwards", { 12 }, .piece = 4096, .nr_direct = VG_ALL_DIRECT,
	.backwards = true
};

/* Small rings, so that they wrap often; split ones begin before their index wraps. */
static void stream(uint64_t features, uint32_t rx_size, uint64_t proto)
{
	const struct vg_layout *layouts[] = { &vg_layout_plain, &apart, &table,
					      &pages };
	struct vg_net_opts o = {
		.features = features, .num = { 128, 64 }, .nr_tx = 32,
		.tx_size = VG_FRAME_MAX + 12, .rx_size = rx_size, .seed = 5,
		.base = features & VG_BIT(VG_F_RING_PACKED) ? 0 : 65500,
	};
	struct viaduct_stats st;
	struct rig r;
	unsigned int i;

	rig_open(&r, &o, proto);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	for (i = 0; i < 4; i++) {
		if (layouts[i] == &table && !(features & VG_BIT(VG_F_INDIRECT)))
			continue;
		rig_stream_tx(&r, i * FRAMES, FRAMES, VG_FRAME_MAX, layouts[i]);
	}
	rig_stream_rx(&r, 0, FRAMES, VG_FRAME_MAX);
	viaduct_vring_stats(r.dev, VG_RX, &st);
	CHECK_EQ(st.packets, FRAMES);
	CHECK_EQ(st.long_drops + st.short_drops + st.header_drops, 0);
	rig_close(&r);
}

TEST(stream_split)
{
	stream(MODERN | VG_NET_F_MRG, 4096, RIG_PROTO);
}

TEST(stream_packed)
{
	stream(MODERN | VG_NET_F_MRG | VG_BIT(VG_F_RING_PACKED), 2048, RIG_PROTO);
}

TEST(stream_in_order)
{
	stream(MODERN | VG_NET_F_MRG | VG_BIT(VG_F_IN_ORDER), 1536, RIG_PROTO);
}

TEST(stream_packed_in_order)
{
	stream(MODERN | VG_NET_F_MRG | VG_BIT(VG_F_RING_PACKED) |
	       VG_BIT(VG_F_IN_ORDER), 4096, RIG_PROTO);
}

TEST(stream_big_buffers)
{
	stream(MODERN, VG_FRAME_MAX + 12, RIG_PROTO);
}

/* No protocol features, thus no enable message; header of 10 bytes. */
TEST(stream_legacy)
{
	stream(GSO, VG_FRAME_MAX + 10, 0);
}

/* Header and frame are cut at odd places. */
TEST(stream_scattered)
{
	static const struct vg_layout bits = {
		"bits", { 1, 5, 6, 3 }, .piece = 700, .nr_direct = VG_ALL_DIRECT
	};
	struct vg_net_opts o = { .features = MODERN | VG_NET_F_MRG, .seed = 3 };
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	r.fe.n.rx_layout = &bits;
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_stream_tx(&r, 0, FRAMES, VG_FRAME_MTU, &bits);
	rig_stream_rx(&r, 0, FRAMES, 9000);
	rig_close(&r);
}

/* A guest that does not accept partial checksums gets complete ones. */
TEST(checksum_is_completed)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048], *p;
	struct rig r;
	uint32_t sum = 0;
	int i;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	vg_net_fill(&r.fe.n);
	p = r.pkt[0].data;
	for (i = 0; i < 101; i++)
		p[i] = i * 7;
	memset(p + 50, 0, 2);
	r.pkt[0].len = 101;
	r.pkt[0].hdr = (struct viaduct_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34, .csum_offset = 16,
	};
	CHECK_EQ(viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 1), 1);
	CHECK_EQ(vg_net_recv(&r.fe.n, &mrg, frame, sizeof(frame)), 101);
	CHECK_EQ(mrg.hdr.flags, 0);
	/* A whole one's complement sum is 0xffff. */
	for (i = 34; i < 101; i++)
		sum += i & 1 ? frame[i] : frame[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	CHECK_EQ((sum & 0xffff) + (sum >> 16), 0xffff);
	rig_close(&r);
}

/* One that the guest cannot take stays as it is: others may receive it, too. */
TEST(checksum_of_dropped_packet)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const struct viaduct_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34,
		.csum_offset = 16, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 100,
	};
	struct viaduct_stats st;
	struct rig r;
	int i;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	vg_net_fill(&r.fe.n);
	memset(r.pkt[0].data, 7, 500);
	r.pkt[0].len = 500;
	r.pkt[0].hdr = hdr;
	CHECK_EQ(viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 1), 1);
	viaduct_vring_stats(r.dev, VG_RX, &st);
	CHECK_EQ(st.header_drops, 1);
	CHECK(!memcmp(&r.pkt[0].hdr, &hdr, sizeof(hdr)));
	for (i = 0; i < 500; i++)
		CHECK_EQ(((uint8_t *)r.pkt[0].data)[i], 7);
	rig_close(&r);
}

/* A guest cannot declare a checksum valid: the program must not get the flag. */
TEST(checksum_said_to_be_valid)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct virtio_net_hdr hdr = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	uint8_t frame[60] = {};
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 1);
	CHECK_EQ(r.pkt[0].hdr.flags, 0);
	rig_close(&r);
}

/* A packet that contradicts frame or features is counted and skipped. */
TEST(bad_packets_are_dropped)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct virtio_net_hdr hdr = {};
	struct viaduct_stats st;
	uint8_t frame[2048] = {};
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	vg_net_fill(&r.fe.n);
	r.pkt[0].len = 60;
	r.pkt[0].hdr = (struct viaduct_hdr){ .gso_type = 1, .gso_size = 100 };
	r.pkt[1].len = 13;
	r.pkt[2].len = 4000;
	r.pkt[3].len = 60;
	CHECK_EQ(viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 4), 4);
	viaduct_vring_stats(r.dev, VG_RX, &st);
	CHECK_EQ(st.header_drops, 1);
	CHECK_EQ(st.short_drops, 1);
	CHECK_EQ(st.long_drops, 1);
	CHECK_EQ(st.packets, 1);

	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 13, &vg_layout_plain), 0);
	hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr.csum_start = htole16(50);
	hdr.csum_offset = htole16(9);
	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 61, &vg_layout_plain), 0);
	r.pkt[0].room = 61;
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 4), 1);
	CHECK_EQ(r.pkt[0].len, 61);
	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 62, &vg_layout_plain), 0);
	r.pkt[0].room = 61;
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 0);
	viaduct_vring_stats(r.dev, VG_TX, &st);
	CHECK_EQ(st.short_drops, 1);
	CHECK_EQ(st.header_drops, 1);
	CHECK_EQ(st.long_drops, 1);
	CHECK_EQ(vg_net_reap(&r.fe.n), 4);
	rig_close(&r);
}
