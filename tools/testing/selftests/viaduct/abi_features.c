// SPDX-License-Identifier: GPL-2.0-only
/* Feature bits: offered, refused, and accepted by each call. */
#include "abi.h"

#define F(name)	VG_BIT(name)
#define F_LOG_ALL		VG_BIT(26)
#define F_ACCESS_PLATFORM	VG_BIT(33)
#define F_RING_RESET		VG_BIT(40)

/* Features that drivers and QEMU require. */
#define F_BASE	(VG_NET_F_MRG | F(VG_F_NOTIFY_ON_EMPTY) | F(VG_F_VHOST_HDR) | \
		 F(VG_F_INDIRECT) | F(VG_F_EVENT_IDX) | F(VG_F_VERSION_1))

static uint64_t dev_features(int fd)
{
	uint64_t f = 0;

	if (vg_get_features(fd, &f))
		abort();
	return f;
}

TEST(offered)
{
	uint64_t f = dev_features(abi_open());

	EXPECT_EQ(F_BASE, f & F_BASE);
	/* Newer kernels add RING_RESET, then IN_ORDER. */
	if (vg_dev_is_reference())
		EXPECT_EQ(abi_kernel_is_6_1() ? 0x33d008000ULL :
			  abi_kernel_has(6, 18) ? 0x10b3d008000ULL :
			  0x1033d008000ULL, f);
	/* Bits that belong to QEMU and to the tap. */
	EXPECT_EQ(0, f & 0x7fff);
}

TEST(offered_does_not_depend_on_state)
{
	int fd = abi_open();
	uint64_t f = dev_features(fd);

	EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(f, dev_features(fd));
	EXPECT_EQ(0, vg_set_features(fd, F(VG_F_VERSION_1)));
	EXPECT_EQ(f, dev_features(fd));
}

TEST(ring_reset)
{
	bool has = dev_features(abi_open()) & F_RING_RESET;

	EXPECT_EQ(vd_want("features.ring_reset", !abi_kernel_is_6_1(), has),
		  has);
}

TEST(each_offered_bit_is_accepted)
{
	int fd = abi_open(), bit;
	uint64_t f = dev_features(fd);

	for (bit = 0; bit < 64; bit++)
		if (f & VG_BIT(bit))
			EXPECT_RET(0, vg_set_features(fd, VG_BIT(bit)));
	EXPECT_RET(0, vg_set_features(fd, f));
	EXPECT_RET(0, vg_set_features(fd, 0));
}

TEST(each_other_bit_is_refused)
{
	int fd = abi_open(), bit;
	uint64_t f = dev_features(fd);

	for (bit = 0; bit < 64; bit++) {
		if (f & VG_BIT(bit))
			continue;
		EXPECT_RET(-EOPNOTSUPP, vg_set_features(fd, VG_BIT(bit)));
		EXPECT_RET(-EOPNOTSUPP, vg_set_features(fd, f | VG_BIT(bit)));
	}
}

/* The features of VD_LAYOUT, which a running ring must keep. */
static uint64_t layout(const struct vg_net *n)
{
	return n->features & ~F(VG_F_VERSION_1);
}

TEST(set_while_running)
{
	struct vg_net n = abi_net(F(VG_F_VERSION_1));
	int tap = abi_tap();

	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	EXPECT_RET(0, vg_set_features(n.fd, n.features));
	EXPECT_RET(0, vg_set_features(n.fd, F_BASE | layout(&n)));
	EXPECT_RET(-EOPNOTSUPP, vg_set_features(n.fd, VG_BIT(0)));
}

TEST(log_all_while_running)
{
	struct vg_net n = abi_net(F(VG_F_VERSION_1));
	static uint8_t log[1 << 18];
	int tap = abi_tap();

	if (!(n.offered & F_LOG_ALL))
		SKIP(return, "no LOG_ALL offered");
	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	EXPECT_RET(0, vg_set_log_base(n.fd, (uintptr_t)log));
	EXPECT_RET(0, vg_set_features(n.fd, n.features | F_LOG_ALL));
	EXPECT_RET(0, vg_set_features(n.fd, n.features));
}

TEST(backend_features)
{
	uint64_t f = 0;
	int fd = abi_open(), bit;

	EXPECT_RET(0, vg_get_backend_features(fd, &f));
	EXPECT_EQ(2, f);
	EXPECT_RET(0, vg_set_backend_features(fd, 2));
	EXPECT_RET(0, vg_set_backend_features(fd, 0));
	for (bit = 0; bit < 64; bit++)
		if (bit != 1)
			EXPECT_RET(-EOPNOTSUPP,
				   vg_set_backend_features(fd, VG_BIT(bit)));
}

VD_TEST_MAIN
