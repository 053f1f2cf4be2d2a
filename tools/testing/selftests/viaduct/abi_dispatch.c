// SPDX-License-Identifier: GPL-2.0-only
/* The order of the checks: owner, argument, ring number, command. */
#include <linux/viaduct.h>
#include <sys/mman.h>

#include "abi.h"

/* Ioctls that only the owner may call, and unknown ones. */
static const unsigned long owners[] = {
	VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_LOG_BASE,
	VHOST_SET_LOG_FD, VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR,
	VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE, VHOST_SET_VRING_ENDIAN,
	VHOST_GET_VRING_ENDIAN, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_ERR, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_GET_VRING_BUSYLOOP_TIMEOUT, VHOST_NET_SET_BACKEND, VG_NEW_WORKER,
	VG_FREE_WORKER, VG_ATTACH_VRING_WORKER, VG_GET_VRING_WORKER, 0xaf7e,
	0x5401, 0,
};

/* Ioctls on a ring that every kernel has; the argument begins with the ring's number. */
static const unsigned long rings[] = {
	VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
	VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_ERR, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
};

/* Unknown numbers, and known ones with another direction. */
static const unsigned long unknown[] = {
	0xaf7e, 0x5401, 0x8008af10, 0x4008af01, 0xc008af11, 0x4008af26,
	/* VIADUCT_HIDE_FEATURES with the type byte of videodev2.h. */
	0x40085660,
};

TEST(numbers)
{
	EXPECT_EQ(0x8008af00, VHOST_GET_FEATURES);
	EXPECT_EQ(0x4008af00, VHOST_SET_FEATURES);
	EXPECT_EQ(0x0000af01, VHOST_SET_OWNER);
	EXPECT_EQ(0x0000af02, VHOST_RESET_OWNER);
	EXPECT_EQ(0x4008af03, VHOST_SET_MEM_TABLE);
	EXPECT_EQ(0x4008af04, VHOST_SET_LOG_BASE);
	EXPECT_EQ(0x4004af07, VHOST_SET_LOG_FD);
	EXPECT_EQ(0x4028af11, VHOST_SET_VRING_ADDR);
	EXPECT_EQ(0xc008af12, VHOST_GET_VRING_BASE);
	EXPECT_EQ(0x4008af14, VHOST_GET_VRING_ENDIAN);
	EXPECT_EQ(0x4008af24, VHOST_GET_VRING_BUSYLOOP_TIMEOUT);
	EXPECT_EQ(0x4008af30, VHOST_NET_SET_BACKEND);
	EXPECT_EQ(0x4008d600, VIADUCT_HIDE_FEATURES);
	EXPECT_EQ(0xd602, VIADUCT_WORKER_PER_RING);
}

TEST(unowned_is_eperm)
{
	uint64_t arg[8] = { 0 };
	int fd = abi_open(), i;

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		EXPECT_IOCTL(-EPERM, fd, owners[i], arg);
}

TEST(unowned_bad_pointer_is_eperm)
{
	int fd = abi_open(), i;

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i] != VHOST_NET_SET_BACKEND)
			EXPECT_IOCTL(-EPERM, fd, owners[i], NULL);
}

/* The one ioctl that reads its argument before it checks the owner. */
TEST(set_backend_bad_pointer_beats_eperm)
{
	EXPECT_RET(-EFAULT, vg_ioctl(abi_open(), VHOST_NET_SET_BACKEND, NULL));
}

TEST(anyone_may)
{
	uint64_t features;
	int fd = abi_open();

	EXPECT_RET(0, vg_get_features(fd, &features));
	EXPECT_RET(0, vg_set_features(fd, 0));
	EXPECT_RET(0, vg_get_backend_features(fd, &features));
	EXPECT_RET(0, vg_set_backend_features(fd, features));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_GET_FEATURES, NULL));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_SET_FEATURES, NULL));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_GET_BACKEND_FEATURES, NULL));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_SET_BACKEND_FEATURES, NULL));
}

TEST(ring_bad_pointer)
{
	int fd = abi_owned(), i;

	for (i = 0; i < ARRAY_SIZE(rings); i++)
		EXPECT_IOCTL(-EFAULT, fd, rings[i], NULL);
}

TEST(ring_number)
{
	int fd = abi_owned(), i;
	uint32_t arg[16] = { 2 };

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		arg[0] = 2;
		EXPECT_IOCTL(-ENOBUFS, fd, rings[i], arg);
		arg[0] = UINT32_MAX;
		EXPECT_IOCTL(-ENOBUFS, fd, rings[i], arg);
	}
}

/* The number is read alone, the whole argument only after the number was checked. */
TEST(ring_argument_cut_short)
{
	int fd = abi_owned(), i;
	uint32_t *last = (uint32_t *)abi_edge() - 1;

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		*last = 2;
		EXPECT_IOCTL(-ENOBUFS, fd, rings[i], last);
		*last = 0;
		EXPECT_IOCTL(-EFAULT, fd, rings[i], last);
	}
}

TEST(unknown_number)
{
	uint32_t zero[16] = { 0 }, seven[16] = { 7 };
	int fd = abi_owned(), i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_IOCTL(-ENOTTY, fd, unknown[i], zero);
		EXPECT_IOCTL(-ENOBUFS, fd, unknown[i], seven);
		EXPECT_IOCTL(-EFAULT, fd, unknown[i], NULL);
	}
}

/* The in-tree driver has these for other devices; for vhost-net they are unknown. */
TEST(worker_numbers)
{
	static const struct {
		unsigned long cmd;
		const char *zero, *seven;
	} c[] = {
		{ VG_NEW_WORKER, "worker.works", "worker.works" },
		{ VG_FREE_WORKER, "worker.in_use", "worker.unknown" },
		{ VG_ATTACH_VRING_WORKER, "worker.works", "" },
		{ VG_GET_VRING_WORKER, "worker.works", "" },
	};
	int fd = abi_owned(), i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		uint32_t zero[2] = { 0 }, seven[2] = { 7 };

		EXPECT_CALL(c[i].zero, -ENOTTY, vg_ioctl(fd, c[i].cmd, zero));
		EXPECT_CALL(c[i].seven, -ENOBUFS,
			    vg_ioctl(fd, c[i].cmd, seven));
		EXPECT_IOCTL(-EFAULT, fd, c[i].cmd, NULL);
	}
}

TEST(endian)
{
	struct vhost_vring_state s = { .index = 0, .num = 0 };
	int fd = abi_owned();

	/* Debian's kernels lack CONFIG_VHOST_CROSS_ENDIAN_LEGACY: the number is unknown. */
	EXPECT_RET(-ENOTTY, vg_ioctl(fd, VHOST_SET_VRING_ENDIAN, &s));
	EXPECT_RET(-ENOTTY, vg_ioctl(fd, VHOST_GET_VRING_ENDIAN, &s));
	s.index = 2;
	EXPECT_RET(-ENOBUFS, vg_ioctl(fd, VHOST_SET_VRING_ENDIAN, &s));
	EXPECT_RET(-ENOBUFS, vg_ioctl(fd, VHOST_GET_VRING_ENDIAN, &s));
}

VD_TEST_MAIN
