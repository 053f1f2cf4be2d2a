// SPDX-License-Identifier: GPL-2.0-only
/* Sockets, and a session in the program's own loop. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)

static int nr_devices, refuse;
static struct viaduct_dev *last;
static char message[256];

static int new_device(struct viaduct_dev *dev, void *ctx)
{
	last = dev;
	nr_devices += !refuse;
	return refuse;
}

static void destroy_device(struct viaduct_dev *dev, void *ctx)
{
	nr_devices--;
}

static void keep(const char *text, void *ctx)
{
	snprintf(message, sizeof(message), "%s", text);
}

static const struct viaduct_ops ops = {
	.size = sizeof(ops),
	.new_device = new_device,
	.destroy_device = destroy_device,
	.log = keep,
};

static void a_path(char *path)
{
	sprintf(path, "/tmp/libviaduct-test.%d", getpid());
	unlink(path);
}

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -errno;
}

static int serve(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	CHECK(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
	CHECK(!listen(fd, 4));
	return fd;
}

static void dispatch_until(struct viaduct_session *s, int nr)
{
	struct pollfd p = { viaduct_session_fd(s), POLLIN, 0 };
	uint64_t end = vg_deadline_ms(RIG_MS);

	while (nr_devices != nr) {
		if (vg_expired(end))
			FAIL("%d devices, not %d", nr_devices, nr);
		poll(&p, 1, 100);
		CHECK(viaduct_session_dispatch(s) >= 0);
	}
}

TEST(socket_listen)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL), *t;
	char path[64];
	int a, b, c;

	a_path(path);
	CHECK_EQ(viaduct_session_set_max_devices(s, 2), 0);
	CHECK_EQ(viaduct_session_listen(s, path), 0);
	t = viaduct_session_create(&ops, NULL);
	CHECK_EQ(viaduct_session_listen(t, path), -EADDRINUSE);
	viaduct_session_destroy(t);
	a = dial(path);
	b = dial(path);
	dispatch_until(s, 2);
	CHECK(!strcmp(viaduct_dev_path(last), path));
	c = dial(path);
	CHECK(c >= 0);
	while (!strstr(message, "refused"))
		CHECK(viaduct_session_dispatch(s) >= 0);
	CHECK_EQ(read(c, message, 1), 0);
	close(a);
	dispatch_until(s, 1);
	refuse = 1;
	a = dial(path);
	while (!strstr(message, "refused by the program"))
		CHECK(viaduct_session_dispatch(s) >= 0);
	CHECK_EQ(nr_devices, 1);
	CHECK_EQ(viaduct_session_remove(s, "/nowhere"), -ENOENT);
	CHECK_EQ(viaduct_session_remove(s, path), 0);
	CHECK_EQ(nr_devices, 0);
	CHECK_EQ(access(path, F_OK), -1);
	CHECK_EQ(read(b, message, 1), 0);
	viaduct_session_destroy(s);
}

/* Without descriptors a connection is closed; it must not make dispatch spin. */
TEST(socket_no_descriptors)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	struct pollfd p = { viaduct_session_fd(s), POLLIN, 0 };
	struct rlimit few = { 0, 0 };
	char path[64];
	int c;

	a_path(path);
	CHECK_EQ(viaduct_session_listen(s, path), 0);
	c = dial(path);
	CHECK(c >= 0);
	CHECK(!getrlimit(RLIMIT_NOFILE, &few));
	few.rlim_cur = c + 1;
	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	CHECK_EQ(viaduct_session_dispatch(s), 1);
	CHECK(strstr(message, "no descriptors left"));
	CHECK_EQ(read(c, message, 1), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(nr_devices, 0);
	/* Descriptors again, connections again. */
	few.rlim_cur += 10;
	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	CHECK(dial(path) >= 0);
	dispatch_until(s, 1);
	viaduct_session_destroy(s);
}

/* A socket left behind is replaced; a file is not. */
TEST(socket_stale)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	char path[64];
	int fd;

	a_path(path);
	close(serve(path));
	CHECK_EQ(viaduct_session_listen(s, path), 0);
	CHECK(dial(path) >= 0);
	viaduct_session_destroy(s);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	s = viaduct_session_create(&ops, NULL);
	CHECK_EQ(viaduct_session_listen(s, path), -EADDRINUSE);
	CHECK_EQ(access(path, F_OK), 0);
	viaduct_session_destroy(s);
	close(fd);
	unlink(path);
	s = viaduct_session_create(&ops, NULL);
	CHECK_EQ(viaduct_session_listen(s, ""), -ENAMETOOLONG);
	viaduct_session_destroy(s);
}

