// SPDX-License-Identifier: GPL-2.0-only
/* Stop and start, reconnection, notifications, broken rings, resets. */

#include "frame.h"
#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)
#define PACKED (MODERN | VG_BIT(VG_F_RING_PACKED))

/* Stopped and started again, a ring continues at its position. */
static void restart(uint64_t features)
{
	struct vg_net_opts o = { .features = features };
	struct rig r;
	int64_t base;
	unsigned int i;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	for (i = 0; i < 20; i++) {
		rig_stream_tx(&r, i * 333, 333, VG_FRAME_MTU, &vg_layout_plain);
		base = fe_stop_ring(&r.fe, VG_TX);
		CHECK_EQ(base, vg_ring_base(&r.fe.n.ring[VG_TX]));
		rig_wait(&r.on, 1 << VG_RX);
		CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 0);
		CHECK_EQ(fe_start_ring(&r.fe, VG_TX, base), 0);
		rig_wait(&r.on, 3);
	}
	rig_close(&r);
}

TEST(restart_split)
{
	restart(MODERN);
}

TEST(restart_packed)
{
	restart(PACKED);
}

/* The front end reconnects: the rings continue from the used index. */
static void reconnect(uint64_t features)
{
	struct vg_net_opts o = { .features = features };
	struct rig r;
	unsigned int i;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	for (i = 0; i < 20; i++) {
		rig_stream_tx(&r, i * 333, 333, VG_FRAME_MTU, &vg_layout_plain);
		rig_reconnect(&r);
		rig_wait(&r.on, 0);
		r.fe.proto = RIG_PROTO;
		CHECK_EQ(fe_negotiate(&r.fe), 0);
		CHECK_EQ(fe_set_memory(&r.fe), 0);
		CHECK_EQ(fe_start_ring(&r.fe, VG_TX,
				       vg_ring_base(&r.fe.n.ring[VG_TX])), 0);
	}
	CHECK(strstr(r.reason, "front end has left"));
	rig_close(&r);
}

TEST(reconnect_split)
{
	reconnect(MODERN);
}

TEST(reconnect_packed)
{
	reconnect(PACKED);
}

/* Kicks and calls only where they are enabled. */
static void notify(uint64_t features)
{
	struct vg_net_opts o = { .features = features };
	static uint8_t frame[60] = { 2 };
	struct virtio_net_hdr hdr = {};
	struct viaduct_stats st;
	struct vg_net *n;
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	n = &r.fe.n;
	/* Polled: no kick. */
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 0);
	CHECK_EQ(viaduct_vring_arm(r.dev, VG_TX), 0);
	CHECK_EQ(vg_net_xmit(n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK(vg_ring_kick(&n->ring[VG_TX]));
	CHECK_EQ(viaduct_vring_arm(r.dev, VG_TX), 1);
	/* The driver has not armed: no call. */
	vg_ring_disarm(&n->ring[VG_TX]);
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 8), 1);
	CHECK_EQ(vg_net_xmit(n, &hdr, frame, 60, &vg_layout_plain), 0);
	if (!(features & VG_BIT(VG_F_EVENT_IDX)))
		CHECK(!vg_ring_kick(&n->ring[VG_TX]));
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 8), 1);
	viaduct_vring_stats(r.dev, VG_TX, &st);
	CHECK(st.calls <= (features & VG_BIT(VG_F_EVENT_IDX) ? 1 : 0));
	CHECK_EQ(vg_net_reap(n), 2);
	vg_eventfd_take(n->call[VG_TX]);
	CHECK(!vg_ring_arm(&n->ring[VG_TX]));
	CHECK_EQ(vg_net_xmit(n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 8), 1);
	CHECK_EQ(vg_eventfd_take(n->call[VG_TX]), 1);
	/* A wait ends with a kick, and without one by its limit. */
	CHECK_EQ(viaduct_vring_wait(r.dev, VG_TX, 10), 0);
	CHECK_EQ(vg_net_xmit(n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK_EQ(viaduct_vring_wait(r.dev, VG_TX, RIG_MS), 1);
	rig_close(&r);
}

TEST(notify_split)
{
	notify(VG_BIT(VG_F_VERSION_1));
}

TEST(notify_event_idx)
{
	notify(MODERN);
}

TEST(notify_packed)
{
	notify(VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_RING_PACKED));
}

/* A guest that breaks its ring stops this ring, and nothing else. */
TEST(broken_ring)
{
	struct vg_net_opts o = { .features = MODERN };
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	r.fe.n.ring[VG_TX].avail->idx += 1000;
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 8), 0);
	rig_wait(&r.on, 1 << VG_RX);
	CHECK_EQ(vg_eventfd_take(r.fe.n.err[VG_TX]), 1);
	CHECK(strstr(r.log, "ring 1 failed a check"));
	rig_stream_rx(&r, 0, 100, VG_FRAME_MTU);
	/* The ring runs after it was started again. */
	r.fe.n.ring[VG_TX].avail->idx -= 1000;
	CHECK_EQ(fe_stop_ring(&r.fe, VG_TX), 0);
	CHECK_EQ(fe_start_ring(&r.fe, VG_TX, 0), 0);
	rig_wait(&r.on, 3);
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_close(&r);
}

/* Status 0 and RESET_DEVICE: rings stop, negotiation begins anew. */
TEST(reset_device)
{
	struct vg_net_opts o = { .features = MODERN };
	uint64_t status;
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_STATUS, 15), 0);
	CHECK_EQ(fe_get(&r.fe, FE_GET_STATUS, &status, 8, 0), 0);
	CHECK_EQ(status, 15);
	CHECK_EQ(fe_send(&r.fe, FE_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	rig_wait(&r.on, 0);
	CHECK_EQ(fe_get(&r.fe, FE_GET_STATUS, &status, 8, 0), 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES, r.fe.n.features), 0);
	CHECK_EQ(fe_start_ring(&r.fe, VG_TX, 0), 0);
	rig_wait(&r.on, 2);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_STATUS, 0), 0);
	rig_wait(&r.on, 0);
	rig_close(&r);
}

/* QEMU sets the status to 0 first, and then requests the position. */
TEST(status_keeps_base)
{
	struct vg_net_opts o = { .features = MODERN };
	struct rig r;
	int64_t base;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_STATUS, 0), 0);
	rig_wait(&r.on, 0);
	base = fe_stop_ring(&r.fe, VG_TX);
	CHECK_EQ(base, vg_ring_base(&r.fe.n.ring[VG_TX]));
	CHECK(base >= 100);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES, r.fe.n.features), 0);
	CHECK_EQ(fe_start_ring(&r.fe, VG_TX, base), 0);
	rig_wait(&r.on, 2);
	rig_stream_tx(&r, 100, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_close(&r);
}

/* QEMU enables and disables rings before it sets features. */
TEST(enable_before_features)
{
	struct vg_net_opts o = { .features = MODERN };
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	r.fe.proto = 0;
	CHECK_EQ(fe_send_state(&r.fe, FE_SET_VRING_ENABLE, VG_TX, 1), 0);
	CHECK_EQ(fe_send_state(&r.fe, FE_SET_VRING_ENABLE, VG_RX, 0), 0);
	r.fe.proto = RIG_PROTO;
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	CHECK_EQ(fe_send_state(&r.fe, FE_SET_VRING_ENABLE, VG_RX, 0), 0);
	rig_wait(&r.on, 1 << VG_TX);
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_close(&r);
}
