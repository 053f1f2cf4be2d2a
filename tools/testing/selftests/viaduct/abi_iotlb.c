// SPDX-License-Identifier: GPL-2.0-only
/* Messages of the client's IOMMU: accepted and refused ones. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "../../../lib/vguest/iommu.h"
#include "abi.h"

#define F_PLATFORM VG_BIT(VG_F_ACCESS_PLATFORM)
#define MSG_SIZE 72

/* Volatile, so that the compiler cannot infer the value. */
static void *volatile nowhere = (void *)16;
static uint8_t page[4096] __attribute__((aligned(4096)));

static int err(long ret)
{
	return ret < 0 ? -errno : ret;
}

static bool is_offered(int fd)
{
	uint64_t features = 0;

	vg_get_features(fd, &features);
	return features & F_PLATFORM;
}

/* A device with an IOTLB that is still empty; it needs no owner. */
#define IOTLB_DEVICE(fd) \
	int fd = abi_open(); \
	if (!is_offered(fd)) \
		SKIP(return, "no ACCESS_PLATFORM offered"); \
	ASSERT_EQ(0, vg_set_features(fd, F_PLATFORM | VG_BIT(32)))

static int tell_as(int fd, uint32_t version, struct vhost_iotlb_msg iotlb)
{
	struct vhost_msg_v2 m = { .type = version, .iotlb = iotlb };

	return err(write(fd, &m, sizeof(m)));
}

static int tell(int fd, struct vhost_iotlb_msg iotlb)
{
	return tell_as(fd, VHOST_IOTLB_MSG_V2, iotlb);
}

static struct vhost_iotlb_msg update(uint64_t iova, uint64_t size,
				     uint64_t uaddr, uint8_t perm)
{
	return (struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_UPDATE, .iova = iova, .size = size,
		.uaddr = uaddr, .perm = perm,
	};
}

TEST(types)
{
	struct vhost_iotlb_msg m = update(0, 4096, (uintptr_t)page,
					  VHOST_ACCESS_RW);
	unsigned int type;

	IOTLB_DEVICE(fd);
	EXPECT_RET(MSG_SIZE, tell_as(fd, VHOST_IOTLB_MSG, m));
	EXPECT_RET(MSG_SIZE, tell_as(fd, VHOST_IOTLB_MSG_V2, m));
	EXPECT_RET(-EINVAL, tell_as(fd, 0, m));
	EXPECT_RET(-EINVAL, tell_as(fd, 3, m));
	for (type = 0; type < 256; type++) {
		if (type == VHOST_IOTLB_UPDATE ||
		    type == VHOST_IOTLB_INVALIDATE)
			continue;
		m.type = type;
		EXPECT_RET(-EFAULT, tell(fd, m));
	}
}

TEST(lengths)
{
	struct vhost_msg_v2 m = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = update(0, 4096, (uintptr_t)page, VHOST_ACCESS_RW),
	};
	char longer[200] = "";
	unsigned int len;

	IOTLB_DEVICE(fd);
	for (len = 0; len < 40; len++)
		EXPECT_RET(-EINVAL, err(write(fd, &m, len)));
	/* However many bytes follow the body, the result is the length of a message. */
	for (len = 40; len <= MSG_SIZE; len++)
		EXPECT_RET(MSG_SIZE, err(write(fd, &m, len)));
	memcpy(longer, &m, sizeof(m));
	EXPECT_RET(MSG_SIZE, err(write(fd, longer, sizeof(longer))));
	EXPECT_RET(-EINVAL, err(write(fd, nowhere, MSG_SIZE)));
}

/* A message in two pieces is one message, wherever it is cut. */
TEST(written_in_pieces)
{
	struct vhost_msg_v2 m = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = update(0, 4096, (uintptr_t)page, VHOST_ACCESS_RW),
	};
	struct iovec iov[MSG_SIZE];
	unsigned int cut;

	IOTLB_DEVICE(fd);
	for (cut = 0; cut <= MSG_SIZE; cut++) {
		iov[0] = (struct iovec){ &m, cut };
		iov[1] = (struct iovec){ (char *)&m + cut, MSG_SIZE - cut };
		EXPECT_RET(MSG_SIZE, err(writev(fd, iov, 2)));
	}
	for (cut = 0; cut < MSG_SIZE; cut++)
		iov[cut] = (struct iovec){ (char *)&m + cut, 1 };
	EXPECT_RET(MSG_SIZE, err(writev(fd, iov, MSG_SIZE)));
	EXPECT_RET(-EINVAL, err(writev(fd, iov, 39)));
	/* The second piece is not mapped. */
	iov[0] = (struct iovec){ &m, 20 };
	iov[1] = (struct iovec){ nowhere, MSG_SIZE - 20 };
	EXPECT_RET(-EINVAL, err(writev(fd, iov, 2)));
}

