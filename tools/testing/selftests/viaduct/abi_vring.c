// SPDX-License-Identifier: GPL-2.0-only
/* Ring size, position and addresses. */
#include <sys/mman.h>

#include "abi.h"

static struct vhost_vring_addr addr(uint64_t desc, uint64_t avail,
				    uint64_t used)
{
	return (struct vhost_vring_addr){ .desc_user_addr = desc,
					  .avail_user_addr = avail,
					  .used_user_addr = used };
}

TEST(num)
{
	int fd = abi_owned(), i;

	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 0));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 3));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 255));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 32769));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 65535));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 65536));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, 1U << 31));
	EXPECT_RET(-EINVAL, vg_set_vring_num(fd, 0, UINT32_MAX));
	for (i = 0; i <= 15; i++) {
		EXPECT_RET(0, vg_set_vring_num(fd, 0, 1 << i));
		EXPECT_RET(0, vg_set_vring_num(fd, 1, 1 << i));
	}
	EXPECT_RET(-ENOBUFS, vg_set_vring_num(fd, 2, 256));
}

TEST(base)
{
	int fd = abi_owned();
	unsigned int base;

	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0));
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 65535));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(65535, base);
	EXPECT_RET(-EINVAL, vg_set_vring_base(fd, 0, 65536));
	EXPECT_RET(-EINVAL, vg_set_vring_base(fd, 0, UINT32_MAX));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(65535, base);
	/* Beyond the ring's size, too: it is a free-running number. */
	EXPECT_RET(0, vg_set_vring_num(fd, 1, 2));
	EXPECT_RET(0, vg_set_vring_base(fd, 1, 1000));
	EXPECT_RET(0, vg_get_vring_base(fd, 1, &base));
	EXPECT_EQ(1000, base);
}

/* A packed ring's base has 32 bits; if a client sets 16, the device adds the others. */
TEST(base_of_packed_ring)
{
	const uint64_t packed = VG_BIT(VG_F_RING_PACKED);
	int fd = abi_owned();
	unsigned int base;
	uint64_t offered;

	ASSERT_EQ(0, vg_get_features(fd, &offered));
	if (!(offered & packed))
		SKIP(return, "no RING_PACKED offered");
	EXPECT_RET(0, vg_set_vring_num(fd, 0, 256));
	ASSERT_EQ(0, vg_set_features(fd, packed | VG_BIT(VG_F_VERSION_1)));
	/* The base at which a driver begins. */
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(0x80008000, base);
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0x8000));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(0x80008000, base);
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0x17));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(0x00170017, base);
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(0, base);
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0x80118015));
	EXPECT_RET(0, vg_get_vring_base(fd, 0, &base));
	EXPECT_EQ(0x80118015, base);
}

TEST(addr_flags)
{
	struct vhost_vring_addr a = addr(0x1000, 0x2000, 0x3000);
	int fd = abi_owned(), bit;

	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	a.flags = 1;
	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	for (bit = 1; bit < 32; bit++) {
		a.flags = 1U << bit;
		EXPECT_RET(-EOPNOTSUPP, vg_set_vring_addr(fd, &a));
	}
	/* Flags are checked before addresses. */
	a = addr(0x1000, 0x2001, 0x3001);
	a.flags = 2;
	EXPECT_RET(-EOPNOTSUPP, vg_set_vring_addr(fd, &a));
}

TEST(addr_alignment)
{
	struct vhost_vring_addr a;
	int fd = abi_owned();

	a = addr(0x1000, 0x2001, 0x3000);
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a = addr(0x1000, 0x2002, 0x3000);
	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	a = addr(0x1000, 0x2000, 0x3002);
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a = addr(0x1000, 0x2000, 0x3004);
	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	a.log_guest_addr = 2;
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a.log_guest_addr = 4;
	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	/* The alignment of the descriptor table is not checked. */
	a = addr(0x1001, 0x2000, 0x3000);
	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
}

