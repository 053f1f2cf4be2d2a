// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors of rings that are no eventfds, or that would block. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)

static const struct vg_net_opts opts = { .features = MODERN };

static void start(struct rig *r)
{
	rig_open(r, &opts, RIG_PROTO & ~RIG_ACK);
	CHECK_EQ(fe_start(&r->fe), 0);
	rig_wait(&r->on, 3);
}

static void make_blocking(int fd)
{
	CHECK(!fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK));
}

/* A pipe without a reader: a signal on it would end the process. */
static int broken_pipe(void)
{
	int fds[2];

	CHECK(!pipe2(fds, O_CLOEXEC));
	close(fds[0]);
	return fds[1];
}

TEST(eventfd_call_is_pipe)
{
	uint64_t idx = VG_RX;
	struct rig r;
	int fd;

	start(&r);
	fd = broken_pipe();
	CHECK_EQ(fe_send(&r.fe, FE_SET_VRING_CALL, &idx, 8, &fd, 1), 0);
	vg_net_fill(&r.fe.n);
	vg_ring_arm(&r.fe.n.ring[VG_RX]);
	usleep(50000);
	r.pkt[0].len = 60;
	pthread_mutex_lock(&r.lock);
	if (r.dev)
		viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 1);
	pthread_mutex_unlock(&r.lock);
	rig_expect_closed(&r, "is no eventfd");
	rig_close(&r);
}

TEST(eventfd_err_is_pipe)
{
	uint64_t idx = VG_TX;
	struct rig r;
	int fd;

	start(&r);
	fd = broken_pipe();
	CHECK_EQ(fe_send(&r.fe, FE_SET_VRING_ERR, &idx, 8, &fd, 1), 0);
	usleep(50000);
	r.fe.n.ring[VG_TX].avail->idx += 1000;
	pthread_mutex_lock(&r.lock);
	if (r.dev)
		viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1);
	pthread_mutex_unlock(&r.lock);
	rig_expect_closed(&r, "is no eventfd");
	rig_close(&r);
}

/* Kinds that block, or that could end in one that does. */
TEST(eventfd_kick_is_other)
{
	const int fds[5] = {
		broken_pipe(), epoll_create1(EPOLL_CLOEXEC),
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600),
	};
	uint64_t idx = VG_TX;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		struct rig r;

		rig_open(&r, &opts, RIG_PROTO & ~RIG_ACK);
		CHECK_EQ(fe_negotiate(&r.fe), 0);
		CHECK_EQ(fe_send(&r.fe, FE_SET_VRING_KICK, &idx, 8, &fds[i], 1),
			 0);
		rig_expect_closed(&r, "is no eventfd");
		rig_close(&r);
	}
}

/*
 * The front end shares the flags of its eventfds. A full one that blocks must
 * stop neither a burst nor, through the ring's lock, the session.
 */
TEST(eventfd_call_is_full)
{
	struct rig r;
	int i;

	start(&r);
	CHECK_EQ(eventfd_write(r.fe.n.call[VG_RX], ~0ULL - 1), 0);
	make_blocking(r.fe.n.call[VG_RX]);
	for (i = 0; i < 200; i++) {
		vg_ring_arm(&r.fe.n.ring[VG_RX]);
		rig_stream_rx(&r, i, 1, 1000);
	}
	rig_close(&r);
}

TEST(eventfd_err_is_full)
{
	struct rig r;

	start(&r);
	CHECK_EQ(eventfd_write(r.fe.n.err[VG_TX], ~0ULL - 1), 0);
	make_blocking(r.fe.n.err[VG_TX]);
	r.fe.n.ring[VG_TX].avail->idx += 1000;
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 0);
	rig_wait(&r.on, 1 << VG_RX);
	rig_close(&r);
}

/* An empty one that blocks must not stop the call before a wait. */
TEST(eventfd_kick_is_empty)
{
	struct virtio_net_hdr hdr = {};
	uint8_t frame[60] = {};
	struct rig r;

	start(&r);
	make_blocking(r.fe.n.kick[VG_TX]);
	CHECK_EQ(viaduct_vring_arm(r.dev, VG_TX), 0);
	CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 60, &vg_layout_plain), 0);
	CHECK(vg_ring_kick(&r.fe.n.ring[VG_TX]));
	CHECK_EQ(viaduct_vring_wait(r.dev, VG_TX, RIG_MS), 1);
	CHECK_EQ(viaduct_dequeue_burst(r.dev, VG_TX, r.pkt, 1), 1);
	CHECK_EQ(viaduct_vring_wait(r.dev, VG_TX, 10), 0);
	rig_close(&r);
}

/* A daemon may create its session before it forks: a child has no AIO context. */
TEST(eventfd_in_child)
{
	int fd, pid, status;
	uint64_t idx = VG_TX;
	struct rig r;

	rig_create(&r);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		rig_serve(&r, &opts, RIG_PROTO & ~RIG_ACK);
		CHECK_EQ(fe_start(&r.fe), 0);
		rig_wait(&r.on, 3);
		rig_stream_rx(&r, 0, 100, 1000);
		fd = broken_pipe();
		CHECK_EQ(fe_send(&r.fe, FE_SET_VRING_KICK, &idx, 8, &fd, 1), 0);
		rig_expect_closed(&r, "is no eventfd");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	viaduct_session_destroy(r.s);
}