/* Connects once there is a front end, and again after each loss. */
TEST(socket_reconnect)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	char path[64];
	int fd, i, c;

	a_path(path);
	CHECK_EQ(viaduct_session_connect(s, path), 0);
	CHECK(viaduct_session_dispatch(s) >= 0);
	CHECK_EQ(nr_devices, 0);
	for (i = 0; i < 5; i++) {
		fd = serve(path);
		dispatch_until(s, 1);
		c = accept(fd, NULL, NULL);
		CHECK(c >= 0);
		/* The front end ends, its socket stays behind. */
		close(fd);
		close(c);
		dispatch_until(s, 0);
		unlink(path);
	}
	viaduct_session_destroy(s);
}

/* In the program's loop: a kick makes the session's descriptor readable. */
TEST(socket_kick)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	struct vg_net_opts o = { .features = MODERN };
	struct pollfd p = { viaduct_session_fd(s), POLLIN, 0 };
	struct virtio_net_hdr hdr = {};
	static uint8_t frame[60], data[2048];
	struct {
		uint32_t request, flags, size, value[2];
	} kick = { FE_SET_VRING_KICK, FE_VERSION, 8, { VG_TX } };
	struct viaduct_pkt pkt = { .data = data, .room = sizeof(data) };
	struct fe fe;
	int fds[2], pid, i;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	CHECK_EQ(viaduct_session_add_fd(s, fds[1]), 0);
	CHECK_EQ(fe_open(&fe, fds[0], &o), 0);
	fe.proto = RIG_PROTO;
	/* The messages of a front end in a process of its own. */
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(!!fe_start(&fe));
	while (!viaduct_vring_is_on(last, VG_TX))
		CHECK(viaduct_session_dispatch(s) >= 0);
	for (i = 0; i < 10; i++) {
		CHECK_EQ(viaduct_dequeue_burst(last, VG_TX, &pkt, 1), 0);
		CHECK_EQ(viaduct_vring_arm(last, VG_TX), 0);
		CHECK(viaduct_session_dispatch(s) >= 0);
		CHECK_EQ(poll(&p, 1, 20), 0);
		CHECK_EQ(vg_net_xmit(&fe.n, &hdr, frame, 60, &vg_layout_plain), 0);
		CHECK(vg_ring_kick(&fe.n.ring[VG_TX]));
		CHECK_EQ(poll(&p, 1, RIG_MS), 1);
		CHECK_EQ(viaduct_session_dispatch(s), 1);
		CHECK_EQ(viaduct_dequeue_burst(last, VG_TX, &pkt, 1), 1);
	}
	/* Once replaced, the old descriptor no longer wakes the session. */
	i = vg_eventfd();
	CHECK_EQ(fe_raw(&fe, &kick, sizeof(kick), &i, 1), 0);
	CHECK_EQ(viaduct_session_dispatch(s), 2);
	vg_eventfd_add(fe.n.kick[VG_TX], 1);
	CHECK_EQ(poll(&p, 1, 20), 0);
	vg_eventfd_add(i, 1);
	CHECK_EQ(poll(&p, 1, RIG_MS), 1);
	CHECK_EQ(viaduct_session_start(s), -EBUSY);
	viaduct_session_destroy(s);
	fe_close(&fe);
}

/* Features that are not offered, and ones that do not exist. */
TEST(socket_features)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	uint64_t all = viaduct_session_features(s);

	viaduct_session_disable(s, VG_BIT(VG_F_RING_PACKED));
	CHECK_EQ(viaduct_session_features(s), all & ~VG_BIT(VG_F_RING_PACKED));
	CHECK_EQ(viaduct_session_enable(s, 1ULL << 63), -EOPNOTSUPP);
	CHECK_EQ(viaduct_session_enable(s, VG_BIT(VG_F_RING_PACKED)), 0);
	CHECK_EQ(viaduct_session_features(s), all);
	CHECK_EQ(viaduct_session_set_pairs(s, 0), -EINVAL);
	CHECK_EQ(viaduct_session_set_pairs(s, VIADUCT_MAX_PAIRS + 1), -EINVAL);
	CHECK_EQ(viaduct_session_set_max_devices(s, 0), -EINVAL);
	viaduct_session_destroy(s);
}
