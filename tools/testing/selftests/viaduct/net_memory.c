// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for frames on their way to the wire: it is charged to the owner's
 * cgroup, and is freed some seconds after a burst, or at once under memory
 * pressure.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "vd_test.h"

#define GROUP		"/tmp/vd-cgroup/vd-memory"
/* A burst that the far socket holds uses more than that; noise is less. */
#define BURST_KIB	1024
#define IDLE_KIB	128
/* Seconds until a device that does nothing must have given all of it back. */
#define IDLE_S		10

static struct rig rig;

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Kernel memory that is charged to our cgroup, in KiB, or -1. */
static long charged(void)
{
	FILE *f = fopen(GROUP "/memory.stat", "re");
	unsigned long bytes = 0;
	char line[128];
	int found = 0;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "kernel %lu", &bytes) == 1;
	if (f)
		fclose(f);
	return found ? (long)(bytes >> 10) : -1;
}

static const char *enter_cgroup(void)
{
	mkdir("/tmp/vd-cgroup", 0700);
	if (access("/tmp/vd-cgroup/cgroup.procs", F_OK) &&
	    mount("none", "/tmp/vd-cgroup", "cgroup2", 0, NULL))
		return "cannot mount the cgroup file system";
	if (write_text("/tmp/vd-cgroup/cgroup.subtree_control", "+memory"))
		return "no memory controller";
	mkdir(GROUP, 0700);
	return write_text(GROUP "/cgroup.procs", "0") ? "no cgroup" : NULL;
}

static void leave_cgroup(void)
{
	write_text("/tmp/vd-cgroup/cgroup.procs", "0");
	rmdir(GROUP);
}

/* A burst of frames of @len, which the far socket holds until all are sent. */
static const char *burst(size_t len, unsigned int nr)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		vg_frame_build(frame, len, i, 1, len > VG_FRAME_MTU, &hdr);
		while (vg_net_xmit(&rig.net, &hdr, frame, len,
				   &vg_layout_plain)) {
			vg_ring_kick(&rig.net.ring[VG_TX]);
			if (vg_net_drain(&rig.net, vg_deadline_ms(20000)))
				return "the device keeps its chains";
		}
	}
	vg_ring_kick(&rig.net.ring[VG_TX]);
	if (vg_net_drain(&rig.net, vg_deadline_ms(20000)))
		return "the device keeps its chains";
	while (rig_far_recv(&rig, frame, sizeof(frame), &hdr,
			    vg_deadline_ms(200)) > 0)
		;
	return NULL;
}

static const char *bursts(void)
{
	return burst(1400, 1000) ?: burst(60000, 100);
}

FIXTURE(memory)
{
	long before, after;
};

FIXTURE_SETUP(memory)
{
	struct vg_net_opts opts = {
		.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
		.nr_tx = 64, .tx_size = VG_FRAME_MAX + 16,
	};
	const char *why = enter_cgroup();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	ASSERT_FINE(rig_start(&rig));
	/* What the test itself needs, once. */
	ASSERT_FINE(burst(60, 10));
	self->before = charged();
	ASSERT_LE(0, self->before);
	ASSERT_FINE(bursts());
	self->after = charged();
}

FIXTURE_TEARDOWN(memory)
{
	rig_close(&rig);
	leave_cgroup();
}

TEST_F(memory, is_charged_to_the_owner)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference charges to nothing");
	EXPECT_LE(BURST_KIB, self->after - self->before) {
		TH_LOG("%ld KiB before, %ld after", self->before, self->after);
	}
}

TEST_F(memory, goes_back_when_the_device_is_idle)
{
	uint64_t end = vg_deadline_ms(IDLE_S * 1000);
	long now = self->after;

	while (now - self->before > IDLE_KIB && vg_now_ns() < end) {
		usleep(250000);
		now = charged();
	}
	EXPECT_GE(IDLE_KIB, now - self->before) {
		TH_LOG("%ld KiB before, %ld after, %ld in the end",
		       self->before, self->after, now);
	}
	/* And is allocated again for the next burst. */
	EXPECT_FINE(bursts());
}

/* A device that is busy with a few small frames needs no more than a few pages. */
TEST_F(memory, goes_back_while_the_device_is_busy)
{
	uint64_t end = vg_deadline_ms(IDLE_S * 1000);
	long now = self->after;

	while (now - self->before > BURST_KIB / 2 && vg_now_ns() < end) {
		ASSERT_FINE(burst(60, 10));
		now = charged();
	}
	EXPECT_GE(BURST_KIB / 2, now - self->before) {
		TH_LOG("%ld KiB before, %ld after, %ld in the end",
		       self->before, self->after, now);
	}
}

TEST_F(memory, goes_back_under_pressure)
{
	long now;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has no shrinker");
	ASSERT_EQ(0, write_text("/proc/sys/vm/drop_caches", "2"));
	now = charged();
	EXPECT_GE(IDLE_KIB, now - self->before) {
		TH_LOG("%ld KiB before, %ld after, %ld in the end",
		       self->before, self->after, now);
	}
	EXPECT_FINE(bursts());
}

VD_TEST_MAIN
