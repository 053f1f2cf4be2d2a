// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tun: packets have no Ethernet header, and the device passes them whole. The
 * client must not have to lower the tun's send buffer for that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"

#define PACKETS	200

static struct rig rig;

/* An IP packet of a protocol that is unknown to the host. */
static size_t packet(uint8_t *at, unsigned int seq)
{
	size_t len = 28 + seq * 7 % 1400, i;
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 1, .protocol = 253,
		.tot_len = htons(len), .id = htons(seq),
		.saddr = htonl(0x0a000001), .daddr = htonl(0x0a000002),
	};

	memcpy(at, &ip, sizeof(ip));
	for (i = sizeof(ip); i < len; i++)
		at[i] = i * 31 + seq;
	return len;
}

static const char *set_up(bool moves)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) |
					     VG_BIT(VG_F_EVENT_IDX) };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	if (why)
		return why;
	close(rig.far);
	close(rig.tap.fd);
	if (vg_tap_open_flags(&rig.tap, rig.net.hdr_len, IFF_TUN))
		return "no tun";
	why = moves ? rig_move_tap(&rig) : NULL;
	if (why)
		return why;
	rig.backend = rig.tap.fd;
	rig.far = vg_packet_open(rig.tap.ifindex, true);
	return rig.far < 0 ? "no packet socket" : rig_start(&rig);
}

static void transmit(struct __test_metadata *_metadata)
{
	uint8_t want[2048], got[2048];
	const struct virtio_net_hdr none = { 0 };
	unsigned int i;
	ssize_t len;

	for (i = 0; i < PACKETS; i++) {
		size_t size = packet(want, i);

		ASSERT_EQ(0, vg_net_xmit(&rig.net, &none, want, size,
					 &vg_layout_plain));
		/* Alone, and in batches. */
		if (i % 16 && i % 16 != 1)
			continue;
		vg_ring_kick(&rig.net.ring[VG_TX]);
		ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(10000)));
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	for (i = 0; i < PACKETS; i++) {
		size_t size = packet(want, i);

		len = rig_far_recv(&rig, got, sizeof(got), NULL,
				   vg_deadline_ms(10000));
		ASSERT_EQ(size, len);
		ASSERT_EQ(0, memcmp(want, got, size));
	}
	rig_close(&rig);
}

TEST(transmits)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference loses 14 bytes of each packet");
	ASSERT_FINE(set_up(false));
	transmit(_metadata);
}

/* The network namespace of its descriptor has no such interface. */
TEST(transmits_after_a_move)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference loses 14 bytes of each packet");
	ASSERT_FINE(set_up(true));
	transmit(_metadata);
}

TEST(receives)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint8_t want[2048], got[2048];
	unsigned int i;
	ssize_t len;

	ASSERT_FINE(set_up(false));
	vg_net_fill(&rig.net);
	for (i = 0; i < PACKETS; i++) {
		uint64_t deadline = vg_deadline_ms(10000);
		size_t size = packet(want, i);

		ASSERT_FINE(rig_far_send(&rig, want, size, NULL));
		while (!(len = vg_net_recv(&rig.net, &mrg, got, sizeof(got))) &&
		       !vg_expired(deadline))
			;
		ASSERT_EQ(size, len);
		ASSERT_EQ(0, memcmp(want, got, size));
		vg_net_fill(&rig.net);
	}
	rig_close(&rig);
}

VD_TEST_MAIN
