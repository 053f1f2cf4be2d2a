// SPDX-License-Identifier: GPL-2.0-only
/* read, write, poll and seek on the descriptor, without an IOTLB. */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "abi.h"

#define MSG_SIZE 72

static int err(long ret)
{
	return ret < 0 ? -errno : ret;
}

static int rd(int fd, size_t len)
{
	char buf[256];

	return err(read(fd, buf, len));
}

TEST(reads)
{
	int fd = abi_open();

	EXPECT_EQ(MSG_SIZE, sizeof(struct vhost_msg));
	EXPECT_EQ(MSG_SIZE, sizeof(struct vhost_msg_v2));
	/* Too short for a message: 0, and no error. */
	EXPECT_RET(0, rd(fd, 0));
	EXPECT_RET(0, rd(fd, 71));
	/* Without an IOTLB there are no messages. */
	EXPECT_RET(-EBADFD, rd(fd, MSG_SIZE));
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK));
	EXPECT_RET(-EAGAIN, rd(fd, MSG_SIZE));
	EXPECT_RET(-EAGAIN, rd(fd, 200));
	EXPECT_RET(0, rd(fd, 71));
}

static int wr_v2(int fd, uint32_t type, struct vhost_iotlb_msg iotlb)
{
	struct vhost_msg_v2 m = { .type = type, .iotlb = iotlb };

	return err(write(fd, &m, sizeof(m)));
}

TEST(writes)
{
	struct vhost_iotlb_msg update = { .size = 4096, .perm = VHOST_ACCESS_RW,
					  .type = VHOST_IOTLB_UPDATE };
	struct vhost_iotlb_msg m;
	int fd = abi_open();
	uint32_t two = 2;

	EXPECT_RET(-EINVAL, err(write(fd, &two, 3)));
	EXPECT_RET(-EINVAL, err(write(fd, &two, 0)));
	EXPECT_RET(-EINVAL, wr_v2(fd, 9, update));
	EXPECT_RET(-EINVAL, wr_v2(fd, 0, update));
	EXPECT_RET(-EFAULT, wr_v2(fd, VHOST_IOTLB_MSG_V2, update));
	EXPECT_RET(-EFAULT, wr_v2(fd, VHOST_IOTLB_MSG, update));
	m = update;
	m.size = 0;
	EXPECT_RET(-EINVAL, wr_v2(fd, VHOST_IOTLB_MSG_V2, m));
	m.type = VHOST_IOTLB_INVALIDATE;
	EXPECT_RET(-EFAULT, wr_v2(fd, VHOST_IOTLB_MSG_V2, m));
	m.type = VHOST_IOTLB_BATCH_BEGIN;
	EXPECT_RET(-EFAULT, wr_v2(fd, VHOST_IOTLB_MSG_V2, m));
	m.type = 99;
	EXPECT_RET(-EFAULT, wr_v2(fd, VHOST_IOTLB_MSG_V2, m));
}

TEST(write_truncated)
{
	struct vhost_msg_v2 m = { .type = VHOST_IOTLB_MSG_V2, .iotlb = {
		.size = 4096, .type = VHOST_IOTLB_UPDATE } };
	int fd = abi_open();

	EXPECT_RET(-EINVAL, err(write(fd, &m, 4)));
	EXPECT_RET(-EINVAL, err(write(fd, &m, 8)));
	EXPECT_RET(-EINVAL, err(write(fd, &m, 39)));
	/* The union's tail is not needed. */
	EXPECT_RET(-EFAULT, err(write(fd, &m, 40)));
}

TEST(bad_pointers)
{
	/* Volatile: the compiler would drop the access. */
	void *volatile nowhere = (void *)8;
	int fd = abi_open();

	EXPECT_EQ(-1, write(fd, nowhere, MSG_SIZE));
	EXPECT_RET(0, err(read(fd, nowhere, 71)));
}

TEST(polls)
{
	struct pollfd p = { .fd = abi_open(), .events = POLLIN | POLLOUT };

	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, vg_set_owner(p.fd));
	EXPECT_EQ(0, poll(&p, 1, 0));
}

TEST(seeks)
{
	int fd = abi_open();

	EXPECT_EQ(0, lseek(fd, 1234, SEEK_SET));
}

/* A child of the owner can read, too. */
TEST(fork_child)
{
	int fd = abi_open(), status;
	pid_t pid;

	ASSERT_EQ(0, vg_set_owner(fd));
	pid = fork();
	if (!pid)
		_exit(-rd(fd, MSG_SIZE) == EBADFD && !rd(fd, 71));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(1, WEXITSTATUS(status));
}

VD_TEST_MAIN
