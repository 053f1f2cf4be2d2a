// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers that the client manages, and the kind of their threads. The
 * in-tree driver offers the former for other devices only.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"

#define MANAGED_ONLY() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "not offered for network devices"); \
} while (0)

/* The id of a new worker, or -errno. */
static int new_worker(int fd)
{
	uint32_t id = UINT32_MAX;
	int ret = vg_ioctl(fd, VG_NEW_WORKER, &id);

	return ret ? ret : (int)id;
}

static int free_worker(int fd, uint32_t id)
{
	return vg_ioctl(fd, VG_FREE_WORKER, &id);
}

static int attach_worker(int fd, uint32_t ring, uint32_t id)
{
	uint32_t w[2] = { ring, id };

	return vg_ioctl(fd, VG_ATTACH_VRING_WORKER, w);
}

static int worker_of(int fd, uint32_t ring)
{
	uint32_t w[2] = { ring, UINT32_MAX };
	int ret = vg_ioctl(fd, VG_GET_VRING_WORKER, w);

	return ret ? ret : w[0] == ring ? (int)w[1] : -EPROTO;
}

/* A thread that was waited for may still be visible while it exits. */
static bool is_gone(unsigned int id)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (vg_worker_find_id(getpid(), id)) {
		if (vg_expired(deadline))
			return false;
		sched_yield();
	}
	return true;
}

TEST(one_for_both_at_first)
{
	int fd = abi_owned();

	MANAGED_ONLY();
	EXPECT_EQ(0, worker_of(fd, VG_RX));
	EXPECT_EQ(0, worker_of(fd, VG_TX));
	EXPECT_EQ(1, vg_worker_count(getpid()));
}

TEST(come_and_go)
{
	int fd = abi_owned(), i;

	MANAGED_ONLY();
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(1, new_worker(fd));
		EXPECT_NE(0, vg_worker_find_id(getpid(), 1));
		EXPECT_EQ(2, new_worker(fd));
		EXPECT_NE(0, vg_worker_find_id(getpid(), 2));
		EXPECT_EQ(0, free_worker(fd, 1));
		EXPECT_TRUE(is_gone(1));
		EXPECT_EQ(-ENODEV, free_worker(fd, 1));
		EXPECT_NE(0, vg_worker_find_id(getpid(), 2));
		EXPECT_EQ(0, free_worker(fd, 2));
		EXPECT_TRUE(is_gone(2));
	}
}

TEST(rings_move)
{
	int fd = abi_owned();

	MANAGED_ONLY();
	ASSERT_EQ(1, new_worker(fd));
	EXPECT_EQ(0, attach_worker(fd, VG_TX, 1));
	EXPECT_EQ(0, worker_of(fd, VG_RX));
	EXPECT_EQ(1, worker_of(fd, VG_TX));
	EXPECT_EQ(-EBUSY, free_worker(fd, 1));
	EXPECT_EQ(-EBUSY, free_worker(fd, 0));
	EXPECT_EQ(0, attach_worker(fd, VG_TX, 1));
	EXPECT_EQ(0, attach_worker(fd, VG_RX, 1));
	/* The first worker can be freed as well. */
	EXPECT_EQ(0, free_worker(fd, 0));
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
	EXPECT_EQ(0, vg_set_log_fd(fd, -1));
	EXPECT_EQ(0, new_worker(fd));
	EXPECT_EQ(0, attach_worker(fd, VG_RX, 0));
	EXPECT_EQ(0, attach_worker(fd, VG_TX, 0));
	EXPECT_EQ(0, free_worker(fd, 1));
	EXPECT_EQ(1, vg_worker_count(getpid()));
}

TEST(unknown_ids)
{
	int fd = abi_owned();

	MANAGED_ONLY();
	EXPECT_EQ(-ENODEV, free_worker(fd, 1));
	EXPECT_EQ(-ENODEV, free_worker(fd, 8));
	EXPECT_EQ(-ENODEV, free_worker(fd, UINT32_MAX));
	EXPECT_EQ(-ENODEV, attach_worker(fd, VG_TX, 1));
	EXPECT_EQ(-ENODEV, attach_worker(fd, VG_TX, 1U << 31));
	EXPECT_EQ(-ENOBUFS, attach_worker(fd, 2, 0));
	EXPECT_EQ(-ENOBUFS, worker_of(fd, 2));
	EXPECT_EQ(0, worker_of(fd, VG_TX));
}

/* If its id cannot be returned, the worker must not be created. */
TEST(bad_pointer)
{
	int fd = abi_owned();

	MANAGED_ONLY();
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VG_NEW_WORKER, (void *)8));
	EXPECT_TRUE(is_gone(1));
	EXPECT_EQ(1, new_worker(fd));
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VG_FREE_WORKER, (void *)8));
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VG_GET_VRING_WORKER, (void *)8));
	EXPECT_NE(0, vg_worker_find_id(getpid(), 1));
}

