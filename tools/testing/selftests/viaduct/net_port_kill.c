// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program with a port of libviaduct that is killed and started again, on a
 * persistent interface: packets may be lost then, but none is altered, doubled or
 * late.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "../../../lib/vguest/worker.h"
#include "port_fixture.h"
#include "vd_test.h"

#define KILLS		20

/* A process that moves packets both ways until it is killed. */
static pid_t start_mover(struct port_stream *s, const struct viaduct_port_opts *o)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	s->rig->port = viaduct_port_open(o);
	if (!s->rig->port)
		_exit(1);
	/* Packets in flight when the last one was killed may be lost. */
	s[0].got = s[0].sent;
	s[1].got = s[1].sent;
	for (;;) {
		int tx = port_stream_step(&s[0]), rx = port_stream_step(&s[1]);

		if (tx < 0 || rx < 0)
			_exit(2);
		if (!tx && !rx)
			sched_yield();
	}
}

static void check_kills(struct __test_metadata *_metadata,
			struct viaduct_port_opts *o, struct vg_tap *tap)
{
	struct port_rig *rig = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct port_stream *s = (void *)(rig + 1);
	uint64_t deadline, goal[2];
	int i, status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)rig);
	ASSERT_EQ(0, ioctl(tap->fd, TUNSETPERSIST, 1));
	vg_tap_close(tap);
	o->name = tap->name;
	o->ctx = rig;
	*rig = (struct port_rig){ .is_tun = o->flags & VIADUCT_PORT_TUN };
	rig->far = vg_packet_open(if_nametoindex(tap->name), true);
	ASSERT_LE(0, rig->far);
	for (i = 0; i < 2; i++)
		s[i] = (struct port_stream){ .rig = rig, .is_tx = !i,
					     .count = UINT64_MAX, .may_lose = true };
	for (i = 0; i <= KILLS; i++) {
		goal[0] = s[0].sent + 200 + 37 * i;
		goal[1] = s[1].sent + 200 + 37 * i;
		pid = start_mover(s, o);
		deadline = vg_deadline_ms(20000);
		while ((*(volatile uint64_t *)&s[0].got < goal[0] ||
			*(volatile uint64_t *)&s[1].got < goal[1]) &&
		       !waitpid(pid, &status, WNOHANG) && !vg_expired(deadline))
			usleep(500);
		EXPECT_EQ(0, kill(pid, SIGKILL)) {
			TH_LOG("round %d: %s %s", i, rig->message, rig->why);
		}
		waitpid(pid, &status, 0);
		ASSERT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("round %d: status %#x: %s %s", i, status,
			       rig->message, rig->why);
		}
		ASSERT_LE(goal[0], s[0].got);
		ASSERT_LE(goal[1], s[1].got);
		EXPECT_EQ(0, vg_worker_settle(pid, 0));
	}
	close(rig->far);
}

TEST_F_TIMEOUT(port, killed_and_restarted, 300)
{
	struct vg_tap tap;

	ASSERT_EQ(0, vg_tap_open(&tap, 12, false));
	check_kills(_metadata, &self->o, &tap);
}

TEST_F_TIMEOUT(port, killed_and_restarted_four, 300)
{
	struct vg_tap tap;

	self->o.queues = 4;
	ASSERT_EQ(0, vg_tap_open(&tap, 12, true));
	check_kills(_metadata, &self->o, &tap);
}

TEST_F_TIMEOUT(port, killed_and_restarted_tun, 300)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	struct vg_tap tap = { .fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC) };

	ASSERT_EQ(0, ioctl(tap.fd, TUNSETIFF, &ifr));
	memcpy(tap.name, ifr.ifr_name, sizeof(tap.name));
	ASSERT_EQ(0, vg_link_set_up(tap.name, true));
	self->o.flags = VIADUCT_PORT_TUN;
	check_kills(_metadata, &self->o, &tap);
}

VD_TEST_MAIN
