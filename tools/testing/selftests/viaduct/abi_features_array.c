// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature bits as an array of words: VHOST_GET_FEATURES_ARRAY and
 * VHOST_SET_FEATURES_ARRAY, which have bits 64 and up, too.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "abi.h"

#define ALL_ONES	(~0ULL)
#define TUNNELS		(VG_NET_F_GUEST_TUNNEL | VG_NET_F_HOST_TUNNEL)

/* The in-tree driver has known the ioctls since 6.17. */
#define NEEDS_ARRAYS() do { \
	if (vg_dev_is_reference() && !abi_kernel_has(6, 17)) \
		SKIP(return, "not known to the in-tree driver here"); \
} while (0)

static int get(int fd, uint64_t *array)
{
	return vg_ioctl(fd, VG_GET_FEATURES_ARRAY, array);
}

static int set(int fd, uint64_t *array)
{
	return vg_ioctl(fd, VG_SET_FEATURES_ARRAY, array);
}

/* @nr words at the end of a mapping; nothing is mapped after them. */
static uint64_t *at_the_end(unsigned int nr)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + page, page))
		abort();
	return (uint64_t *)(p + page) - nr;
}

TEST(offered)
{
	uint64_t words[VG_FEATURE_WORDS] = { 0 }, first = 0;
	int fd = abi_open();

	NEEDS_ARRAYS();
	EXPECT_EQ(0, vg_get_features_array(fd, words));
	EXPECT_EQ(0, vg_get_features(fd, &first));
	EXPECT_EQ(first, words[0]);
	/* The second word depends on what this kernel's taps support. */
	EXPECT_EQ(abi_kernel_has(6, 17) ? TUNNELS : 0, words[1]);
}

/* No more words are written than requested. */
TEST(get_counts)
{
	uint64_t offered[VG_FEATURE_WORDS], array[8];
	int fd = abi_open();
	unsigned int count, i;

	NEEDS_ARRAYS();
	ASSERT_EQ(0, vg_get_features_array(fd, offered));
	for (count = 0; count < ARRAY_SIZE(array) - 1; count++) {
		memset(array, 0xff, sizeof(array));
		array[0] = count;
		EXPECT_EQ(0, get(fd, array));
		EXPECT_EQ(count, array[0]);
		for (i = 0; i < ARRAY_SIZE(array) - 1; i++)
			EXPECT_EQ(i >= count ? ALL_ONES :
				  i < VG_FEATURE_WORDS ? offered[i] : 0,
				  array[i + 1]);
	}
}

TEST(get_faults)
{
	int fd = abi_open();
	uint64_t *array;

	NEEDS_ARRAYS();
	EXPECT_EQ(-EFAULT, get(fd, (void *)8));
	array = at_the_end(1);
	*array = 0;
	EXPECT_EQ(0, get(fd, array));
	*array = 1;
	EXPECT_EQ(-EFAULT, get(fd, array));
	array = at_the_end(3);
	*array = 2;
	EXPECT_EQ(0, get(fd, array));
	*array = 3;
	EXPECT_EQ(-EFAULT, get(fd, array));
	*array = ALL_ONES;
	EXPECT_EQ(-EFAULT, get(fd, array));
	*array = 1ULL << 61;
	EXPECT_EQ(-EFAULT, get(fd, array));
}

/* No owner is needed. */
TEST(set_each_offered_bit)
{
	uint64_t offered[VG_FEATURE_WORDS];
	int fd = abi_open(), bit;

	NEEDS_ARRAYS();
	ASSERT_EQ(0, vg_get_features_array(fd, offered));
	for (bit = 0; bit < 128; bit++) {
		uint64_t words[VG_FEATURE_WORDS] = { 0 };
		bool has = offered[bit / 64] & VG_BIT(bit % 64);

		words[bit / 64] = VG_BIT(bit % 64);
		EXPECT_EQ(has ? 0 : -EOPNOTSUPP,
			  vg_set_features_array(fd, words)) {
			TH_LOG("bit %d", bit);
		}
	}
	EXPECT_EQ(0, vg_set_features_array(fd, offered));
}