/* An idle ring may lie anywhere. */
TEST(addr_range_of_idle_ring)
{
	struct vhost_vring_addr a = addr(UINT64_MAX & ~15, UINT64_MAX & ~1,
					 UINT64_MAX & ~3);
	int fd = abi_owned();

	EXPECT_RET(0, vg_set_vring_addr(fd, &a));
	EXPECT_RET(0, abi_set_table(fd));
	EXPECT_RET(-EFAULT, vg_set_backend(fd, 0, -1));
}

FIXTURE(running)
{
	struct vg_net n;
};

FIXTURE_SETUP(running)
{
	int tap = abi_tap();

	self->n = abi_net(0);
	ASSERT_EQ(0, vg_net_start(&self->n, tap, tap));
}

FIXTURE_TEARDOWN(running)
{
	vg_net_close(&self->n);
}

TEST_F(running, num_and_base_are_busy)
{
	int fd = self->n.fd, i;

	for (i = 0; i < 2; i++) {
		EXPECT_RET(-EBUSY, vg_set_vring_num(fd, i, 256));
		EXPECT_RET(-EBUSY, vg_set_vring_num(fd, i, 0));
		EXPECT_RET(-EBUSY, vg_set_vring_base(fd, i, 0));
		EXPECT_RET(-EBUSY, vg_set_vring_base(fd, i, 65536));
	}
	EXPECT_RET(-ENOBUFS, vg_set_vring_num(fd, 2, 256));
	EXPECT_EQ(0, vg_net_stop(&self->n));
	EXPECT_RET(0, vg_set_vring_num(fd, 0, 256));
	EXPECT_RET(0, vg_set_vring_base(fd, 0, 0));
}

/* EBUSY is returned before the rest of the argument is read. */
TEST_F(running, busy_beats_bad_argument)
{
	uint32_t *last = (uint32_t *)abi_edge() - 1;
	int fd = self->n.fd;

	*last = 0;
	EXPECT_RET(-EBUSY, vg_ioctl(fd, VHOST_SET_VRING_NUM, last));
	EXPECT_RET(-EBUSY, vg_ioctl(fd, VHOST_SET_VRING_BASE, last));
	EXPECT_RET(-EFAULT, vg_ioctl(fd, VHOST_GET_VRING_BASE, last));
}

TEST_F(running, addr)
{
	struct vg_ring *r = &self->n.ring[0];
	struct vhost_vring_addr good = addr((uintptr_t)r->desc,
					    (uintptr_t)r->avail,
					    (uintptr_t)r->used), a;
	int fd = self->n.fd;

	EXPECT_RET(0, vg_set_vring_addr(fd, &good));
	a = good;
	a.desc_user_addr = 0xffff800000000000ULL;
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a = good;
	a.avail_user_addr = UINT64_MAX & ~1;
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a = good;
	a.used_user_addr = UINT64_MAX & ~3;
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	a = good;
	a.avail_user_addr++;
	EXPECT_RET(-EINVAL, vg_set_vring_addr(fd, &a));
	EXPECT_RET(0, vg_set_vring_addr(fd, &good));
}

TEST_F(running, get_base)
{
	bool is_packed = self->n.features & VG_BIT(VG_F_RING_PACKED);
	unsigned int base = 7;

	/* Position 0 of a packed ring has both wrap counters set. */
	EXPECT_RET(0, vg_get_vring_base(self->n.fd, 0, &base));
	EXPECT_EQ(is_packed ? 0x80008000 : 0, base);
}

TEST(busyloop_timeout)
{
	struct vhost_vring_state s = { .index = 1, .num = UINT32_MAX };
	int fd = abi_owned();

	EXPECT_RET(0, vg_ioctl(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s));
	s.num = 0;
	EXPECT_RET(0, vg_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s));
	EXPECT_EQ(UINT32_MAX, s.num);
	s.index = 0;
	EXPECT_RET(0, vg_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s));
	EXPECT_EQ(0, s.num);
}

VD_TEST_MAIN
