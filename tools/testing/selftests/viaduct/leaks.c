// SPDX-License-Identifier: GPL-2.0-only
/* Leaks on error paths that vhost drivers have had. */
#define _GNU_SOURCE
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define PAIRS		60	/* a good frame and a bad one */
#define ROUNDS		200
#define LOST_KIB	4096	/* of some 20 MiB, if each bad one leaked */

static struct rig rig;

FIXTURE(batch)
{
	int unused;
};

enum bad { SHORT, HEADER, UNREADABLE };

FIXTURE_VARIANT(batch)
{
	enum bad bad;
};

FIXTURE_VARIANT_ADD(batch, short_frame) { .bad = SHORT };
FIXTURE_VARIANT_ADD(batch, bad_header) { .bad = HEADER };
FIXTURE_VARIANT_ADD(batch, unreadable) { .bad = UNREADABLE };

FIXTURE_SETUP(batch)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
}

FIXTURE_TEARDOWN(batch)
{
	rig_close(&rig);
}

/* Memory that is in the table, but not mapped in the process. */
static const char *add_unreadable(uint64_t gpa)
{
	struct vhost_memory *t = vg_mem_table(&rig.net.mem), *more;
	int ret;

	more = realloc(t, sizeof(*t) + (t->nregions + 1) *
		       sizeof(t->regions[0]));
	if (!more)
		abort();
	more->regions[more->nregions++] = (struct vhost_memory_region){
		.guest_phys_addr = gpa, .memory_size = 4096,
		/* Nothing is ever mapped in the first page. */
		.userspace_addr = 0,
	};
	ret = vg_set_mem_table(rig.net.fd, more);
	free(more);
	return ret ? rig_fail(&rig, "SET_MEM_TABLE: %s", strerror(-ret)) : NULL;
}

#define NOWHERE	(1ULL << 50)

static int xmit_bad(enum bad bad)
{
	struct virtio_net_hdr hdr = { 0 };
	static const uint8_t frame[1500];
	static struct vg_seg seg[2] = {
		{ .len = 12 }, { .gpa = NOWHERE, .len = 1500 },
	};
	struct vg_buf *b;

	switch (bad) {
	case SHORT:
		return vg_net_xmit(&rig.net, &hdr, frame, 13, &vg_layout_plain);
	case HEADER:
		hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr.csum_start = 0xfff0;
		return vg_net_xmit(&rig.net, &hdr, frame, sizeof(frame),
				   &vg_layout_plain);
	case UNREADABLE:
		b = vg_buf_get(&rig.net.pool[VG_TX]);
		seg[0].gpa = b->gpa;
		return vg_ring_add(&rig.net.ring[VG_TX], seg, 2, 2, b);
	}
	return -EINVAL;
}

/* Sends good and bad frames in one batch, and receives the good ones. */
static const char *mixed_batch(enum bad bad)
{
	const struct virtio_net_hdr hdr = { 0 };
	static uint8_t frame[2048];
	int i, ret;

	for (i = 0; i < PAIRS; i++) {
		if (vg_net_xmit(&rig.net, &hdr, frame, 1000, &vg_layout_plain) ||
		    xmit_bad(bad))
			return "no room in the ring";
	}
	vg_ring_publish(&rig.net.ring[VG_TX]);
	vg_ring_kick(&rig.net.ring[VG_TX]);
	ret = vg_net_drain(&rig.net, vg_deadline_ms(10000));
	if (ret)
		return rig_fail(&rig, "drain: %s", strerror(-ret));
	for (i = 0; i < PAIRS; i++)
		if (rig_far_recv(&rig, frame, sizeof(frame), NULL,
				 vg_deadline_ms(10000)) != 1000)
			return "a good frame did not arrive";
	return NULL;
}

/*
 * The memory that @nr calls of @batch cost: a leak costs some in each round, a
 * cache only in the first one or two.
 */
static long least_lost(const char *(*batch)(enum bad bad), enum bad bad, int nr)
{
	long available, lost = LONG_MAX;
	int round, i;

	for (round = 0; round < 4 && lost >= LOST_KIB; round++) {
		available = stats_memory_settled();
		for (i = 0; i < nr; i++) {
			const char *why = batch(bad);

			if (why) {
				printf("# %s\n", why);
				abort();
			}
		}
		lost = available - stats_memory_settled();
		printf("# %ld KiB more in use than before\n", lost);
	}
	return lost;
}

TEST_F(batch, error_exits_leak_no_page)
{
	if (vg_dev_is_reference() && variant->bad != SHORT)
		SKIP(return, "the reference tries such a frame again without end");
	ASSERT_FINE(add_unreadable(NOWHERE));
	EXPECT_GT(LOST_KIB, least_lost(mixed_batch, variant->bad, ROUNDS));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));
}

/* A batch for a tap with an interface that has just been deleted. */
static const char *deleted_batch(enum bad unused)
{
	const struct virtio_net_hdr hdr = { 0 };
	static uint8_t frame[1500];
	struct vg_tap tap;
	char cmd[64];
	int i;

	if (vg_tap_open(&tap, 12, false) ||
	    vg_set_backend(rig.net.fd, VG_TX, tap.fd))
		return "cannot attach another tap";
	snprintf(cmd, sizeof(cmd), "ip link del %s", tap.name);
	if (system(cmd))
		return "cannot delete the tap";
	for (i = 0; i < 200; i++)
		if (vg_net_xmit(&rig.net, &hdr, frame, sizeof(frame),
				&vg_layout_plain))
			return "no room in the ring";
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	if (vg_set_log_fd(rig.net.fd, -1) ||
	    vg_set_backend(rig.net.fd, VG_TX, -1))
		return "cannot detach";
	vg_tap_close(&tap);
	/* The reference does not return these chains. */
	return rig_restart(&rig, VG_TX);
}

TEST(deleted_tap_leaks_no_page)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct stream s;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	/* 40 times 200 frames are 12 MiB. */
	EXPECT_GT(LOST_KIB, least_lost(deleted_batch, SHORT, 40));
	s = stream_make(&rig, VG_TX, 50);
	EXPECT_FINE(stream_run(&s, 1));
	rig_close(&rig);
}

/* A SET_OWNER that fails because there is an owner must not start a worker. */
TEST(second_owner_leaks_no_worker)
{
	int fd = vg_dev_open(NULL), i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vg_set_owner(fd));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(-EBUSY, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_count(getpid()));
	close(fd);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

/*
 * A SET_OWNER under a limit that leaves no room for another thread may succeed if
 * the worker is a kernel thread. If it fails, nothing may be left of it, and it
 * must succeed once there is room.
 */
TEST(limited_owner_leaks_no_worker)
{
	struct rlimit none = { 0, RLIM_INFINITY };
	struct rlimit plenty = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = vg_dev_open(NULL), i, ret;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &none));
	/* CAP_SYS_RESOURCE overrides the limit. */
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	for (i = 0; i < 50; i++) {
		ret = vg_set_owner(fd);
		if (!ret)
			break;
		ASSERT_TRUE(ret == -ENOMEM || ret == -EAGAIN);
		ASSERT_EQ(0, vg_worker_settle(getpid(), 0));
		ASSERT_EQ(-EPERM, vg_set_vring_num(fd, 0, 256));
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &plenty));
	if (ret)
		EXPECT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_count(getpid()));
	close(fd);
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

VD_TEST_MAIN
