// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header of 24 bytes that comes with either feature for GSO in UDP tunnels:
 * carried both ways, in all layouts, and no longer once the feature is gone.
 */
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"

#define NR_FRAMES 1000

static struct rig rig;

static const struct vg_layout plain = { "one piece", .nr_direct = VG_ALL_DIRECT };
static const struct vg_layout apart = { "header apart", { 24 },
					.nr_direct = VG_ALL_DIRECT };
static const struct vg_layout cut = { "header cut", { 5, 9, 3 },
				      .nr_direct = VG_ALL_DIRECT };
static const struct vg_layout *const layouts[] = { &plain, &apart, &cut, NULL };

FIXTURE(tunnel)
{
};

FIXTURE_VARIANT(tunnel)
{
	uint64_t features;
	uint64_t high;
};

#define TUNNEL_VARIANT(name_, features_, high_) \
	FIXTURE_VARIANT_ADD(tunnel, name_) { .features = features_, \
		.high = high_ }

TUNNEL_VARIANT(host, VG_BIT(VG_F_VERSION_1), VG_NET_F_HOST_TUNNEL);
TUNNEL_VARIANT(guest, VG_BIT(VG_F_VERSION_1), VG_NET_F_GUEST_TUNNEL);
TUNNEL_VARIANT(mergeable, VG_BIT(VG_F_VERSION_1) | VG_NET_F_MRG,
	       VG_NET_F_GUEST_TUNNEL | VG_NET_F_HOST_TUNNEL);
TUNNEL_VARIANT(own_header, VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_VHOST_HDR),
	       VG_NET_F_GUEST_TUNNEL | VG_NET_F_HOST_TUNNEL);

FIXTURE_SETUP(tunnel)
{
	struct vg_net_opts o = { .features = variant->features,
				 .features_high = variant->high };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_EQ(24, rig.net.hdr_len);
}

FIXTURE_TEARDOWN(tunnel)
{
	rig_close(&rig);
}

TEST_F(tunnel, frames_transmitted)
{
	struct stream s = stream_make(&rig, VG_TX, NR_FRAMES);

	s.layouts = layouts;
	/* What the guest leaves in the tunnel's part of other frames. */
	memset(rig.net.tunnel, 0xff, sizeof(rig.net.tunnel));
	EXPECT_FINE(stream_run(&s, 1));
}

TEST_F(tunnel, frames_received)
{
	static const uint8_t zero[sizeof(rig.net.hdr) - 12];
	struct stream s = stream_make(&rig, VG_RX, NR_FRAMES);

	memset(rig.net.hdr, 0xff, sizeof(rig.net.hdr));
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(1, rig.net.hdr[10] | rig.net.hdr[11] << 8);
	EXPECT_EQ(0, memcmp(zero, rig.net.hdr + 12, sizeof(zero)));
}

/* SET_FEATURES clears the second word, and the header is short again. */
TEST_F(tunnel, feature_is_gone)
{
	struct stream s = stream_make(&rig, VG_TX, NR_FRAMES);

	ASSERT_EQ(0, vg_net_stop(&rig.net));
	ASSERT_EQ(0, vg_set_features(rig.net.fd, rig.net.features));
	rig.net.hdr_len = 12;
	if (!(rig.net.features & VG_BIT(VG_F_VHOST_HDR)))
		ASSERT_EQ(0, vg_tap_set_hdr_len(rig.tap.fd, 12));
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(stream_run(&s, 1));
	s = stream_make(&rig, VG_RX, NR_FRAMES);
	EXPECT_FINE(stream_run(&s, 1));
}

/* Why no case can run; main() reports a missing device. */
static const char *not_offered(void)
{
	uint64_t offered[VG_FEATURE_WORDS] = { 0 };
	int fd = vg_dev_open(NULL);
	const char *why = NULL;

	if (fd < 0)
		return NULL;
	if (vg_get_features_array(fd, offered) || !offered[1])
		why = "this kernel's taps lack GSO in UDP tunnels";
	close(fd);
	return why;
}

VD_TEST_MAIN_UNLESS(not_offered())