TEST(not_without_end)
{
	int fd = abi_owned(), i, id = 0;

	MANAGED_ONLY();
	for (i = 0; i < 100 && id >= 0; i++)
		id = new_worker(fd);
	EXPECT_EQ(-ENOSPC, id);
	EXPECT_LE(2, i);
	EXPECT_EQ(0, free_worker(fd, 1));
	EXPECT_EQ(1, new_worker(fd));
	/* Workers that the client leaves behind end with the descriptor. */
	close(fd);
	EXPECT_TRUE(is_gone(1));
	EXPECT_TRUE(is_gone(i - 1));
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

TEST(reset_owner_ends_them)
{
	int fd = abi_owned();

	MANAGED_ONLY();
	EXPECT_EQ(1, new_worker(fd));
	EXPECT_EQ(0, attach_worker(fd, VG_RX, 1));
	EXPECT_EQ(0, vg_reset_owner(fd));
	EXPECT_TRUE(is_gone(1));
	EXPECT_EQ(-EPERM, new_worker(fd));
	EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(0, worker_of(fd, VG_RX));
	EXPECT_EQ(-ENODEV, free_worker(fd, 1));
}

TEST(of_the_owner_alone)
{
	int fd = abi_owned(), status;
	pid_t pid = fork();

	if (!pid)
		_exit(new_worker(fd) != -EPERM ||
		      free_worker(fd, 0) != -EPERM ||
		      attach_worker(fd, VG_TX, 0) != -EPERM ||
		      worker_of(fd, VG_TX) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* On 6.12 the in-tree driver's workers may be of either kind. */
static long with_mode(int fd, uint8_t mode)
{
	/* Where the ioctl is unknown, this is read as a ring's number. */
	uint8_t arg[4] = { mode };

	return vg_ioctl(fd, VG_SET_FORK_FROM_OWNER, arg);
}

static bool is_known(void)
{
	return !abi_kernel_is_6_1();
}

TEST(kernel_thread)
{
	int fd = abi_open();

	EXPECT_CALL("fork_from_owner.is_known", is_known() ? 0 : -EPERM,
		    with_mode(fd, 0));
	EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_count(getpid()));
	EXPECT_CALL("fork_from_owner.is_busy", is_known() ? -EBUSY : -ENOTTY,
		    with_mode(fd, 0));
}

TEST(thread_of_the_owner)
{
	int fd = abi_open();

	EXPECT_CALL(is_known() ? "" : "fork_from_owner.task",
		    is_known() ? 0 : -EPERM, with_mode(fd, 1));
	EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_count(getpid()));
}

/* The mode holds until RESET_OWNER. */
TEST(mode_is_told)
{
	int fd = abi_open();
	uint8_t mode = 7;

	if (vg_dev_is_reference() && !is_known())
		SKIP(return, "6.1 lacks the ioctl");
	EXPECT_EQ(0, vg_ioctl(fd, VG_GET_FORK_FROM_OWNER, &mode));
	EXPECT_EQ(is_known(), mode);
	EXPECT_EQ(0, with_mode(fd, 0));
	EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(0, vg_ioctl(fd, VG_GET_FORK_FROM_OWNER, &mode));
	EXPECT_EQ(0, mode);
	/* The owner is checked first, then the pointer, then the value. */
	EXPECT_EQ(-EBUSY, with_mode(fd, 7));
	EXPECT_EQ(-EBUSY, vg_ioctl(fd, VG_SET_FORK_FROM_OWNER, (void *)8));
	EXPECT_EQ(0, vg_reset_owner(fd));
	EXPECT_EQ(0, vg_ioctl(fd, VG_GET_FORK_FROM_OWNER, &mode));
	EXPECT_EQ(is_known(), mode);
}

TEST(mode_nonsense)
{
	int fd = abi_open();
	uint8_t mode = 7;

	if (vg_dev_is_reference() && !is_known())
		SKIP(return, "6.1 lacks the ioctl");
	EXPECT_EQ(-EINVAL, with_mode(fd, 2));
	EXPECT_EQ(-EINVAL, with_mode(fd, 255));
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VG_SET_FORK_FROM_OWNER, (void *)8));
	EXPECT_EQ(-EFAULT, vg_ioctl(fd, VG_GET_FORK_FROM_OWNER, (void *)8));
	EXPECT_EQ(0, with_mode(fd, 0));
	EXPECT_EQ(0, vg_ioctl(fd, VG_GET_FORK_FROM_OWNER, &mode));
	EXPECT_EQ(0, mode);
}

VD_TEST_MAIN
