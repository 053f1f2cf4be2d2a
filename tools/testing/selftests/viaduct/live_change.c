// SPDX-License-Identifier: GPL-2.0-only
/* Changes that a client may make while frames flow, without losing one. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "rig.h"
#include "vd_test.h"

static struct rig rig;

static const char *set_up(void)
{
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
			    VG_BIT(VG_F_EVENT_IDX), .seed = 11,
	};
	const char *why = rig_open(&rig, RIG_TAP, &o);

	return why ? why : rig_start(&rig);
}

/* Runs both streams to their end, calling @change every few steps. */
static const char *run_with(void (*change)(unsigned int nr), uint64_t count)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, count),
			       stream_make(&rig, VG_RX, count) };
	uint64_t deadline = vg_deadline_ms(60000);
	unsigned int nr = 0;
	int i;

	while (s[0].got < count / 2 || s[1].got < count / 2) {
		for (i = 0; i < 2; i++)
			if (stream_step(&s[i]) < 0)
				return rig.why;
		change(nr++);
		if (vg_expired(deadline))
			return "nothing moves";
		sched_yield();
	}
	return stream_run(s, 2);
}

static void die_if(int ret, const char *what)
{
	if (!ret)
		return;
	printf("# %s: %s\n", what, strerror(-ret));
	abort();
}

/* The same memory, each region cut into up to seven. */
static void change_table(unsigned int nr)
{
	struct vhost_memory *t = vg_mem_table(&rig.net.mem), *cut;
	unsigned int parts = 1 + nr % 7, i, j;

	cut = calloc(1, sizeof(*cut) +
		     parts * t->nregions * sizeof(cut->regions[0]));
	for (i = 0; i < t->nregions; i++) {
		struct vhost_memory_region r = t->regions[i];
		uint64_t part = r.memory_size / parts / 4096 * 4096 + 64;

		for (j = 0; j < parts; j++) {
			struct vhost_memory_region c = r;

			c.guest_phys_addr += j * part;
			c.userspace_addr += j * part;
			c.memory_size = j + 1 < parts ? part :
					r.memory_size - j * part;
			cut->regions[cut->nregions++] = c;
		}
	}
	die_if(vg_set_mem_table(rig.net.fd, cut), "SET_MEM_TABLE");
	free(cut);
	free(t);
}

TEST(mem_table)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_table, 4000));
}

static void change_call(unsigned int nr)
{
	unsigned int q = nr % 2;
	int e = vg_eventfd();

	die_if(vg_set_vring_call(rig.net.fd, q, e), "SET_VRING_CALL");
	close(rig.net.call[q]);
	rig.net.call[q] = e;
	rig.net.ring[q].call_fd = e;
}

TEST(call_eventfd)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_call, 4000));
}

static void change_kick(unsigned int nr)
{
	unsigned int q = nr % 2;
	int e = vg_eventfd();

	/* A kick of the old eventfd that was not handled yet must not be lost. */
	die_if(vg_set_vring_kick(rig.net.fd, q, e), "SET_VRING_KICK");
	close(rig.net.kick[q]);
	rig.net.kick[q] = e;
	rig.net.ring[q].kick_fd = e;
}

TEST(kick_eventfd)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_kick, 4000));
}

static void change_addr(unsigned int nr)
{
	struct vg_ring *r = &rig.net.ring[nr % 2];
	struct vhost_vring_addr a = {
		.index = nr % 2,
		.flags = 0,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
	};

	die_if(vg_set_vring_addr(rig.net.fd, &a), "SET_VRING_ADDR");
}

TEST(ring_addresses)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_addr, 4000));
}

static void change_features(unsigned int nr)
{
	uint64_t f = rig.net.features;

	if (nr % 2)
		f |= VG_BIT(VG_F_NOTIFY_ON_EMPTY);
	die_if(vg_set_features(rig.net.fd, f), "SET_FEATURES");
}

TEST(features)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_features, 4000));
}

static void change_stop(unsigned int nr)
{
	unsigned int q = nr % 2, base;

	if (nr % 5)
		return;
	die_if(vg_set_backend(rig.net.fd, q, -1), "detach");
	die_if(vg_get_vring_base(rig.net.fd, q, &base), "GET_VRING_BASE");
	die_if(vg_set_vring_base(rig.net.fd, q, base), "SET_VRING_BASE");
	die_if(vg_set_backend(rig.net.fd, q, rig.backend), "attach");
}

