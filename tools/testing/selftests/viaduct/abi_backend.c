// SPDX-License-Identifier: GPL-2.0-only
/* VHOST_NET_SET_BACKEND: the order of its checks, and accepted sockets. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "../../../lib/vguest/packet.h"
#include "abi.h"

TEST(before_the_table)
{
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_set_backend(fd, 0, -1));
	EXPECT_RET(-EFAULT, vg_set_backend(fd, 1, -1));
	EXPECT_RET(-EFAULT, vg_set_backend(fd, 0, 0));
	EXPECT_RET(-ENOBUFS, vg_set_backend(fd, 2, -1));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_NET_SET_BACKEND, NULL));
}

TEST(detach_without_backend)
{
	int fd = abi_owned(), i;

	ASSERT_EQ(0, abi_set_table(fd));
	for (i = 0; i < 3; i++) {
		EXPECT_RET(0, vg_set_backend(fd, 0, -1));
		EXPECT_RET(0, vg_set_backend(fd, 1, -1));
	}
	EXPECT_RET(-ENOBUFS, vg_set_backend(fd, 2, -1));
}

/* An empty table is a table. */
TEST(empty_table)
{
	struct vhost_memory none = { 0 };
	int fd = abi_owned();

	ASSERT_EQ(0, vg_set_mem_table(fd, &none));
	EXPECT_RET(0, vg_set_backend(fd, 0, -1));
	ASSERT_EQ(0, vg_reset_owner(fd));
	ASSERT_EQ(0, vg_set_owner(fd));
	EXPECT_RET(0, vg_set_backend(fd, 0, -1));
}

TEST(wrong_descriptors)
{
	struct vg_net n = abi_net(0);
	int p[2], sv[2];

	ASSERT_EQ(0, vg_netns_enter());
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, -2));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, INT32_MIN));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, 9999));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, p[0]));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, n.fd));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, n.kick[0]));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0, sv[0]));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0,
					     open("/dev/null", O_RDWR)));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0,
					     socket(AF_INET, SOCK_STREAM, 0)));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0,
					     socket(AF_INET, SOCK_RAW,
						    IPPROTO_ICMP)));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, 0,
					     socket(AF_PACKET, SOCK_DGRAM, 0)));
}

TEST(tun_without_interface)
{
	struct vg_net n = abi_net(0);
	int tun = open("/dev/net/tun", O_RDWR);

	ASSERT_LE(0, tun);
	EXPECT_RET(-EINVAL, vg_set_backend(n.fd, VG_RX, tun));
	EXPECT_RET(-EINVAL, vg_set_backend(n.fd, VG_TX, tun));
	/* The queue is not running now. */
	EXPECT_RET(0, vg_set_vring_num(n.fd, VG_TX, 256));
}

TEST(packet_socket)
{
	struct vg_net n = abi_net(0);
	int s;

	ASSERT_EQ(0, vg_netns_enter());
	ASSERT_EQ(0, vg_veth_create("va", "vb"));
	s = vg_packet_open(if_nametoindex("va"), true);
	ASSERT_LE(0, s);
	EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, s));
	EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, s));
	EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, -1));
	EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, -1));
}

TEST(ring_addresses)
{
	int tap = abi_tap(), fd = abi_owned();

	/* Without addresses, the ring is at 0, where nothing is mapped. */
	ASSERT_EQ(0, abi_set_table(fd));
	EXPECT_RET(-EFAULT, vg_set_backend(fd, 0, tap));
	/* The descriptor is looked up first. */
	EXPECT_RET(-ENOTSOCK, vg_set_backend(fd, 0, 9999));
}

/* The ends of the areas are checked at attach: a size that is set later moves them. */
TEST(ring_areas_end_outside)
{
	struct vg_net n = abi_net(0);
	struct vhost_vring_addr a = { .index = VG_TX };
	int tap = abi_tap();

	a.desc_user_addr = (uintptr_t)n.ring[VG_TX].desc;
	a.avail_user_addr = (uintptr_t)n.ring[VG_TX].avail;
	a.used_user_addr = 0xffff800000000000ULL - 4096;
	ASSERT_EQ(0, vg_set_vring_addr(n.fd, &a));
	EXPECT_RET(-EFAULT, vg_set_backend(n.fd, VG_TX, tap));
	EXPECT_RET(-EFAULT, vg_set_backend(n.fd, VG_TX, -1));
	EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, tap));
}

TEST(again_and_swap)
{
	struct vg_net n = abi_net(0);
	int a = abi_tap(), b = abi_tap(), i;

	for (i = 0; i < 5; i++) {
		EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, a));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, a));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, b));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, a));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, b));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, -1));
		EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, -1));
	}
}

/* A failed attach leaves the old backend attached. */
TEST(failure_keeps_the_old_one)
{
	struct vg_net n = abi_net(0);
	int a = abi_tap();

	ASSERT_EQ(0, vg_set_backend(n.fd, VG_TX, a));
	EXPECT_RET(-ENOTSOCK, vg_set_backend(n.fd, VG_TX, 9999));
	EXPECT_RET(-EINVAL, vg_set_backend(n.fd, VG_TX,
					   open("/dev/net/tun", O_RDWR)));
	EXPECT_RET(-EBUSY, vg_set_vring_num(n.fd, VG_TX, 256));
	EXPECT_RET(0, vg_set_backend(n.fd, VG_TX, -1));
	EXPECT_RET(0, vg_set_vring_num(n.fd, VG_TX, 256));
}

VD_TEST_MAIN