TEST(update_ranges)
{
	uint64_t at = (uintptr_t)page;

	IOTLB_DEVICE(fd);
	EXPECT_RET(-EINVAL, tell(fd, update(0, 0, at, VHOST_ACCESS_RW)));
	EXPECT_RET(MSG_SIZE, tell(fd, update(-4096ULL, 4096, at, 3)));
	EXPECT_RET(-EFAULT, tell(fd, update(-4096ULL, 4097, at, 3)));
	EXPECT_RET(-EFAULT, tell(fd, update(-1ULL, 2, at, 0)));
	/* The address must be user memory unless perm is 0; it need not be mapped. */
	EXPECT_RET(-EFAULT, tell(fd, update(0, 4096, 1ULL << 63, 1)));
	EXPECT_RET(-EFAULT, tell(fd, update(0, 4096, 1ULL << 63, 2)));
	EXPECT_RET(-EFAULT, tell(fd, update(0, 4096, -4096ULL, 3)));
	EXPECT_RET(-EFAULT, tell(fd, update(0, -1ULL, at, 3)));
	EXPECT_RET(MSG_SIZE, tell(fd, update(0, 4096, 1ULL << 63, 0)));
	EXPECT_RET(MSG_SIZE, tell(fd, update(0, 4096, 4096, 3)));
}

TEST(invalidate_ranges)
{
	struct vhost_iotlb_msg m = { .type = VHOST_IOTLB_INVALIDATE };
	/* Size 0 means all addresses; newer in-tree drivers refuse it. */
	long no_size = abi_kernel_has(6, 17) ? -EFAULT : MSG_SIZE;

	IOTLB_DEVICE(fd);
	EXPECT_CALL("iotlb.invalidate_all", no_size, tell(fd, m));
	m.iova = 4096;
	EXPECT_CALL("iotlb.invalidate_all", no_size, tell(fd, m));
	m.size = -1ULL;
	EXPECT_RET(MSG_SIZE, tell(fd, m));
}

/* Their number is not limited: the oldest mappings are evicted. */
TEST(many_updates)
{
	unsigned int i;

	IOTLB_DEVICE(fd);
	for (i = 0; i < 5000; i++)
		ASSERT_EQ(MSG_SIZE, tell(fd, update(i * 4096ULL, 4096,
						    (uintptr_t)page, 3)));
}

/* Without the feature there is no IOTLB, even if there was one before. */
TEST(mode_ends)
{
	struct vhost_iotlb_msg m = update(0, 4096, (uintptr_t)page, 3);

	IOTLB_DEVICE(fd);
	EXPECT_RET(MSG_SIZE, tell(fd, m));
	ASSERT_EQ(0, vg_set_features(fd, VG_BIT(32)));
	EXPECT_CALL("iotlb.ends", abi_kernel_is_6_1() ? MSG_SIZE : -EFAULT,
		    tell(fd, m));
	ASSERT_EQ(0, vg_set_features(fd, F_PLATFORM | VG_BIT(32)));
	EXPECT_RET(MSG_SIZE, tell(fd, m));
}

/* A reset ends the IOTLB. */
TEST(reset_owner_ends_it)
{
	struct vhost_iotlb_msg m = update(0, 4096, (uintptr_t)page, 3);
	int fd = abi_owned();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	ASSERT_EQ(0, vg_set_features(fd, F_PLATFORM | VG_BIT(32)));
	EXPECT_RET(MSG_SIZE, tell(fd, m));
	EXPECT_EQ(0, vg_reset_owner(fd));
	EXPECT_RET(-EFAULT, tell(fd, m));
}

static volatile int read_result;

static void *reader(void *arg)
{
	char buf[MSG_SIZE];

	read_result = err(read((intptr_t)arg, buf, sizeof(buf)));
	return NULL;
}

/* A waiting reader returns when the IOTLB ends. */
TEST(reader_is_woken)
{
	pthread_t t;
	int fd = abi_owned();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	ASSERT_EQ(0, vg_set_features(fd, F_PLATFORM | VG_BIT(32)));
	read_result = 1;
	ASSERT_EQ(0, pthread_create(&t, NULL, reader, (void *)(intptr_t)fd));
	usleep(200000);
	EXPECT_EQ(1, read_result);
	EXPECT_EQ(0, vg_reset_owner(fd));
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_RET(-EBADFD, read_result);
}

/* A device with an IOTLB that lacks the mappings of the rings, and so reports a miss. */
static const char *start(struct vg_net *n, uint64_t backend_features)
{
	*n = abi_net(F_PLATFORM | VG_BIT(32));
	if (vg_set_backend_features(n->fd, backend_features))
		return "SET_BACKEND_FEATURES";
	if (vg_set_backend(n->fd, VG_RX, abi_tap()) != -EFAULT)
		return "attached without a used ring";
	return NULL;
}

