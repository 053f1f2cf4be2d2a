// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that an XDP program of another tap redirects to the device's. They are
 * written to the guest without recvmsg(), as plain packets are.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "info.h"
#include "rig.h"
#include "vd_test.h"
#include "xdp.h"

#define NR_FRAMES 500

static struct rig rig;

/*
 * Frames written to the tap @in are redirected to the device's. The device must
 * have received a packet of the stack to determine its tap.
 */
FIXTURE(redirected)
{
	struct vg_tap in;
	int link;
	uint64_t seq;
};

FIXTURE_VARIANT(redirected)
{
	uint64_t features;
};

FIXTURE_VARIANT_ADD(redirected, modern)
{
	.features = VG_BIT(VG_F_VERSION_1),
};

FIXTURE_VARIANT_ADD(redirected, mergeable)
{
	.features = VG_BIT(VG_F_VERSION_1) | VG_NET_F_MRG,
};

FIXTURE_VARIANT_ADD(redirected, legacy)
{
	.features = 0,
};

/* One frame at the guest: its length, 0 when none came. */
static size_t receive(uint8_t *frame, size_t room,
		      struct virtio_net_hdr_mrg_rxbuf *mrg)
{
	uint64_t deadline = vg_deadline_ms(5000);
	ssize_t len;

	do {
		vg_net_fill(&rig.net);
		len = vg_net_recv(&rig.net, mrg, frame, room);
	} while (len <= 0 && vg_ring_wait(&rig.net.ring[VG_RX], deadline));
	return len > 0 ? len : 0;
}

FIXTURE_SETUP(redirected)
{
	struct vg_net_opts o = { .features = variant->features };
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t frame[VG_FRAME_MTU] = { 0 };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, vg_tap_open(&self->in, 0, false));
	self->link = xdp_redirect(self->in.ifindex, rig.tap.ifindex);
	ASSERT_LE(0, self->link);
	ASSERT_FINE(rig_far_send(&rig, frame, 60, NULL));
	ASSERT_EQ(60, receive(frame, sizeof(frame), &mrg));
	self->seq = 0;
}

FIXTURE_TEARDOWN(redirected)
{
	close(self->link);
	vg_tap_close(&self->in);
	rig_close(&rig);
}

static const char *check(size_t len, uint64_t seq,
			 const struct virtio_net_hdr_mrg_rxbuf *mrg)
{
	static uint8_t frame[VG_FRAME_MTU];
	const char *why;
	uint64_t got;

	if (receive(frame, sizeof(frame), (void *)mrg) != len)
		return rig_fail(&rig, "frame %llu did not arrive whole",
				(unsigned long long)seq);
	why = vg_frame_check(frame, len, 1, &got);
	if (!why && got != seq)
		why = "another frame arrived";
	return why;
}

static const char *write_frame(int in, const uint8_t *frame, size_t len)
{
	return write(in, frame, len) == (ssize_t)len ? NULL :
	       rig_fail(&rig, "write: %m");
}

/* @nr frames, a few at a time, each of which must arrive as it was. */
static const char *pass(int in, uint64_t *seq, unsigned int nr)
{
	struct virtio_net_hdr_mrg_rxbuf mrg, zero = { 0 };
	uint64_t end = *seq + nr, sent = *seq;
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;
	const char *why = NULL;
	size_t len;

	for (; *seq < end && !why; ++*seq) {
		for (; sent < end && sent < *seq + 50; sent++) {
			len = vg_frame_len(sent, 1, VG_FRAME_MIN, VG_FRAME_MTU);
			vg_frame_build(frame, len, sent, 1, false, &hdr);
			why = write_frame(in, frame, len);
			if (why)
				return why;
		}
		memset(&mrg, 0xff, sizeof(mrg));
		len = vg_frame_len(*seq, 1, VG_FRAME_MIN, VG_FRAME_MTU);
		why = check(len, *seq, &mrg);
		if (!why && memcmp(&mrg.hdr, &zero.hdr, sizeof(mrg.hdr)))
			why = "a header that is not zero";
	}
	return why;
}

