// SPDX-License-Identifier: GPL-2.0-only
/* The end of a device, or of its owner, under load. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "../../../lib/vguest/worker.h"
#include "rig.h"
#include "vd_test.h"

static struct rig rig;

static struct vg_net_opts options(void)
{
	return (struct vg_net_opts){
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
			    VG_BIT(VG_F_EVENT_IDX), .seed = 5,
	};
}

static const char *set_up(void)
{
	struct vg_net_opts o = options();
	const char *why = rig_open(&rig, RIG_TAP, &o);

	return why ? why : rig_start(&rig);
}

/* Frames are in flight both ways when the descriptor is closed. */
TEST(close_under_load)
{
	struct stream s[2];
	int i;

	for (i = 0; i < 30; i++) {
		ASSERT_FINE(set_up());
		stream_endless(s, &rig);
		ASSERT_FINE(stream_load(s, 100 + i));
		ASSERT_EQ(1, vg_worker_count(gettid()));
		ASSERT_EQ(0, close(rig.net.fd));
		rig.net.fd = -1;
		EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
		rig_close(&rig);
	}
}

TEST(reset_owner_under_load)
{
	struct vhost_memory *table;
	struct stream s[2];
	unsigned int i, q;

	ASSERT_FINE(set_up());
	table = vg_mem_table(&rig.net.mem);
	for (i = 0; i < 20; i++) {
		stream_endless(s, &rig);
		ASSERT_FINE(stream_load(s, 100 + i));
		ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
		EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
		ASSERT_EQ(0, vg_set_owner(rig.net.fd));
		ASSERT_EQ(0, vg_set_features(rig.net.fd, rig.net.features));
		ASSERT_EQ(0, vg_set_mem_table(rig.net.fd, table));
		for (q = 0; q < 2; q++) {
			vg_ring_reset(&rig.net.ring[q], 0);
			vg_pool_reclaim(&rig.net.pool[q]);
			ASSERT_EQ(0, vg_net_set_ring(&rig.net, q));
		}
		/* Frames in flight belong to the old streams. */
		vg_tap_close(&rig.tap);
		close(rig.far);
		ASSERT_EQ(0, vg_tap_open(&rig.tap, 12, false));
		rig.backend = rig.tap.fd;
		rig.far = vg_packet_open(rig.tap.ifindex, true);
		ASSERT_LE(0, rig.far);
		ASSERT_FINE(rig_start(&rig));
	}
	free(table);
}

/*
 * A device that loses its owner before the worker has run even once, while a job
 * is queued. The job must not affect the next owner.
 */
TEST(reset_before_the_worker_runs)
{
	struct stream s[2];
	int i, e = vg_eventfd();
	struct vhost_memory *table;
	unsigned int q;

	vg_eventfd_add(e, 1);
	ASSERT_FINE(set_up());
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
		ASSERT_EQ(0, vg_set_owner(rig.net.fd));
		ASSERT_EQ(0, vg_set_vring_kick(rig.net.fd, VG_RX, e));
		ASSERT_EQ(0, vg_set_vring_kick(rig.net.fd, VG_TX, e));
	}
	table = vg_mem_table(&rig.net.mem);
	ASSERT_EQ(0, vg_reset_owner(rig.net.fd));
	ASSERT_EQ(0, vg_set_owner(rig.net.fd));
	ASSERT_EQ(0, vg_set_features(rig.net.fd, rig.net.features));
	ASSERT_EQ(0, vg_set_mem_table(rig.net.fd, table));
	for (q = 0; q < 2; q++)
		ASSERT_EQ(0, vg_net_set_ring(&rig.net, q));
	ASSERT_FINE(rig_start(&rig));
	s[0] = stream_make(&rig, VG_TX, 500);
	s[1] = stream_make(&rig, VG_RX, 500);
	EXPECT_FINE(stream_run(s, 2));
	free(table);
}

static void run_for_ever(int say)
{
	struct stream s[2];
	const char *why = set_up();

	stream_endless(s, &rig);
	if (!why)
		why = stream_load(s, 50);
	if (write(say, why ? "n" : "y", 1) != 1)
		_exit(1);
	while (!why)
		why = stream_load(s, 1000);
	_exit(1);
}

static int gone(pid_t owner)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (vg_worker_count(owner)) {
		if (vg_expired(deadline))
			return 0;
		sched_yield();
	}
	return 1;
}

TEST(owner_killed_under_load)
{
	int p[2], i, status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(p));
	for (i = 0; i < 20; i++) {
		pid = fork();
		if (!pid)
			run_for_ever(p[1]);
		ASSERT_EQ(1, read(p[0], &c, 1));
		ASSERT_EQ('y', c);
		EXPECT_EQ(1, vg_worker_count(pid));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(gone(pid));
	}
}

