// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface of a tap is deleted while the device holds frames without a
 * buffer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

static struct rig rig;

/* Frames are received until one of @len bytes comes. */
static const char *receive_until(size_t len)
{
	uint64_t deadline = vg_deadline_ms(10000);
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];

	while (vg_ring_wait(&rig.net.ring[VG_RX], deadline)) {
		vg_net_fill(&rig.net);
		if (vg_net_recv(&rig.net, &mrg, frame, sizeof(frame)) == len)
			return NULL;
	}
	return rig_fail(&rig, "no frame of %zu bytes", len);
}

/* Makes the device find the interface, and hold frames for which it has no buffer. */
static const char *hold_frames(void)
{
	static const uint8_t zeroes[1000];
	int64_t before = stats_queue(getpid(), VG_RX, "pressure");
	const char *why;
	unsigned int i;

	vg_net_fill(&rig.net);
	why = rig_far_send(&rig, zeroes, 900, NULL) ?: receive_until(900);
	for (i = 0; !why && i < rig.net.ring[VG_RX].num + 20; i++)
		why = rig_far_send(&rig, zeroes, 100, NULL);
	if (!why && !stats_count(getpid(), VG_RX, "pressure", before + 1))
		return "the device has room for all frames";
	return why;
}

/* Makes room for all that the device holds. */
static void make_room(void)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[2048];

	while (vg_net_recv(&rig.net, &mrg, frame, sizeof(frame)) > 0)
		;
	vg_net_fill(&rig.net);
}

static int delete_interface(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "ip link del %s", rig.link);
	return system(cmd);
}

/* The queues are attached to the same descriptor, which has another interface. */
static const char *start_on_another_interface(void)
{
	static const uint8_t zeroes[1000];
	const char *why;

	if (vg_net_stop(&rig.net) || vg_tap_renew(&rig.tap, rig.net.hdr_len))
		return "no other interface";
	strcpy(rig.link, rig.tap.name);
	why = rig_reopen_far(&rig) ?: rig_start(&rig);
	if (why)
		return why;
	vg_net_fill(&rig.net);
	return rig_far_send(&rig, zeroes, 800, NULL) ?: receive_until(800);
}

static const char *set_up(void)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };

	return rig_open(&rig, RIG_TAP, &o) ?: rig_start(&rig);
}

/* Held frames are given back to a descriptor that gets another interface. */
TEST(frames_outlive_it)
{
	struct stream s;
	int i;

	ASSERT_FINE(set_up());
	for (i = 0; i < 3; i++) {
		ASSERT_FINE(hold_frames());
		ASSERT_EQ(0, delete_interface());
		ASSERT_FINE(start_on_another_interface());
	}
	s = stream_make(&rig, VG_RX, 100);
	EXPECT_FINE(stream_run(&s, 1));
}

/* All jobs of the worker have run when this returns: they count at their end. */
static void settle(void)
{
	if (vg_set_log_fd(rig.net.fd, -1))
		abort();
}

/*
 * There is room again before the queue is detached: frames must not be counted
 * at an interface that has been freed.
 */
TEST(frames_are_not_counted_at_it)
{
	int64_t direct;
	int i;

	ASSERT_FINE(set_up());
	for (i = 0; i < 3; i++) {
		ASSERT_FINE(hold_frames());
		settle();
		direct = stats_queue(getpid(), VG_RX, "direct");
		ASSERT_EQ(0, delete_interface());
		make_room();
		settle();
		EXPECT_EQ(direct, stats_queue(getpid(), VG_RX, "direct"));
		ASSERT_FINE(start_on_another_interface());
	}
}

VD_TEST_MAIN
