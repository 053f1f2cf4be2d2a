// SPDX-License-Identifier: GPL-2.0-only
/* The eventfds of a ring and of the log: accepted descriptors. */
#include <fcntl.h>

#include "abi.h"

static int (*const set[])(int, unsigned int, int) = {
	vg_set_vring_kick, vg_set_vring_call, vg_set_vring_err,
};

static int closed_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static int pipe_fd(void)
{
	int p[2];

	return pipe(p) ? -1 : p[0];
}

static void check_fds(struct __test_metadata *_metadata, int dev)
{
	int i, q;

	for (i = 0; i < ARRAY_SIZE(set); i++) {
		for (q = 0; q < 2; q++) {
			EXPECT_RET(0, set[i](dev, q, -1));
			EXPECT_RET(-EBADF, set[i](dev, q, -2));
			EXPECT_RET(-EBADF, set[i](dev, q, closed_fd()));
			EXPECT_RET(-EBADF, set[i](dev, q, INT32_MAX));
			EXPECT_RET(-EINVAL, set[i](dev, q, pipe_fd()));
			EXPECT_RET(-EINVAL, set[i](dev, q, dev));
			EXPECT_RET(0, set[i](dev, q, vg_eventfd()));
			EXPECT_RET(0, set[i](dev, q, vg_eventfd()));
			EXPECT_RET(0, set[i](dev, q, -1));
			EXPECT_RET(0, set[i](dev, q, -1));
		}
		EXPECT_RET(-ENOBUFS, set[i](dev, 2, -1));
		EXPECT_RET(-ENOBUFS, set[i](dev, 2, closed_fd()));
	}
}

TEST(idle)
{
	check_fds(_metadata, abi_owned());
}

TEST(running)
{
	struct vg_net n = abi_net(0);
	int tap = abi_tap();

	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	check_fds(_metadata, n.fd);
}

TEST(log_fd)
{
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_SET_LOG_FD, NULL));
	EXPECT_RET(0, vg_set_log_fd(fd, -1));
	EXPECT_RET(-EBADF, vg_set_log_fd(fd, closed_fd()));
	EXPECT_RET(-EINVAL, vg_set_log_fd(fd, pipe_fd()));
	EXPECT_RET(0, vg_set_log_fd(fd, vg_eventfd()));
	EXPECT_RET(0, vg_set_log_fd(fd, -1));
}

TEST(log_base)
{
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_SET_LOG_BASE, NULL));
	/* While no ring runs, any address is accepted. */
	EXPECT_RET(0, vg_set_log_base(fd, 0));
	EXPECT_RET(0, vg_set_log_base(fd, UINT64_MAX));
}

/* A refused descriptor leaves the old eventfd in its place. */
TEST(failure_keeps_the_old_one)
{
	struct vg_net n = abi_net(0);
	int tap = abi_tap();

	ASSERT_EQ(0, vg_net_start(&n, tap, tap));
	EXPECT_RET(-EBADF, vg_set_vring_err(n.fd, VG_TX, closed_fd()));
	/* A head that is out of range must be reported. */
	n.ring[VG_TX].avail->ring[0] = 0xffff;
	n.ring[VG_TX].avail->idx = 1;
	vg_eventfd_add(n.kick[VG_TX], 1);
	EXPECT_LE(1, vg_eventfd_wait(n.err[VG_TX], vg_deadline_ms(10000)));
}

TEST(full_kick_counter)
{
	uint64_t full = UINT64_MAX - 1;
	int fd = abi_owned(), e = vg_eventfd();

	/* A write can set the counter at most to one below its maximum. */
	ASSERT_EQ(sizeof(full), write(e, &full, sizeof(full)));
	EXPECT_RET(0, vg_set_vring_kick(fd, 0, e));
	EXPECT_RET(0, vg_set_vring_kick(fd, 0, -1));
}

/* Each eventfd may serve many rings. */
TEST(shared)
{
	int fd = abi_owned(), e = vg_eventfd(), i, q;

	for (i = 0; i < ARRAY_SIZE(set); i++)
		for (q = 0; q < 2; q++)
			EXPECT_RET(0, set[i](fd, q, e));
	/* The same eventfds may be set again. */
	for (i = 0; i < ARRAY_SIZE(set); i++)
		EXPECT_RET(0, set[i](fd, 0, e));
}

VD_TEST_MAIN
