// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of the guest that an XDP program of the device's tap redirects to
 * another tap. The program sees a frame without its virtio-net header.
 */
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"
#include "xdp.h"

static struct rig rig;

/* The guest sends, and the device's tap redirects to the tap @out. */
FIXTURE(sent)
{
	struct vg_tap out;
	int link;
};

FIXTURE_SETUP(sent)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(0, vg_tap_open(&self->out, 0, false));
	ASSERT_EQ(0, fcntl(self->out.fd, F_SETFL, O_NONBLOCK));
	self->link = xdp_redirect(rig.tap.ifindex, self->out.ifindex);
	ASSERT_LE(0, self->link);
}

FIXTURE_TEARDOWN(sent)
{
	close(self->link);
	vg_tap_close(&self->out);
	rig_close(&rig);
}

/* The next frame at the other tap: its length, 0 if none arrives. */
static size_t leaves(int fd, uint8_t *frame, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t len;

	if (poll(&p, 1, 5000) < 1)
		return 0;
	len = read(fd, frame, room);
	return len > 0 ? len : 0;
}

/* One's complement sum, as of a buffer in network byte order. */
static uint16_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * A frame with its checksum left to the device, as @hdr describes; @want is the
 * frame that must leave.
 */
static void build_partial(uint8_t *frame, uint8_t *want, size_t len,
			  unsigned int start, unsigned int field, int fill,
			  struct virtio_net_hdr *hdr)
{
	uint16_t sum;
	size_t i;

	for (i = 0; i < len; i++)
		frame[i] = fill < 0 ? random() : fill;
	/* In place of a pseudo header's sum. */
	frame[start + field] = 0xff;
	frame[start + field + 1] = fill < 0 ? random() : 0xff;
	memcpy(want, frame, len);
	sum = ~sum_of(frame + start, len - start, 0);
	if (!sum)
		sum = 0xffff;
	want[start + field] = sum >> 8;
	want[start + field + 1] = sum;
	*hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = htole16(start), .csum_offset = htole16(field),
	};
}

static const char *send_one(const struct virtio_net_hdr *hdr,
			    const uint8_t *frame, size_t len)
{
	int err = vg_net_xmit(&rig.net, hdr, frame, len, &vg_layout_plain);

	if (err)
		return rig_fail(&rig, "xmit %d", err);
	vg_ring_kick(&rig.net.ring[VG_TX]);
	err = vg_net_drain(&rig.net, vg_deadline_ms(5000));
	return err ? rig_fail(&rig, "drain %d", err) : NULL;
}

/* The program does not see the header, so the frame must be complete without it. */
TEST_F(sent, checksum_is_complete)
{
	static const unsigned int field[] = { 0, 6, 16, 17 };
	uint8_t frame[VG_FRAME_MTU], want[VG_FRAME_MTU], got[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;
	bool same = true;
	size_t len;
	int i;

	for (i = 0; i < 400 && same; i++) {
		len = i < 100 ? VG_FRAME_MIN + i :
		      vg_frame_len(i, 1, VG_FRAME_MIN, VG_FRAME_MTU);
		build_partial(frame, want, len, 14 + i % 27, field[i % 4],
			      i == 7 ? 0 : -1, &hdr);
		ASSERT_FINE(send_one(&hdr, frame, len));
		ASSERT_EQ(len, leaves(self->out.fd, got, sizeof(got)));
		same = !memcmp(got, want, len);
		if (!same)
			TH_LOG("frame %d, %zu bytes", i, len);
	}
	EXPECT_CALL("tx.redirected_checksum", 0, same);
	if (!vg_dev_is_reference())
		EXPECT_TRUE(same);
}

/* A checksum field that would lie outside of the frame. */
TEST_F(sent, checksum_outside_is_dropped)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = htole16(50), .csum_offset = htole16(49),
	};
	uint8_t frame[100] = { 0 }, got[VG_FRAME_MTU];

	ASSERT_FINE(send_one(&hdr, frame, sizeof(frame)));
	hdr.csum_offset = htole16(48);
	ASSERT_FINE(send_one(&hdr, frame, 99 + 1));
	EXPECT_EQ(100, leaves(self->out.fd, got, sizeof(got)));
	/* The reference passes the invalid frame to the program, too. */
	if (!vg_dev_is_reference())
		EXPECT_EQ(-1, read(self->out.fd, got, sizeof(got)));
}

/*
 * The tap sends GSO packets at once, and what it redirects at the end of a
 * batch. One batch of both must leave in order.
 */
TEST_F(sent, gso_keeps_its_place)
{
	uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;
	uint64_t seq, got;
	int swapped = 0;
	size_t len;

	for (seq = 0; seq < 60; seq++) {
		len = seq % 5 == 4 ? 1000 : 100;
		vg_frame_build(frame, len, seq, 1, len == 1000, &hdr);
		ASSERT_EQ(0, vg_net_xmit(&rig.net, &hdr, frame, len,
					 &vg_layout_plain));
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	for (seq = 0; seq < 60; seq++) {
		len = leaves(self->out.fd, frame, sizeof(frame));
		ASSERT_LT(0, len);
		ASSERT_EQ(NULL, vg_frame_check(frame, len, 1, &got));
		swapped += got != seq;
	}
	if (vg_dev_is_reference())
		SKIP(return, "the reference swaps %d of 60", swapped);
	EXPECT_EQ(0, swapped);
}

VD_TEST_MAIN
