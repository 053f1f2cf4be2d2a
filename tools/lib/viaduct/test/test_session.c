// SPDX-License-Identifier: GPL-2.0-only
/* The session's thread, its sockets, and waits for a guest. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)

static const struct vg_net_opts opts = { .features = MODERN };

/* Microseconds that each event is delayed, after the kernel has reported it. */
static int delay;

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	int nr = syscall(SYS_epoll_pwait, epfd, events, max, timeout, NULL, 8);

	if (nr > 0 && __atomic_load_n(&delay, __ATOMIC_RELAXED))
		usleep(delay);
	return nr;
}

static void quiet(const char *message, void *ctx)
{
}

static const struct viaduct_ops ops = { .size = sizeof(ops), .log = quiet };

static int serve(struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a->sun_family = AF_UNIX;
	sprintf(a->sun_path, "/tmp/libviaduct-test.%d", getpid());
	unlink(a->sun_path);
	CHECK(!bind(fd, (struct sockaddr *)a, sizeof(*a)));
	CHECK(!listen(fd, 8));
	return fd;
}

static int dial(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(!connect(fd, (const struct sockaddr *)a, sizeof(*a)));
	return fd;
}

/* A socket is unregistered while the thread has an event of it. */
TEST(session_remove_in_event)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int i, c;

	sprintf(a.sun_path, "/tmp/libviaduct-test.%d", getpid());
	CHECK_EQ(viaduct_session_start(s), 0);
	__atomic_store_n(&delay, 100000, __ATOMIC_RELAXED);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(viaduct_session_listen(s, a.sun_path), 0);
		c = dial(&a);
		usleep(20000);
		CHECK_EQ(viaduct_session_remove(s, a.sun_path), 0);
		close(c);
	}
	viaduct_session_destroy(s);
}

/* One of two sessions takes the connection: the other one must not wait. */
TEST(session_shared_socket)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	struct viaduct_session *t = viaduct_session_create(&ops, NULL);
	struct sockaddr_un a = {};
	int fd = serve(&a), other = dup(fd);
	int c;

	CHECK_EQ(viaduct_session_listen_fd(s, fd), 0);
	CHECK_EQ(viaduct_session_listen_fd(t, other), 0);
	c = dial(&a);
	alarm(10);
	__atomic_store_n(&delay, 100000, __ATOMIC_RELAXED);
	CHECK_EQ(viaduct_session_start(s), 0);
	CHECK_EQ(viaduct_session_start(t), 0);
	usleep(300000);
	viaduct_session_destroy(s);
	viaduct_session_destroy(t);
	close(c);
	unlink(a.sun_path);
}

/* A front end that ends each connection must not keep the session busy. */
TEST(session_reconnects_slowly)
{
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	struct sockaddr_un a = {};
	int fd = serve(&a), i;
	uint64_t start = vg_now_ns();

	CHECK_EQ(viaduct_session_start(s), 0);
	CHECK_EQ(viaduct_session_connect(s, a.sun_path), 0);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(vg_wait_fd(fd, POLLIN, vg_deadline_ms(RIG_MS)), 1);
		close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	}
	CHECK(vg_now_ns() - start >= 700 * 1000000ULL);
	viaduct_session_destroy(s);
	unlink(a.sun_path);
}

/* The errno is that of what failed, and nothing is left of the attempt. */
TEST(session_create_fails)
{
	struct rlimit few = {};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), i;

	CHECK(!getrlimit(RLIMIT_NOFILE, &few));
	for (i = 1; i < 5; i++) {
		few.rlim_cur = fd + i;
		CHECK(!setrlimit(RLIMIT_NOFILE, &few));
		errno = 0;
		CHECK(!viaduct_session_create(&ops, NULL) && errno == EMFILE);
	}
	few.rlim_cur = few.rlim_max;
	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	CHECK_EQ(dup(fd), fd + 1);
}

static void *wait_for_kick(void *arg)
{
	struct rig *r = arg;
	long ret;

	/* The end of the device waits for the end of its use. */
	pthread_mutex_lock(&r->lock);
	ret = viaduct_vring_wait(r->dev, VG_TX, -1);
	pthread_mutex_unlock(&r->lock);
	return (void *)ret;
}

/* Result of a wait without limit, once it has begun and @change was made. */
static long wait_during(void (*change)(struct rig *r))
{
	struct timespec limit;
	pthread_t thread;
	struct rig r;
	void *ret;

	rig_open(&r, &opts, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	CHECK(!pthread_create(&thread, NULL, wait_for_kick, &r));
	usleep(100000);
	change(&r);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += RIG_MS / 1000;
	if (pthread_timedjoin_np(thread, &ret, &limit))
		FAIL("the wait does not end");
	rig_close(&r);
	return (long)ret;
}

static void stop(struct rig *r)
{
	CHECK(fe_stop_ring(&r->fe, VG_TX) >= 0);
}

static void disable(struct rig *r)
{
	CHECK_EQ(fe_send_state(&r->fe, FE_SET_VRING_ENABLE, VG_TX, 0), 0);
}

static void leave(struct rig *r)
{
	CHECK(!shutdown(r->fe.sock, SHUT_RDWR));
}

static void replace_kick(struct rig *r)
{
	uint64_t idx = VG_TX;
	int fd = vg_eventfd();

	CHECK_EQ(fe_send(&r->fe, FE_SET_VRING_KICK, &idx, 8, &fd, 1), 0);
	vg_eventfd_add(fd, 1);
}

/* A ring that goes off gets no more kicks: the wait must end by itself. */
TEST(session_wait_ends)
{
	CHECK_EQ(wait_during(stop), -EAGAIN);
	CHECK_EQ(wait_during(disable), -EAGAIN);
	CHECK_EQ(wait_during(leave), -EAGAIN);
	CHECK_EQ(wait_during(replace_kick), 1);
}
