// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread moves frames both ways, another changes the device's state for
 * VD_RACE_MS milliseconds (1000). Frames may be lost meanwhile, but no rule may
 * be broken, and no frame is lost afterwards.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

#define LOG_ALL		VG_BIT(26)
#define LOG_BYTES	(1 << 19)	/* for 16 GiB of guest memory */
#define MAX_FAR		256

static struct rig rig;
static volatile bool stop;
static volatile int far_fd;	/* where the load sends to */

static unsigned int race_ms(void)
{
	const char *env = getenv("VD_RACE_MS");

	return env ? atoi(env) : 1000;
}

static const char *set_up(void)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const char *why = rig_open(&rig, RIG_TAP, &o);

	far_fd = rig.far;
	stop = false;
	return why ? why : rig_start(&rig);
}

static void die_if(int ret, const char *what)
{
	if (!ret)
		return;
	printf("# %s: %s\n", what, strerror(-ret));
	abort();
}

/* A step of a load that does not check what becomes of its frames. */
static const char *mess_step(void)
{
	static uint8_t frame[2048];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	struct virtio_net_hdr hdr = { 0 };
	struct vg_net *n = &rig.net;
	int i, ret = vg_net_reap(n);

	if (ret < 0)
		return "the transmit ring has nonsense in it";
	for (i = 0; i < 16; i++)
		if (vg_net_xmit(n, &hdr, frame, 60 + 90 * i, &vg_layout_plain))
			break;
	vg_ring_kick_always(&n->ring[VG_TX]);
	vg_net_fill(n);
	for (i = 0; i < 16; i++)
		if (vg_packet_send(far_fd, &hdr, frame, 60 + 90 * i) < 0)
			break;
	while ((ret = vg_net_recv(n, &mrg, frame, sizeof(frame))) > 0)
		;
	if (ret < 0)
		return "the receive ring has nonsense in it";
	while (vg_packet_recv(far_fd, &hdr, frame, sizeof(frame)) > 0)
		;
	return NULL;
}

static void *repeat(void *arg)
{
	void (*poke)(unsigned int nr) = (void (*)(unsigned int))arg;
	unsigned int nr = 0;

	while (!stop)
		poke(nr++);
	printf("# %u times\n", nr);
	return NULL;
}

/* After a new start no frame may be lost. */
static const char *is_well(void)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, 200),
			       stream_make(&rig, VG_RX, 200) };
	const char *why = NULL;
	unsigned int q;

	for (q = 0; q < 2; q++)
		die_if(vg_set_backend(rig.net.fd, q, -1), "detach");
	why = rig_reopen_far(&rig);
	for (q = 0; q < 2 && !why; q++) {
		die_if(vg_net_set_ring(&rig.net, q), "set ring");
		why = rig_restart(&rig, q);
	}
	return why ? why : stream_run(s, 2);
}

static void race(struct __test_metadata *_metadata,
		 void (*poke)(unsigned int nr))
{
	uint64_t deadline = vg_deadline_ms(race_ms());
	const char *why = NULL;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, repeat, (void *)poke));
	while (!why && !vg_expired(deadline)) {
		why = mess_step();
		sched_yield();
	}
	stop = true;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(NULL, why) {
		TH_LOG("%s", why);
	}
	EXPECT_FINE(is_well());
	EXPECT_EQ(1, vg_worker_count(getpid()));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	rig_close(&rig);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

static uint64_t bitmap;

/* A migration begins, and is cancelled. */
static void poke_log(unsigned int nr)
{
	struct vg_ring *r = &rig.net.ring[nr / 2 % 2];
	struct vhost_vring_addr a = {
		.index = nr / 2 % 2,
		.flags = nr % 2 ? 0 : 1 << VHOST_VRING_F_LOG,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
		.log_guest_addr = r->used_gpa,
	};

	die_if(vg_set_log_base(rig.net.fd, bitmap), "SET_LOG_BASE");
	die_if(vg_set_features(rig.net.fd, rig.net.features |
			       (nr % 2 ? 0 : LOG_ALL)), "SET_FEATURES");
	die_if(vg_set_vring_addr(rig.net.fd, &a), "SET_VRING_ADDR");
}

