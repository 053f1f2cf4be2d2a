// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every step of the set-up with its first, second, third ... allocation or
 * user copy failing, until it succeeds: after each failure the state is as
 * before the call. The host VM scans for leaks if its kernel supports that.
 * Needs a kernel with fault injection (scripts/debug-kernel).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../lib/vguest/worker.h"
#include "inject.h"
#include "rig.h"
#include "vd_test.h"

/* No call here has more operations that can fail. */
#define MAX_FAULTS	2000

static int nth_fd = -1;
static struct rig rig;

/* Why faults cannot be injected here, or NULL. */
static const char *prepare(void)
{
	const char *why = NULL;

	nth_fd = inject_open(gettid(), &why);
	return why;
}

/*
 * A step: @call may fail by an injected fault; then @intact returns what has
 * changed nevertheless, or NULL. @undo reverts a call that succeeded in spite of a
 * fault (some failures have a fallback).
 */
struct step {
	int (*call)(void);
	const char *(*intact)(void);
	void (*undo)(void);
};

/* Leaves the step done. NULL or what went wrong; counts the faults. */
static const char *sweep(const struct step *step, unsigned int *nr_faults)
{
	static char why[160];
	const char *changed;
	unsigned int nth;
	bool struck;
	int ret;

	for (nth = 1; nth < MAX_FAULTS; nth++) {
		inject_arm(nth_fd, nth);
		ret = step->call();
		struck = inject_disarm(nth_fd);
		if (!struck) {
			if (!ret)
				return NULL;
			snprintf(why, sizeof(why), "%d without a fault", ret);
			return why;
		}
		(*nr_faults)++;
		if (!ret) {
			step->undo();
			continue;
		}
		changed = step->intact();
		if (changed) {
			snprintf(why, sizeof(why), "fault %u, errno %d: %s",
				 nth, -ret, changed);
			return why;
		}
	}
	return "faults without end";
}

static const char *nothing(void)
{
	return NULL;
}

static void keep(void)
{
}

/* --- open and owner --- */

static int fresh = -1;

static int call_open(void)
{
	fresh = vg_dev_open(NULL);
	return fresh < 0 ? fresh : 0;
}

static void undo_open(void)
{
	close(fresh);
}

static int call_set_owner(void)
{
	return vg_set_owner(fresh);
}

static const char *intact_unowned(void)
{
	if (vg_set_vring_num(fresh, 0, 256) != -EPERM)
		return "there is an owner";
	if (vg_worker_settle(gettid(), 0))
		return "there is a worker";
	return NULL;
}

static void undo_set_owner(void)
{
	vg_reset_owner(fresh);
}

static int call_reset_owner(void)
{
	return vg_reset_owner(fresh);
}

static const char *intact_owned(void)
{
	if (vg_set_vring_num(fresh, 0, 256))
		return "there is no owner";
	return vg_worker_count(gettid()) == 1 ? NULL : "there is no worker";
}

static void undo_reset_owner(void)
{
	vg_set_owner(fresh);
}

/* --- a device with traffic --- */

static const char *moves(unsigned int nr)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, nr),
			       stream_make(&rig, VG_RX, nr) };

	return stream_run(s, 2);
}

/* Frames still cross both ways. */
static const char *intact_traffic(void)
{
	return moves(3);
}

static struct vhost_memory *table;

static int call_mem_table(void)
{
	return vg_set_mem_table(rig.net.fd, table);
}

static int call_features(void)
{
	return vg_set_features(rig.net.fd, rig.net.features);
}

static int call_events(void)
{
	struct vg_net *n = &rig.net;
	unsigned int q;
	int ret = 0;

	for (q = 0; q < 2 && !ret; q++) {
		ret = vg_set_vring_kick(n->fd, q, n->kick[q]);
		if (!ret)
			ret = vg_set_vring_call(n->fd, q, n->call[q]);
		if (!ret)
			ret = vg_set_vring_err(n->fd, q, n->err[q]);
	}
	return ret;
}

static int call_base(void)
{
	unsigned int base;

	return vg_get_vring_base(rig.net.fd, VG_TX, &base);
}

static int call_attach(void)
{
	int ret = vg_set_backend(rig.net.fd, VG_RX, rig.backend);

	if (!ret)
		ret = vg_set_backend(rig.net.fd, VG_TX, rig.backend);
	return ret;
}

/* Detached rings can be resized, running ones cannot. */
static const char *intact_attach(void)
{
	unsigned int q;

	for (q = 0; q < 2; q++) {
		int ret = vg_set_vring_num(rig.net.fd, q, rig.net.ring[q].num);

		/* The first of the two calls may have succeeded. */
		if (ret == -EBUSY && q == VG_RX)
			ret = vg_set_backend(rig.net.fd, q, -1);
		if (ret)
			return "a queue runs";
	}
	return NULL;
}

static void undo_attach(void)
{
	vg_set_backend(rig.net.fd, VG_RX, -1);
	vg_set_backend(rig.net.fd, VG_TX, -1);
}

static const char *set_up(void)
{
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1), .seed = 3,
	};

	return rig_open(&rig, RIG_TAP, &o);
}

#define NEEDS_FAULTS() do { \
	const char *_why = prepare(); \
	if (_why) \
		SKIP(return, "%s", _why); \
} while (0)

#define SWEEP(...) do { \
	const struct step _step = { __VA_ARGS__ }; \
	ASSERT_FINE(sweep(&_step, &nr_faults)); \
} while (0)

TEST(owner)
{
	unsigned int nr_faults = 0;

	NEEDS_FAULTS();
	SWEEP(call_open, nothing, undo_open);
	SWEEP(call_set_owner, intact_unowned, undo_set_owner);
	SWEEP(call_reset_owner, intact_owned, undo_reset_owner);
	EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
	EXPECT_LT(5, nr_faults);
	close(fresh);
}

TEST(attach)
{
	unsigned int nr_faults = 0;

	NEEDS_FAULTS();
	ASSERT_FINE(set_up());
	SWEEP(call_attach, intact_attach, undo_attach);
	rig.net.running[0] = true;
	rig.net.running[1] = true;
	EXPECT_LT(4, nr_faults);
	EXPECT_FINE(moves(100));
	rig_close(&rig);
}

TEST(running)
{
	unsigned int nr_faults = 0;

	NEEDS_FAULTS();
	ASSERT_FINE(set_up());
	table = vg_mem_table(&rig.net.mem);
	ASSERT_NE(NULL, table);
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(moves(10));
	SWEEP(call_mem_table, intact_traffic, keep);
	SWEEP(call_features, intact_traffic, keep);
	SWEEP(call_events, intact_traffic, keep);
	SWEEP(call_base, intact_traffic, keep);
	EXPECT_LT(5, nr_faults);
	EXPECT_FINE(moves(100));
	free(table);
	rig_close(&rig);
}

VD_TEST_MAIN