/* Words that are not given count as 0. */
TEST(set_counts)
{
	uint64_t array[4] = { 0, ALL_ONES, ALL_ONES, ALL_ONES };
	int fd = abi_open();

	NEEDS_ARRAYS();
	EXPECT_EQ(0, set(fd, array));
	array[0] = 1;
	EXPECT_EQ(-EOPNOTSUPP, set(fd, array));
	array[1] = VG_BIT(VG_F_VERSION_1);
	EXPECT_EQ(0, set(fd, array));
	array[0] = 2;
	EXPECT_EQ(-EOPNOTSUPP, set(fd, array));
	array[2] = 0;
	EXPECT_EQ(0, set(fd, array));
	array[0] = 3;
	EXPECT_EQ(-EOPNOTSUPP, set(fd, array));
	array[3] = 0;
	EXPECT_EQ(0, set(fd, array));
}

/* The order: faults, then the words beyond the known ones in turn, then offered bits. */
TEST(set_order_of_errors)
{
	int fd = abi_open();
	uint64_t *array;

	NEEDS_ARRAYS();
	EXPECT_EQ(-EFAULT, set(fd, (void *)8));
	array = at_the_end(2);
	array[0] = 2;
	array[1] = ALL_ONES;
	EXPECT_EQ(-EFAULT, set(fd, array));
	array = at_the_end(4);
	array[0] = 4;
	array[1] = ALL_ONES;
	array[2] = ALL_ONES;
	array[3] = 0;
	EXPECT_EQ(-EFAULT, set(fd, array));
	array[3] = 1;
	EXPECT_EQ(-EOPNOTSUPP, set(fd, array));
	array[0] = 3;
	array[3] = 0;
	EXPECT_EQ(-EOPNOTSUPP, set(fd, array));
	array[0] = ALL_ONES;
	EXPECT_EQ(-EFAULT, set(fd, array));
}

/* The virtqueue format of a running ring is fixed. */
TEST(set_while_running)
{
	struct vg_net n = abi_net(VG_BIT(VG_F_VERSION_1));
	uint64_t words[VG_FEATURE_WORDS] = { n.features };
	int tap = abi_tap();

	NEEDS_ARRAYS();
	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	EXPECT_EQ(0, vg_set_features_array(n.fd, words));
	words[1] = 1;
	EXPECT_EQ(-EOPNOTSUPP, vg_set_features_array(n.fd, words));
	words[1] = 0;
	if (!vg_dev_is_reference()) {
		words[0] ^= VG_BIT(VG_F_RING_PACKED);
		EXPECT_EQ(-EBUSY, vg_set_features_array(n.fd, words));
	}
	words[0] = n.features;
	EXPECT_EQ(0, vg_set_features_array(n.fd, words));
}

/*
 * An array of 2^35 words takes minutes; a fatal signal must end that. The
 * in-tree driver does not promise it.
 */
static void killed_in(struct __test_metadata *_metadata, unsigned long cmd)
{
	size_t len = 1ULL << 38;
	int fd = abi_open(), status;
	uint64_t *array, deadline;
	pid_t pid;

	array = mmap(NULL, len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (array == MAP_FAILED)
		SKIP(return, "no address space");
	array[0] = len / sizeof(*array) - 1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(vg_ioctl(fd, cmd, array) ? 1 : 0);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	deadline = vg_deadline_ms(10000);
	while (!waitpid(pid, &status, WNOHANG) && !vg_expired(deadline))
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	EXPECT_FALSE(vg_expired(deadline));
	EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(set_can_be_killed)
{
	if (vg_dev_is_reference())
		SKIP(return, "not promised");
	killed_in(_metadata, VG_SET_FEATURES_ARRAY);
}

VD_TEST_MAIN