static void check_miss(struct __test_metadata *_metadata, uint64_t features)
{
	struct {
		struct vhost_msg_v2 msg;
		char behind[8];
	} m;
	struct pollfd p = { .events = POLLIN | POLLOUT };
	struct vg_net n;
	size_t i;

	ASSERT_FINE(start(&n, features));
	p.fd = n.fd;
	ASSERT_EQ(1, poll(&p, 1, 3000));
	EXPECT_EQ(POLLIN, p.revents);
	memset(&m, 0xa5, sizeof(m));
	EXPECT_RET(0, err(read(n.fd, &m, 71)));
	EXPECT_RET(MSG_SIZE, err(read(n.fd, &m, sizeof(m))));
	EXPECT_EQ(features ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG, m.msg.type);
	EXPECT_EQ(VHOST_IOTLB_MISS, m.msg.iotlb.type);
	EXPECT_EQ(n.ring[VG_RX].used_gpa, m.msg.iotlb.iova);
	EXPECT_EQ(0, m.msg.iotlb.size);
	EXPECT_EQ(0, m.msg.iotlb.uaddr);
	/* CVE-2018-1118: all other bytes must be 0. */
	EXPECT_EQ(0, m.msg.asid);
	for (i = offsetof(struct vhost_iotlb_msg, type) + 1;
	     i < sizeof(m.msg) - offsetof(struct vhost_msg_v2, iotlb); i++)
		EXPECT_EQ(0, ((uint8_t *)&m.msg.iotlb)[i]);
	EXPECT_EQ((char)0xa5, m.behind[0]);
	EXPECT_EQ(0, poll(&p, 1, 0));
	vg_net_close(&n);
}

TEST(miss_in_version_1)
{
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	check_miss(_metadata, 0);
}

TEST(miss_in_version_2)
{
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	check_miss(_metadata, 2);
}

/* A miss can be read into pieces that together have room for it. */
TEST(miss_read_in_pieces)
{
	struct vhost_msg_v2 m = {};
	struct iovec iov[2] = { { &m, 20 },
				{ (char *)&m + 20, MSG_SIZE - 20 } };
	struct vg_net n;
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	ASSERT_FINE(start(&n, 2));
	iov[1].iov_len--;
	EXPECT_RET(0, err(readv(n.fd, iov, 2)));
	iov[1].iov_len++;
	EXPECT_RET(MSG_SIZE, err(readv(n.fd, iov, 2)));
	EXPECT_EQ(VHOST_IOTLB_MISS, m.iotlb.type);
	EXPECT_EQ(n.ring[VG_RX].used_gpa, m.iotlb.iova);
	vg_net_close(&n);
}

/* A backend that is attached a little later. */
struct late {
	int fd, tap;
};

static void *attach_later(void *arg)
{
	struct late *late = arg;

	usleep(200000);
	vg_set_backend(late->fd, VG_RX, late->tap);
	return NULL;
}

/* EPOLLIN and EPOLLRDNORM each wake a poller that waits for that one alone. */
static void check_wake(struct __test_metadata *_metadata, uint32_t events)
{
	struct epoll_event e = { .events = events };
	struct vg_net n = abi_net(F_PLATFORM | VG_BIT(32));
	struct late late = { .fd = n.fd, .tap = abi_tap() };
	int ep = epoll_create1(0);
	pthread_t t;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, n.fd, &e));
	ASSERT_EQ(0, epoll_wait(ep, &e, 1, 0));
	ASSERT_EQ(0, pthread_create(&t, NULL, attach_later, &late));
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, 5000));
	EXPECT_EQ(events, e.events);
	ASSERT_EQ(0, pthread_join(t, NULL));
	close(ep);
	vg_net_close(&n);
}

TEST(miss_wakes_pollers)
{
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	check_wake(_metadata, EPOLLIN);
	check_wake(_metadata, EPOLLRDNORM);
}

/* A miss that cannot be copied to the reader is lost. */
TEST(miss_into_bad_buffer)
{
	struct pollfd p = { .events = POLLIN };
	struct vg_net n;
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	ASSERT_FINE(start(&n, 2));
	p.fd = n.fd;
	EXPECT_RET(0, err(read(n.fd, nowhere, MSG_SIZE)));
	EXPECT_EQ(0, poll(&p, 1, 0));
	vg_net_close(&n);
}

/* A stop of a ring drops the misses that were not read, also those of the other ring. */
TEST(stop_drops_misses)
{
	struct pollfd p = { .events = POLLIN };
	struct vg_net n;
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	ASSERT_FINE(start(&n, 2));
	p.fd = n.fd;
	ASSERT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(0, vg_set_backend(n.fd, VG_TX, -1));
	EXPECT_EQ(0, poll(&p, 1, 0));
	vg_net_close(&n);
}

/* A change of ACCESS_PLATFORM changes the meaning of ring addresses, and drops them. */
TEST(addresses_end_with_the_mode)
{
	struct vg_net n;
	int fd = abi_open();

	if (!is_offered(fd))
		SKIP(return, "no ACCESS_PLATFORM offered");
	n = abi_net(VG_BIT(32));
	ASSERT_EQ(0, vg_set_features(n.fd, F_PLATFORM | VG_BIT(32)));
	ASSERT_EQ(0, vg_set_features(n.fd, VG_BIT(32)));
	EXPECT_RET(-EFAULT, vg_set_backend(n.fd, VG_RX, abi_tap()));
	vg_net_close(&n);
}

VD_TEST_MAIN
