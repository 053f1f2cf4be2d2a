// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two devices of one process: debugfs, tracepoints and kernel messages must
 * identify the device.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define TRACING	"/sys/kernel/tracing/"

FIXTURE(two)
{
	struct rig rig[2];
	uint64_t id[2];
};

#define NEEDS_COUNTERS() do { \
	if (vg_dev_is_reference()) \
		SKIP(return, "the reference shows nothing"); \
} while (0)

FIXTURE_SETUP(two)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	int i;

	NEEDS_COUNTERS();
	ASSERT_EQ(0, vg_netns_enter());
	for (i = 0; i < 2; i++) {
		ASSERT_FINE(rig_open_here(&self->rig[i], RIG_TAP, &o));
		ASSERT_FINE(rig_start(&self->rig[i]));
		self->id[i] = stats_device(self->rig[i].net.fd);
	}
}

FIXTURE_TEARDOWN(two)
{
	int i;

	for (i = 0; i < 2 && !vg_dev_is_reference(); i++)
		rig_close(&self->rig[i]);
}

/* @nr frames through one of them, both ways. */
static const char *load(struct rig *r, unsigned int nr)
{
	struct stream s[2] = { stream_make(r, VG_TX, nr),
			       stream_make(r, VG_RX, nr) };

	return stream_run(s, 2);
}

TEST_F(two, are_numbered_apart)
{
	int fd, i;

	NEEDS_COUNTERS();
	for (i = 0; i < 2; i++) {
		EXPECT_LT(0, self->id[i]);
		/* The number does not change while the device is used. */
		ASSERT_FINE(load(&self->rig[i], 10));
		ASSERT_EQ(0, vg_net_stop(&self->rig[i].net));
		EXPECT_EQ(self->id[i], stats_device(self->rig[i].net.fd));
	}
	EXPECT_NE(self->id[0], self->id[1]);
	/* It is not reused after its device is closed. */
	ASSERT_EQ(0, close(self->rig[1].net.fd));
	fd = vg_dev_open(NULL);
	ASSERT_LE(0, fd);
	self->rig[1].net.fd = fd;
	EXPECT_LT(self->id[1], stats_device(fd));
}

TEST_F(two, have_their_own_lines)
{
	unsigned int q;

	NEEDS_COUNTERS();
	ASSERT_FINE(load(&self->rig[1], 100));
	for (q = 0; q < 2; q++) {
		EXPECT_EQ(100, stats_device_queue(self->id[1], q, "done"));
		EXPECT_EQ(0, stats_device_queue(self->id[0], q, "done"));
		EXPECT_EQ(getpid(),
			  stats_device_queue(self->id[0], q, "owner"));
	}
}

static bool trace_on(bool on)
{
	return !system(on ? "echo > " TRACING "trace; echo 1 > " TRACING
			    "events/viaduct/enable" :
			    "echo 0 > " TRACING "events/viaduct/enable");
}

/* Events with that name of that device. */
static unsigned int traced(uint64_t id, const char *event)
{
	char line[512], device[40];
	unsigned int nr = 0;
	FILE *f;

	snprintf(device, sizeof(device), " device=%llu ",
		 (unsigned long long)id);
	f = fopen(TRACING "trace", "r");
	while (f && fgets(line, sizeof(line), f))
		nr += strstr(line, device) && strstr(line, event);
	if (f)
		fclose(f);
	return nr;
}

/* The guest offers more chains than a split ring has. */
static void corrupt(struct vg_ring *r)
{
	r->avail->idx = htole16(r->avail_idx + r->num + 1);
	vg_ring_kick_always(r);
}

TEST_F(two, are_told_apart_in_traces)
{
	NEEDS_COUNTERS();
	if (access(TRACING "events/viaduct", F_OK))
		SKIP(return, "no tracefs");
	ASSERT_TRUE(trace_on(true));
	EXPECT_FINE(load(&self->rig[1], 100));
	corrupt(&self->rig[1].net.ring[VG_TX]);
	EXPECT_TRUE(vg_wait_fd(self->rig[1].net.err[VG_TX], POLLIN,
			       vg_deadline_ms(10000)) > 0);
	ASSERT_TRUE(trace_on(false));
	EXPECT_LT(0, traced(self->id[1], "vd_batch:"));
	EXPECT_EQ(1, traced(self->id[1], "vd_broken:"));
	EXPECT_EQ(0, traced(self->id[0], "vd_"));
}

/* Whether a new message of the kernel contains @text. */
static bool said(int kmsg, const char *text)
{
	uint64_t deadline = vg_deadline_ms(5000);
	char line[1024];
	ssize_t n;

	do {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n <= 0)
			poll(NULL, 0, 10);
		line[n > 0 ? n : 0] = 0;
		if (strstr(line, text))
			return true;
	} while (n > 0 || !vg_expired(deadline));
	return false;
}

TEST_F(two, are_told_apart_in_messages)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), i;
	char text[80];

	NEEDS_COUNTERS();
	ASSERT_LE(0, kmsg);
	for (i = 0; i < 2; i++) {
		lseek(kmsg, 0, SEEK_END);
		corrupt(&self->rig[i].net.ring[VG_TX]);
		snprintf(text, sizeof(text), "device %llu (owner %d): tx: ",
			 (unsigned long long)self->id[i], getpid());
		EXPECT_TRUE(said(kmsg, text));
	}
	close(kmsg);
}

VD_TEST_MAIN