/* As live migration, or a reset of one queue, does it. */
TEST(stop_and_go)
{
	ASSERT_FINE(set_up());
	EXPECT_FINE(run_with(change_stop, 4000));
}

/* After a detach the device accesses nothing, and all that it wrote is visible. */
TEST(detach_quiesces)
{
	struct stream s[2];
	uint16_t used[2];
	unsigned int base, q, i, round;

	ASSERT_FINE(set_up());
	s[0] = stream_make(&rig, VG_TX, UINT64_MAX);
	s[1] = stream_make(&rig, VG_RX, UINT64_MAX);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 40; i++) {
			ASSERT_LE(0, stream_step(&s[0]));
			ASSERT_LE(0, stream_step(&s[1]));
			sched_yield();
		}
		ASSERT_EQ(0, vg_net_stop(&rig.net));
		for (q = 0; q < 2; q++) {
			used[q] = rig.net.ring[q].used->idx;
			ASSERT_EQ(0, vg_get_vring_base(rig.net.fd, q, &base));
			EXPECT_EQ(rig.net.ring[q].packed ? base >> 16 : used[q],
				  base & 0xffff);
			vg_ring_kick_always(&rig.net.ring[q]);
		}
		ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
		EXPECT_EQ(used[0], rig.net.ring[0].used->idx);
		EXPECT_EQ(used[1], rig.net.ring[1].used->idx);
		ASSERT_FINE(rig_start(&rig));
	}
	for (i = 0; i < 2; i++)
		s[i].count = s[i].sent;
	EXPECT_FINE(stream_run(s, 2));
}

/* Two taps take turns; frames keep their order, and none is lost. */
TEST(swap_transmit)
{
	struct stream s;
	struct vg_tap tap;
	int fd[2], far[2], now = 0;

	ASSERT_FINE(set_up());
	ASSERT_EQ(0, vg_tap_open(&tap, 12, false));
	fd[0] = rig.tap.fd;
	fd[1] = tap.fd;
	far[0] = rig.far;
	far[1] = vg_packet_open(tap.ifindex, true);
	ASSERT_LE(0, far[1]);
	s = stream_make(&rig, VG_TX, 3000);
	while (s.sent < s.count) {
		ASSERT_LE(0, stream_step(&s));
		ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, fd[!now]));
		/* The old tap's frames have all arrived: take them. */
		s.window = 0;
		while (s.got < s.sent && stream_step(&s) > 0)
			;
		s.window = 128;
		now = !now;
		rig.far = far[now];
	}
	EXPECT_FINE(stream_run(&s, 1));
}

/* What the device had taken from the old tap goes back into it. */
TEST(swap_receive_gives_back)
{
	struct vg_tap tap;
	struct stream s;

	ASSERT_FINE(set_up());
	ASSERT_EQ(0, vg_tap_open(&tap, 12, false));
	s = stream_make(&rig, VG_RX, 100);
	/* Without buffers in the ring the device holds some of them. */
	while (s.sent < 100) {
		struct virtio_net_hdr hdr;
		uint8_t frame[2048];
		size_t len = stream_frame(&rig, VG_RX, s.sent++, frame, &hdr);

		ASSERT_FINE(rig_far_send(&rig, frame, len, &hdr));
	}
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, tap.fd));
	ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
	ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, rig.tap.fd));
	EXPECT_FINE(stream_run(&s, 1));
}

static volatile bool stop_racing;

/* Calls that a client may make at any time, from a thread of its own. */
static void *racer(void *arg)
{
	unsigned int nr = 0, base;
	int fd = rig.net.fd;
	uint64_t f;

	while (!stop_racing) {
		change_table(nr);
		change_features(nr);
		vg_get_features(fd, &f);
		vg_get_vring_base(fd, nr % 2, &base);
		vg_set_vring_err(fd, nr % 2, rig.net.err[nr % 2]);
		vg_set_vring_num(fd, nr % 2, 256);
		vg_set_backend(fd, nr % 2, rig.backend);
		vg_set_backend(fd, nr % 2, 9999);
		nr++;
	}
	return NULL;
}

TEST(two_threads)
{
	struct stream s[2];
	pthread_t t[2];
	int i;

	ASSERT_FINE(set_up());
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, racer, NULL));
	s[0] = stream_make(&rig, VG_TX, 2000);
	s[1] = stream_make(&rig, VG_RX, 2000);
	EXPECT_FINE(stream_run(s, 2));
	stop_racing = true;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
}

VD_TEST_MAIN
