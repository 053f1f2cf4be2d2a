// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that a tunnel encapsulates have room for its headers: the worker, which
 * runs the stack up to the last device, does not reallocate them. A probe at
 * pskb_expand_head() counts in the worker's context.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../lib/vguest/tunnel.h"
#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

#define FRAMES		200
/* Permitted reallocations: those of the first packets of a neighbour entry. */
#define OTHERS		3
/* The longest frame that goes to the tap as one linear piece. */
#define LONGEST_LINEAR	65279

static const char pmu[] = "/sys/bus/event_source/devices/kprobe/type";

static struct rig rig;

static int open_counter(pid_t tid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.kprobe_func = (unsigned long)"pskb_expand_head",
	};
	FILE *f = fopen(pmu, "re");
	int found = f && fscanf(f, "%u", &attr.type) == 1;

	if (f)
		fclose(f);
	return found ? syscall(SYS_perf_event_open, &attr, tid, -1, -1,
			       PERF_FLAG_FD_CLOEXEC) : -1;
}

static long read_counter(int fd)
{
	uint64_t nr;

	return read(fd, &nr, sizeof(nr)) == sizeof(nr) ? (long)nr : -1;
}

static const char *transmit(size_t len, unsigned int nr)
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
	return vg_net_drain(&rig.net, vg_deadline_ms(20000)) ?
	       "the device keeps its chains" : NULL;
}

static unsigned long packets_out(void)
{
	unsigned long nr = 0;
	char line[256];
	FILE *f = fopen("/proc/net/dev", "re");

	/* Sent packets are the tenth number. */
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " " VG_UNDERLAY ": %*u %*u %*u %*u %*u %*u %*u %*u %*u %lu",
			   &nr) == 1)
			break;
	if (f)
		fclose(f);
	return nr;
}

/* Reallocations for FRAMES frames of @len, or -1, with the reason in @rig. */
static long reallocations(size_t len)
{
	int fd = open_counter(vg_worker_find(getpid()));
	unsigned long before = packets_out();
	const char *why;
	long nr;

	if (fd < 0) {
		rig_fail(&rig, "no probe: %s", strerror(errno));
		return -1;
	}
	why = transmit(len, FRAMES);
	nr = read_counter(fd);
	close(fd);
	if (!why && packets_out() - before < FRAMES)
		why = "frames do not pass the tunnel";
	if (!why)
		return nr;
	rig_fail(&rig, "%s", why);
	return -1;
}

static const struct vg_net_opts opts = {
	.features = VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX),
	.nr_tx = 64, .tx_size = VG_FRAME_MAX + 16,
};

static const size_t lengths[] = {
	60, 64, 128, 512, 1400, 1514,		/* as they are */
	1515, 3400, 3600, 4096, 9000, 30000,	/* GSO */
	60000, 65226, LONGEST_LINEAR,
};

/* No frame of up to @most bytes is reallocated. */
static void check_lengths(struct __test_metadata *_metadata, size_t most)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths) && lengths[i] <= most; i++) {
		long nr = reallocations(lengths[i]);

		ASSERT_LE(0, nr) { TH_LOG("%s", rig.why); }
		EXPECT_GE(OTHERS, nr) {
			TH_LOG("%ld reallocations for %d frames of %zu bytes",
			       nr, FRAMES, lengths[i]);
		}
	}
}

FIXTURE(room)
{
};

FIXTURE_SETUP(room)
{
	if (access(pmu, R_OK))
		SKIP(return, "the kernel has no probes: %s", pmu);
	ASSERT_FINE(rig_open(&rig, RIG_TAP, &opts));
	/* A socket on the tap's interface would share all frames. */
	close(rig.far);
	rig.far = -1;
	ASSERT_EQ(0, vg_tunnel_create());
}

FIXTURE_TEARDOWN(room)
{
	rig_close(&rig);
}

TEST_F(room, for_a_tunnel_on_a_bridge)
{
	ASSERT_EQ(0, vg_tunnel_bridge(rig.tap.name));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	check_lengths(_metadata, LONGEST_LINEAR);
}

/* There is no bridge to set the tap's headroom to what the tunnel needs. */
TEST_F(room, for_a_tunnel_by_redirect)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		 "tc qdisc add dev %s clsact && tc filter add dev %s ingress matchall action mirred egress redirect dev "
		 VG_TUNNEL, rig.tap.name, rig.tap.name);
	ASSERT_EQ(0, system(cmd));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	check_lengths(_metadata, 1400);
}

/* Frames through the tap's sendmsg(), which respects the bridge's headroom. */
TEST_F(room, before_the_longest_frames)
{
	long nr;

	ASSERT_EQ(0, vg_tunnel_bridge(rig.tap.name));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	nr = reallocations(VG_FRAME_MAX);
	ASSERT_LE(0, nr) { TH_LOG("%s", rig.why); }
	EXPECT_GE(OTHERS, nr);
}

/* The inner tunnel's port requires more than any frame has by default. */
TEST_F(room, for_a_tunnel_in_a_tunnel)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference has a fixed room");
	ASSERT_EQ(0, vg_tunnel_nest());
	ASSERT_EQ(0, vg_tunnel_bridge(rig.tap.name));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	check_lengths(_metadata, LONGEST_LINEAR);
}

/* The bridge is created, with its requirement, while the device runs. */
TEST_F(room, is_made_while_the_queue_runs)
{
	long nr;

	if (vg_dev_is_reference())
		SKIP(return, "the reference has a fixed room");
	ASSERT_EQ(0, vg_tunnel_nest());
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	ASSERT_EQ(0, vg_tunnel_bridge(rig.tap.name));
	/* After a jiffy the device reads the headroom again. */
	usleep(20000);
	ASSERT_FINE(transmit(60, 10));
	nr = reallocations(1400);
	ASSERT_LE(0, nr) { TH_LOG("%s", rig.why); }
	EXPECT_GE(OTHERS, nr);
}

TEST_F(room, behind_a_macvtap)
{
	close(rig.backend);
	rig.tap.fd = -1;
	ASSERT_EQ(0, system("ip link add link " VG_TUNNEL
			    " name vdm type macvtap mode passthru"));
	ASSERT_EQ(0, vg_link_set_up("vdm", true));
	rig.backend = vg_macvtap_open("vdm", rig.net.hdr_len);
	ASSERT_LE(0, rig.backend);
	/* As QEMU does; with a finite send buffer frames are not sent in batches. */
	ASSERT_EQ(0, vg_tap_set_sndbuf(rig.backend, INT_MAX));
	ASSERT_FINE(rig_start(&rig));
	ASSERT_FINE(transmit(60, 10));
	/* A macvtap's own sendmsg() leaves no room at all. */
	check_lengths(_metadata, vg_dev_is_reference() ? 3400 : LONGEST_LINEAR);
}

VD_TEST_MAIN
