// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bursts of frames with the first, second, third ... allocation or user copy of
 * the worker failing, until a burst meets no fault. A fault may cost one frame,
 * but no other is altered, duplicated or reordered, each chain is returned, and
 * the ring continues without another kick than the next burst's. Needs a kernel
 * with fault injection (scripts/debug-kernel).
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../lib/vguest/worker.h"
#include "inject.h"
#include "rig.h"
#include "vd_test.h"

#define SEED		7
#define BURST		4
/* No burst has more operations that can fail. */
#define MAX_FAULTS	1000
/* After this time without a frame, the rest of a burst with a fault counts as lost. */
#define QUIET_MS	60

#define MODERN (VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) | \
		VG_BIT(VG_F_EVENT_IDX) | VG_BIT(VG_F_INDIRECT))

static uint8_t frame[VG_FRAME_MAX + 64];

FIXTURE(faults)
{
	struct rig rig;
	int nth_fd;
	unsigned int dir;
	uint64_t sent, due;	/* numbers of the next frames */
	unsigned int lost;
	unsigned int stopped;	/* times that the ring was */
};

FIXTURE_VARIANT(faults)
{
	unsigned int dir;
	size_t len;
	const struct vg_layout *layout;
};

FIXTURE_VARIANT_ADD(faults, tx_short)
{
	.dir = VG_TX, .len = VG_FRAME_MIN, .layout = &vg_layout_plain,
};

FIXTURE_VARIANT_ADD(faults, tx_indirect)
{
	.dir = VG_TX, .len = VG_FRAME_MTU, .layout = &vg_layout_indirect,
};

FIXTURE_VARIANT_ADD(faults, tx_large)
{
	.dir = VG_TX, .len = 30000, .layout = &vg_layout_plain,
};

FIXTURE_VARIANT_ADD(faults, rx_short)
{
	.dir = VG_RX, .len = VG_FRAME_MIN, .layout = &vg_layout_plain,
};

FIXTURE_VARIANT_ADD(faults, rx_full)
{
	.dir = VG_RX, .len = VG_FRAME_MTU, .layout = &vg_layout_plain,
};

FIXTURE_VARIANT_ADD(faults, rx_large)
{
	.dir = VG_RX, .len = 30000, .layout = &vg_layout_plain,
};

FIXTURE_SETUP(faults)
{
	struct vg_net_opts o = { .features = MODERN, .seed = SEED, .nr_tx = 64,
				 .tx_size = 32768, .rx_size = 4096 };

	self->dir = variant->dir;
	self->nth_fd = -1;
	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&self->rig));
}

FIXTURE_TEARDOWN(faults)
{
	if (self->nth_fd >= 0)
		close(self->nth_fd);
	rig_close(&self->rig);
}

typedef struct _test_data_faults faults_t;

static const char *send_one(faults_t *self, size_t len,
			    const struct vg_layout *layout)
{
	struct vg_net *n = &self->rig.net;
	struct virtio_net_hdr hdr;
	int ret;

	vg_frame_build(frame, len, self->sent++, SEED, len > VG_FRAME_MTU, &hdr);
	ret = self->dir == VG_TX ?
	      vg_net_xmit(n, &hdr, frame, len, layout) :
	      vg_packet_send(self->rig.far, &hdr, frame, len);
	return ret < 0 ? rig_fail(&self->rig, "send: %s", strerror(-ret)) : NULL;
}

static const char *send_burst(faults_t *self, size_t len,
			      const struct vg_layout *layout)
{
	const char *why = NULL;
	unsigned int i;

	if (self->dir == VG_RX)
		vg_net_fill(&self->rig.net);
	for (i = 0; i < BURST && !why; i++)
		why = send_one(self, len, layout);
	if (self->dir == VG_TX)
		vg_ring_kick(&self->rig.net.ring[VG_TX]);
	return why;
}