TEST(log_on_and_off)
{
	void *map = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	bitmap = (uintptr_t)map;
	ASSERT_FINE(set_up());
	if (!(rig.net.offered & LOG_ALL))
		SKIP(return, "no LOG_ALL offered");
	race(_metadata, poke_log);
}

/* Each of a queue's three eventfds, and none. */
static void poke_events(unsigned int nr)
{
	int (*const set[])(int fd, unsigned int q, int e) = {
		vg_set_vring_kick, vg_set_vring_call, vg_set_vring_err,
	};
	unsigned int q = nr % 2, which = nr / 2 % 3;
	int e = nr / 6 % 3 ? vg_eventfd() : -1;

	if (e >= 0)
		vg_eventfd_add(e, nr % 5);
	die_if(set[which](rig.net.fd, q, e), "set an eventfd");
	/* The last reference may be the device's. */
	if (e >= 0)
		close(e);
}

TEST(eventfds)
{
	ASSERT_FINE(set_up());
	race(_metadata, poke_events);
}

static struct vg_tap second;

static void poke_backend(unsigned int nr)
{
	const int fd[] = { second.fd, rig.tap.fd, -1 };

	die_if(vg_set_backend(rig.net.fd, nr % 2, fd[nr / 2 % 3]),
	       "SET_BACKEND");
}

TEST(backends)
{
	ASSERT_FINE(set_up());
	ASSERT_EQ(0, vg_tap_open(&second, 12, false));
	race(_metadata, poke_backend);
	close(second.fd);
}

static int old_far[MAX_FAR];

/* A new tap for both queues; its interface is deleted while they run. */
static void poke_delete(unsigned int nr)
{
	struct vg_tap tap;
	char cmd[64];
	unsigned int q;

	die_if(vg_tap_open(&tap, 12, false), "tap");
	for (q = 0; q < 2; q++)
		die_if(vg_set_backend(rig.net.fd, q, tap.fd), "SET_BACKEND");
	/* The load may still use the old socket, so none is closed. */
	if (nr < MAX_FAR) {
		old_far[nr] = vg_packet_open(tap.ifindex, true);
		if (old_far[nr] >= 0)
			far_fd = old_far[nr];
	}
	snprintf(cmd, sizeof(cmd), "ip link del %s", tap.name);
	die_if(system(cmd), cmd);
	close(tap.fd);
}

TEST(taps_deleted)
{
	ASSERT_FINE(set_up());
	race(_metadata, poke_delete);
}

static void poke_link(unsigned int nr)
{
	die_if(vg_link_set_up(rig.link, nr % 2), "link");
}

TEST(link_down_and_up)
{
	ASSERT_FINE(set_up());
	race(_metadata, poke_link);
}

/* One by one or in batches, with long and short queues, and offloads. */
static void poke_tap(unsigned int nr)
{
	static const int sndbuf[] = { INT_MAX, 1 << 16, 1 << 20 };
	static const int len[] = { 1000, 10, 100, 1 };

	die_if(vg_tap_set_sndbuf(rig.tap.fd, sndbuf[nr % 3]), "sndbuf");
	die_if(vg_link_set_txqueuelen(rig.link, len[nr % 4]), "txqueuelen");
	die_if(vg_tap_set_offload(rig.tap.fd, nr % 2), "offloads");
}

TEST(tap_settings)
{
	ASSERT_FINE(set_up());
	race(_metadata, poke_tap);
}

static void poke_module(unsigned int nr)
{
	const char *name = vg_dev_is_reference() ? "vhost_net" : "viaduct";

	if (!syscall(SYS_delete_module, name, O_NONBLOCK))
		die_if(-EBUSY, "the module went while it was in use");
	if (errno != EWOULDBLOCK)
		die_if(-errno, "delete_module");
}

TEST(module_removal)
{
	ASSERT_FINE(set_up());
	race(_metadata, poke_module);
}

VD_TEST_MAIN
