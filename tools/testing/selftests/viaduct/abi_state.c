// SPDX-License-Identifier: GPL-2.0-only
/* The state of a device after open and after RESET_OWNER. */
#include "abi.h"

/*
 * Ring size 1, addresses 0, positions 0, as far as ioctls show it: with a table
 * but no addresses, attaching fails; the position is readable.
 */
static void check_fresh(struct __test_metadata *_metadata, int fd, int tap)
{
	struct vhost_vring_state s = { 0 };
	unsigned int base = 1, q;

	for (q = 0; q < 2; q++) {
		EXPECT_RET(0, vg_get_vring_base(fd, q, &base));
		EXPECT_EQ(0, base);
		s = (struct vhost_vring_state){ .index = q, .num = 5 };
		EXPECT_RET(0, vg_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
				       &s));
		EXPECT_EQ(0, s.num);
	}
	EXPECT_EQ(0, abi_set_table(fd));
	EXPECT_RET(-EFAULT, vg_set_backend(fd, VG_RX, tap));
	EXPECT_RET(0, vg_set_backend(fd, VG_RX, -1));
}

TEST(after_open)
{
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_set_backend(fd, VG_RX, -1));
	check_fresh(_metadata, fd, abi_tap());
}

TEST(after_reset)
{
	struct vhost_vring_state s = { .index = 1, .num = 50 };
	struct vg_net n = abi_net(VG_BIT(VG_F_VERSION_1));
	int tap = abi_tap();

	ASSERT_EQ(0, vg_set_vring_base(n.fd, VG_TX, 77));
	ASSERT_EQ(0, vg_ioctl(n.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s));
	ASSERT_EQ(0, vg_reset_owner(n.fd));
	ASSERT_EQ(0, vg_set_owner(n.fd));
	/* The table is there, and empty. */
	EXPECT_RET(0, vg_set_backend(n.fd, VG_RX, -1));
	check_fresh(_metadata, n.fd, tap);
}

/* A reset stops running rings, and releases sockets and eventfds. */
TEST(reset_while_running)
{
	struct vg_net n = abi_net(0);
	int tap = abi_tap();

	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	ASSERT_EQ(0, vg_reset_owner(n.fd));
	ASSERT_EQ(0, vg_set_owner(n.fd));
	EXPECT_RET(0, vg_set_vring_num(n.fd, VG_TX, 256));
	/* Kicks have no effect any more. */
	n.ring[VG_TX].avail->ring[0] = 0xffff;
	n.ring[VG_TX].avail->idx = 1;
	vg_eventfd_add(n.kick[VG_TX], 1);
	EXPECT_RET(0, vg_set_mem_table(n.fd, &(struct vhost_memory){ 0 }));
	EXPECT_EQ(0, vg_eventfd_take(n.err[VG_TX]));
}

/* The whole set-up works a second time on the same descriptor. */
TEST(set_up_again)
{
	struct vg_net n = abi_net(VG_BIT(VG_F_VERSION_1));
	struct vhost_memory *table = vg_mem_table(&n.mem);
	int tap = abi_tap(), i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, vg_net_start(&n, tap, tap));
		ASSERT_EQ(0, vg_reset_owner(n.fd));
		ASSERT_EQ(0, vg_set_owner(n.fd));
		ASSERT_EQ(0, vg_set_features(n.fd, n.features));
		ASSERT_EQ(0, vg_set_mem_table(n.fd, table));
		ASSERT_EQ(0, vg_net_set_ring(&n, VG_RX));
		ASSERT_EQ(0, vg_net_set_ring(&n, VG_TX));
	}
	EXPECT_EQ(0, vg_net_start(&n, tap, tap));
	EXPECT_EQ(0, vg_net_stop(&n));
}

VD_TEST_MAIN