static bool reaches(const char *key, int64_t least)
{
	return vg_dev_is_reference() ||
	       info_ring_reaches(rig.net.fd, VG_RX, key, least);
}

static int64_t now(const char *key)
{
	return vg_dev_is_reference() ? 0 :
	       info_ring_now(rig.net.fd, VG_RX, key);
}

TEST_F(redirected, arrive_unaltered)
{
	EXPECT_FINE(pass(self->in.fd, &self->seq, NR_FRAMES));
	EXPECT_EQ(true, reaches("direct-xdp", NR_FRAMES));
}

/* Frames of the stack and redirected ones, in the order of their sending. */
TEST_F(redirected, mix_with_packets)
{
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr;
	const char *why;
	int i;

	for (i = 0; i < NR_FRAMES; i++) {
		vg_frame_build(frame, 100, i, 1, false, &hdr);
		if (i % 3)
			why = write_frame(self->in.fd, frame, 100);
		else
			why = rig_far_send(&rig, frame, 100, NULL);
		ASSERT_FINE(why);
		if (i % 20 < 19)
			continue;
		for (int j = i - 19; j <= i; j++)
			ASSERT_FINE(check(100, j, &mrg));
	}
	EXPECT_EQ(true, reaches("direct-xdp", NR_FRAMES * 6 / 10));
	EXPECT_EQ(true, reaches("direct", NR_FRAMES * 9 / 10));
}

static int set_parameter(const char *name, char value)
{
	char path[100];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/viaduct/parameters/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	ret = write(fd, &value, 1) == 1 ? 0 : -1;
	close(fd);
	return ret;
}

static uint64_t tap_bytes(void)
{
	char line[512], found[32];
	unsigned long long bytes = 0;
	FILE *f = fopen("/proc/thread-self/net/dev", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %llu",
			   found, &bytes) == 2 && !strcmp(found, rig.link))
			break;
	if (f)
		fclose(f);
	return bytes;
}

/* Bytes that the tap counts for 100 redirected frames. */
static const char *bytes_of_100(int in, uint64_t *bytes)
{
	uint64_t seq = 0, deadline = vg_deadline_ms(5000), last;
	uint64_t before = tap_bytes();
	const char *why = pass(in, &seq, 100);

	do {
		last = tap_bytes();
		poll(NULL, 0, 20);
	} while (!why && (tap_bytes() != last || last == before) &&
		 !vg_expired(deadline));
	*bytes = last - before;
	return why;
}

/* Without the shortcut recvmsg() delivers them, and the tap counts the same bytes. */
TEST_F(redirected, can_be_switched_off)
{
	uint64_t on, off;
	int64_t direct, recvmsg;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no shortcut");
	ASSERT_FINE(bytes_of_100(self->in.fd, &on));
	direct = now("direct-xdp");
	recvmsg = now("recvmsg");
	EXPECT_LE(100, direct);
	ASSERT_EQ(0, set_parameter("rx_direct_xdp", 'N'));
	EXPECT_FINE(bytes_of_100(self->in.fd, &off));
	EXPECT_EQ(true, reaches("recvmsg", recvmsg + 99));
	/* The run in progress may have taken one more. */
	EXPECT_GE(direct + 1, now("direct-xdp"));
	EXPECT_EQ(0, set_parameter("rx_direct_xdp", 'Y'));
	EXPECT_EQ(off, on);
}

/* The same for packets of the stack. */
TEST_F(redirected, packets_can_be_switched_off)
{
	struct stream s = stream_make(&rig, VG_RX, 200);
	int64_t direct;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no shortcut");
	ASSERT_EQ(0, set_parameter("rx_direct", 'N'));
	direct = now("direct");
	s.max = VG_FRAME_MTU;
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(true, reaches("recvmsg", 199));
	EXPECT_GE(direct + 1, now("direct"));
	EXPECT_EQ(0, set_parameter("rx_direct", 'Y'));
	s = stream_make(&rig, VG_RX, 200);
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(true, reaches("direct", direct + 199));
}

VD_TEST_MAIN
