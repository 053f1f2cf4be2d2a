// SPDX-License-Identifier: GPL-2.0-only
/* Feature bits that a descriptor hides, for migration. */
#include <linux/viaduct.h>

#include "abi.h"

static uint64_t features_of(int fd)
{
	uint64_t f = 0;

	if (vg_get_features(fd, &f))
		abort();
	return f;
}

static int hide(int fd, uint64_t bits)
{
	return vg_ioctl(fd, VIADUCT_HIDE_FEATURES, &bits);
}

static int hide_array(int fd, const uint64_t *array)
{
	return vg_ioctl(fd, VIADUCT_HIDE_FEATURES_ARRAY, (void *)array);
}

#define VIADUCT_ONLY() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "an addition of viaduct's"); \
} while (0)

TEST(hidden_bits_are_gone)
{
	uint64_t mrg = VG_NET_F_MRG, event = VG_BIT(VG_F_EVENT_IDX), all;
	int fd = abi_open(), other = abi_open();

	VIADUCT_ONLY();
	all = features_of(fd);
	EXPECT_EQ(0, hide(fd, mrg));
	EXPECT_EQ(all & ~mrg, features_of(fd));
	EXPECT_EQ(-EOPNOTSUPP, vg_set_features(fd, mrg));
	EXPECT_EQ(0, vg_set_features(fd, event));
	/* More bits can be hidden; hidden ones stay hidden. */
	EXPECT_EQ(0, hide(fd, VG_BIT(VG_F_INDIRECT)));
	EXPECT_EQ(0, hide(fd, 0));
	EXPECT_EQ(all & ~mrg & ~VG_BIT(VG_F_INDIRECT), features_of(fd));
	/* Other descriptors are not affected. */
	EXPECT_EQ(all, features_of(other));
}

TEST(acked_bits_stay)
{
	uint64_t event = VG_BIT(VG_F_EVENT_IDX), all;
	int fd = abi_open();

	VIADUCT_ONLY();
	all = features_of(fd);
	EXPECT_EQ(0, vg_set_features(fd, event));
	EXPECT_EQ(-EBUSY, hide(fd, event | VG_NET_F_MRG));
	EXPECT_EQ(all, features_of(fd));
	EXPECT_EQ(0, vg_set_features(fd, 0));
	EXPECT_EQ(0, hide(fd, event));
	EXPECT_EQ(all & ~event, features_of(fd));
}

TEST(reset_hides_on)
{
	int fd = abi_owned();

	VIADUCT_ONLY();
	EXPECT_EQ(0, hide(fd, VG_NET_F_MRG));
	EXPECT_EQ(0, vg_reset_owner(fd));
	EXPECT_EQ(0, features_of(fd) & VG_NET_F_MRG);
}

TEST(bad_pointer)
{
	int fd = abi_open();

	VIADUCT_ONLY();
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VIADUCT_HIDE_FEATURES, (void *)8));
}

/* Bits that are never offered can be hidden: one list serves several versions. */
TEST(unknown_bits)
{
	int fd = abi_open();

	VIADUCT_ONLY();
	EXPECT_EQ(0, hide(fd, 1ULL << 63 | 1));
	EXPECT_NE(0, features_of(fd));
}

/* Each ioctl hides the bits of its own words, and leaves the other word alone. */
TEST(second_word)
{
	uint64_t all[VG_FEATURE_WORDS], f[VG_FEATURE_WORDS];
	uint64_t high[3] = { 2, 0, VG_NET_F_HOST_TUNNEL };
	int fd = abi_open();

	VIADUCT_ONLY();
	ASSERT_EQ(0, vg_get_features_array(fd, all));
	EXPECT_EQ(0, hide_array(fd, high));
	EXPECT_EQ(0, vg_get_features_array(fd, f));
	EXPECT_EQ(all[0], f[0]);
	EXPECT_EQ(all[1] & ~VG_NET_F_HOST_TUNNEL, f[1]);
	f[0] = 0;
	f[1] = VG_NET_F_HOST_TUNNEL;
	EXPECT_EQ(-EOPNOTSUPP, vg_set_features_array(fd, f));
	EXPECT_EQ(0, hide(fd, VG_NET_F_MRG));
	EXPECT_EQ(0, vg_get_features_array(fd, f));
	EXPECT_EQ(all[0] & ~VG_NET_F_MRG, f[0]);
	EXPECT_EQ(all[1] & ~VG_NET_F_HOST_TUNNEL, f[1]);
}

TEST(second_word_acked)
{
	uint64_t all[VG_FEATURE_WORDS], f[VG_FEATURE_WORDS] = { 0 };
	uint64_t both[3] = { 2, VG_NET_F_MRG, VG_NET_F_GUEST_TUNNEL };
	int fd = abi_open();

	VIADUCT_ONLY();
	ASSERT_EQ(0, vg_get_features_array(fd, all));
	if (!(all[1] & VG_NET_F_GUEST_TUNNEL))
		SKIP(return, "this kernel offers no bit of the second word");
	f[1] = VG_NET_F_GUEST_TUNNEL;
	ASSERT_EQ(0, vg_set_features_array(fd, f));
	EXPECT_EQ(-EBUSY, hide_array(fd, both));
	EXPECT_EQ(0, vg_get_features_array(fd, f));
	EXPECT_EQ(all[0], f[0]);
	/* The ioctl of one word clears the other. */
	EXPECT_EQ(0, vg_set_features(fd, 0));
	EXPECT_EQ(0, hide_array(fd, both));
}

TEST(array_counts)
{
	uint64_t all[VG_FEATURE_WORDS], f[VG_FEATURE_WORDS];
	uint64_t array[3] = { 0, ~0ULL, ~0ULL };
	int fd = abi_open();

	VIADUCT_ONLY();
	ASSERT_EQ(0, vg_get_features_array(fd, all));
	EXPECT_EQ(0, hide_array(fd, array));
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VIADUCT_HIDE_FEATURES_ARRAY, (void *)8));
	EXPECT_EQ(0, vg_get_features_array(fd, f));
	EXPECT_EQ(0, memcmp(all, f, sizeof(f)));
	/* Words that do not exist are not read. */
	array[0] = 1ULL << 40;
	EXPECT_EQ(0, hide_array(fd, array));
	EXPECT_EQ(0, vg_get_features_array(fd, f));
	EXPECT_EQ(0, f[0] | f[1]);
}

VD_TEST_MAIN