static ssize_t recv_one(faults_t *self)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr;
	ssize_t len = self->dir == VG_TX ?
		      vg_packet_recv(self->rig.far, &hdr, frame, sizeof(frame)) :
		      vg_net_recv(&self->rig.net, &mrg, frame, sizeof(frame));

	return len == -EAGAIN ? 0 : len;
}

/* A ring that a fault stopped is started again, as by a driver that is reset. */
static const char *start_again(faults_t *self)
{
	int ret;

	if (!vg_eventfd_take(self->rig.net.err[self->dir]))
		return NULL;
	self->stopped++;
	ret = vg_set_backend(self->rig.net.fd, self->dir, -1);
	if (ret)
		return rig_fail(&self->rig, "detach: %s", strerror(-ret));
	self->lost += self->sent - self->due;
	self->due = self->sent;
	return rig_restart(&self->rig, self->dir);
}

/* Takes frames until @upto has come, or nothing comes for @ms. */
static const char *take(faults_t *self, uint64_t upto,
			unsigned int ms)
{
	uint64_t deadline = vg_deadline_ms(ms), seq;
	const char *why;
	ssize_t len;

	while (self->due < upto && !vg_expired(deadline)) {
		len = recv_one(self);
		if (len < 0)
			return rig_fail(&self->rig, "receive: %s", strerror(-len));
		if (!len) {
			poll(NULL, 0, 1);
			continue;
		}
		why = vg_frame_check(frame, len, SEED, &seq);
		if (why)
			return why;
		if (seq < self->due || seq >= self->sent)
			return rig_fail(&self->rig, "frame %llu when %llu was due",
					(unsigned long long)seq,
					(unsigned long long)self->due);
		self->lost += seq - self->due;
		self->due = seq + 1;
		deadline = vg_deadline_ms(ms);
	}
	return NULL;
}

/* Without faults the next burst arrives whole, and no chain stays behind. */
static const char *settle(faults_t *self, size_t len,
			  const struct vg_layout *layout)
{
	const char *why = start_again(self);
	uint64_t first = self->sent;
	unsigned int lost;
	int ret;

	why = why ?: send_burst(self, len, layout);
	why = why ?: take(self, first + 1, 10000);
	lost = self->lost;
	why = why ?: take(self, self->sent, 10000);
	if (why)
		return why;
	if (self->due != self->sent || self->lost != lost)
		return rig_fail(&self->rig, "frames are lost without a fault");
	ret = self->dir == VG_TX ?
	      vg_net_drain(&self->rig.net, vg_deadline_ms(10000)) : 0;
	return ret ? rig_fail(&self->rig, "chains: %s", strerror(-ret)) : NULL;
}

TEST_F(faults, of_the_worker)
{
	unsigned int nth, lost = 0, worst = 0;
	const char *why = NULL;
	bool struck = true;

	if (vg_dev_is_reference())
		SKIP(return, "the reference loses bursts and stops rings");
	self->nth_fd = inject_open(vg_worker_find(getpid()), &why);
	if (self->nth_fd < 0)
		SKIP(return, "%s", why);
	for (nth = 1; struck && nth < MAX_FAULTS; nth++) {
		inject_arm(self->nth_fd, nth);
		ASSERT_FINE(send_burst(self, variant->len, variant->layout));
		ASSERT_FINE(take(self, self->sent, QUIET_MS));
		struck = inject_disarm(self->nth_fd);
		why = settle(self, variant->len, variant->layout);
		ASSERT_EQ(NULL, why) { TH_LOG("after fault %u: %s", nth, why); }
		worst = self->lost - lost > worst ? self->lost - lost : worst;
		lost = self->lost;
	}
	TH_LOG("%u faults, %u frames lost, %u at most by one, ring stopped %u times",
	       nth - 2, lost, worst, self->stopped);
	EXPECT_FALSE(struck);
	EXPECT_LT(2, nth);
	EXPECT_GE(1, worst);
}

VD_TEST_MAIN