/* Two processes have the descriptor; the owner is killed, the other one continues. */
static void heir(int say, int hear)
{
	struct stream s = stream_make(&rig, VG_TX, 200);
	const char *why;
	char c;

	/* End of file: the owner's death is reported. */
	if (read(hear, &c, 1) != 0)
		_exit(2);
	why = stream_run(&s, 1);
	if (why)
		printf("# %s\n", why);
	c = why ? 'n' : 'y';
	_exit(write(say, &c, 1) != 1);
}

static void owner_with_heir(int say, int hear)
{
	const char *why = set_up();
	struct stream s[2];
	pid_t pid;

	/* The worker runs for the owner first, so that it exists and uses the owner's mm. */
	stream_endless(s, &rig);
	if (!why)
		why = stream_load(s, 50);
	if (why) {
		printf("# %s\n", why);
		_exit(1);
	}
	/* No frame may be in flight: the heir's stream begins at 0. */
	s[0].count = s[0].sent;
	s[1].count = s[1].sent;
	if (stream_run(s, 2))
		_exit(1);
	pid = fork();
	if (!pid)
		heir(say, hear);
	if (pid < 0 || write(say, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	for (;;)
		pause();
}

/* A kernel thread does not end with the owner. */
TEST(device_outlives_its_owner)
{
	int from[2], go[2], status;
	pid_t pid, heir_pid = 0;
	char c;

	vg_fork_from_owner = 0;
	ASSERT_EQ(0, pipe(from));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		owner_with_heir(from[1], go[0]);
	}
	close(from[1]);
	ASSERT_EQ(sizeof(pid), read(from[0], &heir_pid, sizeof(heir_pid)));
	EXPECT_EQ(1, vg_worker_count(pid));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(1, vg_worker_count(pid));
	/* The heir sends nothing before this: all frames are sent without the owner. */
	close(go[1]);
	EXPECT_EQ(1, read(from[0], &c, 1));
	EXPECT_EQ('y', c);
	EXPECT_TRUE(gone(pid));
}

TEST(many_devices)
{
	enum { NR = 64 };
	static struct rig many[NR];
	struct vg_net_opts o = options();
	int i;

	o.num[VG_RX] = 64;
	o.num[VG_TX] = 64;
	for (i = 0; i < NR; i++) {
		ASSERT_FINE(rig_open(&many[i], RIG_TAP, &o));
		ASSERT_FINE(rig_start(&many[i]));
	}
	EXPECT_EQ(NR, vg_worker_count(gettid()));
	for (i = 0; i < NR; i++) {
		struct stream s[2] = { stream_make(&many[i], VG_TX, 50),
				       stream_make(&many[i], VG_RX, 50) };

		EXPECT_FINE(stream_run(s, 2));
	}
	for (i = 0; i < NR; i++)
		rig_close(&many[i]);
	EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
}

TEST(module_stays_while_open)
{
	const char *name = vg_dev_is_reference() ? "vhost_net" : "viaduct";
	int fd = vg_dev_open(NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, syscall(SYS_delete_module, name, O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, vg_set_owner(fd));
}

/* The tap's interface is deleted while the device uses it. */
TEST(tap_deleted_under_load)
{
	struct stream s[2];
	char cmd[64];
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_FINE(set_up());
		stream_endless(s, &rig);
		ASSERT_FINE(stream_load(s, 100));
		snprintf(cmd, sizeof(cmd), "ip link del %s", rig.tap.name);
		ASSERT_EQ(0, system(cmd));
		/* The chains left in the rings go to a tap without an interface. */
		vg_ring_kick_always(&rig.net.ring[VG_TX]);
		vg_ring_kick_always(&rig.net.ring[VG_RX]);
		ASSERT_EQ(0, vg_set_log_fd(rig.net.fd, -1));
		EXPECT_EQ(-EINVAL, vg_set_backend(rig.net.fd, VG_TX,
						  open("/dev/net/tun", O_RDWR)));
		EXPECT_EQ(0, vg_net_stop(&rig.net));
		rig_close(&rig);
	}
}

/* The interface disappears with the last reference to the tap. */
static bool link_goes(const char *name)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (if_nametoindex(name)) {
		if (vg_expired(deadline))
			return false;
		sched_yield();
	}
	return true;
}

/* A device holds its backend until a detach or its close, and no longer. */
TEST(backend_is_held_and_let_go)
{
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_FINE(set_up());
		close(rig.tap.fd);
		rig.tap.fd = -1;
		ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
		EXPECT_NE(0, if_nametoindex(rig.tap.name));
		if (i % 2)
			close(rig.net.fd);
		else
			ASSERT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, -1));
		EXPECT_TRUE(link_goes(rig.tap.name));
		if (i % 2)
			rig.net.fd = -1;
		rig_close(&rig);
	}
}

VD_TEST_MAIN
