// SPDX-License-Identifier: GPL-2.0-only
/* Clients with bad memory, bad taps and descriptors that block. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "test.h"
#include "../../testing/selftests/viaduct/rig.h"

#define FINE(call) do {						\
	const char *__why = (call);				\
								\
	if (__why)						\
		FAIL("%s: %s", #call, __why);			\
} while (0)

static struct rig rig;

static void start(void)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };

	FINE(rig_open(&rig, RIG_TAP, &o));
	FINE(rig_start(&rig));
}

static void stream_both(uint64_t nr)
{
	struct stream s[] = {
		stream_make(&rig, VG_TX, nr),
		stream_make(&rig, VG_RX, nr),
	};

	FINE(stream_run(s, 2));
}

static int set_table(int fd, void *at, uint64_t size)
{
	struct {
		struct vhost_memory m;
		struct vhost_memory_region r;
	} t = {
		.m.nregions = 1,
		.r.memory_size = size,
		.r.userspace_addr = (uintptr_t)at,
	};

	return vg_set_mem_table(fd, &t.m);
}

static int owned(void)
{
	int fd = vg_dev_open(NULL);

	CHECK(fd >= 0);
	CHECK_EQ(vg_set_owner(fd), 0);
	return fd;
}

static void *map(int prot, int flags, int file)
{
	void *p = mmap(NULL, 1 << 20, prot, flags, file, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int memory_file(void)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	CHECK(fd >= 0 && !ftruncate(fd, 1 << 20));
	return fd;
}

/* The server cannot find such a client, which therefore cannot be the owner. */
TEST(caller_in_another_pid_namespace)
{
	int fd = vg_dev_open(NULL);

	CHECK(fd >= 0);
	kernel_hides_callers = true;
	CHECK_EQ(vg_set_owner(fd), -EPERM);
	kernel_hides_callers = false;
	CHECK_EQ(vg_set_owner(fd), 0);
	close(fd);
}

TEST(memory_must_be_shared)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = owned(), file = memory_file();

	CHECK_EQ(set_table(fd, map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1 << 20),
		 -EMEDIUMTYPE);
	CHECK_EQ(set_table(fd, map(rw, MAP_PRIVATE, file), 1 << 20), -EMEDIUMTYPE);
	CHECK_EQ(set_table(fd, map(PROT_READ, MAP_SHARED, file), 1 << 20),
		 -EMEDIUMTYPE);
	CHECK_EQ(set_table(fd, map(rw, MAP_SHARED, file), 1 << 20), 0);
	CHECK_EQ(set_table(fd, map(rw, MAP_SHARED | MAP_ANONYMOUS, -1), 1 << 20), 0);
	close(fd);
}

TEST(memory_must_be_on_tmpfs)
{
	int fd = owned(), file = open("/var/tmp", O_TMPFILE | O_RDWR, 0600);

	CHECK(file >= 0 && !ftruncate(file, 1 << 20));
	CHECK_EQ(set_table(fd, map(PROT_READ | PROT_WRITE, MAP_SHARED, file),
			   1 << 20), -EMEDIUMTYPE);
	close(fd);
}

/* A region must be one range of one file, in any number of mappings. */
TEST(memory_in_parts)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = owned(), file = memory_file(), other = memory_file();
	char *p = map(rw, MAP_SHARED, file);

	CHECK(!madvise(p + 8192, 4096, MADV_DONTFORK));
	CHECK_EQ(set_table(fd, p, 1 << 20), 0);
	CHECK(mmap(p + 8192, 4096, rw, MAP_SHARED | MAP_FIXED, other, 8192) != MAP_FAILED);
	CHECK_EQ(set_table(fd, p, 1 << 20), -EMEDIUMTYPE);
	CHECK(mmap(p + 8192, 4096, rw, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED);
	CHECK_EQ(set_table(fd, p, 1 << 20), -EMEDIUMTYPE);
	CHECK(!munmap(p + 8192, 4096));
	CHECK_EQ(set_table(fd, p, 1 << 20), -EFAULT);
	CHECK_EQ(set_table(fd, p + 12288, (1 << 20) - 12288), 0);
	close(fd);
}

TEST(memory_behind_the_end)
{
	int fd = owned(), file = memory_file();
	void *p = map(PROT_READ | PROT_WRITE, MAP_SHARED, file);

	CHECK(!ftruncate(file, 4096));
	CHECK_EQ(set_table(fd, p, 1 << 20), -EMEDIUMTYPE);
	CHECK_EQ(set_table(fd, p, 4096), 0);
	close(fd);
}

/* A failed table leaves the old one in force, and rings continue. */
TEST(table_is_replaced_under_load)
{
	struct vhost_memory *t;
	struct stream s[2];
	unsigned int i;
	uint64_t full;

	start();
	s[0] = stream_make(&rig, VG_TX, 0);
	s[1] = stream_make(&rig, VG_RX, 0);
	t = vg_mem_table(&rig.net.mem);
	CHECK(t);
	full = t->regions[0].memory_size;
	for (i = 0; i < 20; i++) {
		CHECK_EQ(set_table(rig.net.fd, (void *)4096, 4096), -EFAULT);
		/* The first region, with the rings in it, loses a page and gets it back. */
		t->regions[0].memory_size = i & 1 ? full : full - 4096;
		CHECK_EQ(vg_set_mem_table(rig.net.fd, t), 0);
		s[0].count += 100;
		s[1].count += 100;
		FINE(stream_run(s, 2));
	}
	free(t);
	rig_close(&rig);
}

/* Only the device with the memory that shrinks ends. */
TEST(memory_is_truncated_under_load)
{
	struct rig other;
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	struct stream s;
	unsigned int i, base;

	start();
	FINE(rig_open_here(&other, RIG_TAP, &o));
	FINE(rig_start(&other));
	stream_both(100);
	for (i = 0; i < rig.net.mem.nr; i++)
		CHECK(!ftruncate(rig.net.mem.region[i].fd, 0));
	eventfd_write(rig.net.kick[VG_TX], 1);
	for (i = 0; i < 100; i++) {
		if (vg_get_vring_base(rig.net.fd, VG_TX, &base) == -EIO)
			break;
		usleep(10000);
	}
	CHECK_EQ(vg_get_vring_base(rig.net.fd, VG_TX, &base), -EIO);
	CHECK_EQ(vg_set_backend(rig.net.fd, VG_TX, -1), -EIO);
	s = stream_make(&other, VG_TX, 1000);
	FINE(stream_run(&s, 1));
	close(rig.net.fd);
	rig_close(&other);
}

/* The thread waits in a system call, and the device can be stopped and closed. */
TEST(blocking_tap)
{
	unsigned int i;

	start();
	for (i = 0; i < 20; i++) {
		fcntl(rig.backend, F_SETFL, 0);
		stream_both(50);
		CHECK_EQ(vg_net_stop(&rig.net), 0);
		FINE(rig_start(&rig));
	}
	rig_close(&rig);
}

TEST(full_call_eventfd)
{
	struct timespec begin, end;
	uint64_t full = -2ULL;
	struct virtio_net_hdr hdr = {};
	uint8_t frame[100] = { 2, 0, 0, 0, 0, 1, 2 };

	start();
	CHECK_EQ(write(rig.net.call[VG_TX], &full, sizeof(full)), sizeof(full));
	fcntl(rig.net.call[VG_TX], F_SETFL, 0);
	CHECK_EQ(vg_net_xmit(&rig.net, &hdr, frame, sizeof(frame), &vg_layout_plain), 0);
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	usleep(100000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	CHECK_EQ(vg_set_backend(rig.net.fd, VG_TX, -1), 0);
	rig_close(&rig);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - begin.tv_sec < 3);
}

TEST(descriptors_of_other_kinds)
{
	int fd, pipes[2], tun;

	start();
	fd = rig.net.fd;
	CHECK(!pipe(pipes));
	CHECK_EQ(vg_set_vring_kick(fd, 0, pipes[0]), -EINVAL);
	CHECK_EQ(vg_set_vring_call(fd, 0, fd), -EINVAL);
	CHECK_EQ(vg_set_vring_err(fd, 0, 1000), -EBADF);
	CHECK_EQ(vg_set_backend(fd, 0, pipes[0]), -ENOTSOCK);
	CHECK_EQ(vg_set_backend(fd, 0, fd), -ENOTSOCK);
	CHECK_EQ(vg_set_backend(fd, 0, 1000), -ENOTSOCK);
	CHECK_EQ(vg_set_backend(fd, 0, -2), -ENOTSOCK);
	tun = open("/dev/net/tun", O_RDWR);
	CHECK_EQ(vg_set_backend(fd, 0, tun), -EINVAL);
	stream_both(100);
	rig_close(&rig);
}

/* The interface is removed while the rings run; another tap takes its place. */
TEST(tap_is_deleted)
{
	struct vg_tap tap;

	start();
	stream_both(100);
	CHECK_EQ(ioctl(rig.backend, TUNSETPERSIST, 0), 0);
	vg_tap_close(&rig.tap);
	CHECK_EQ(vg_tap_open(&tap, 12, false), 0);
	CHECK_EQ(vg_set_backend(rig.net.fd, VG_RX, tap.fd), 0);
	CHECK_EQ(vg_set_backend(rig.net.fd, VG_TX, tap.fd), 0);
	CHECK_EQ(vg_net_stop(&rig.net), 0);
	close(rig.net.fd);
}

/* The position of a running ring can be read without a loss. */
TEST(base_of_a_running_ring)
{
	unsigned int i, base;

	start();
	for (i = 1; i <= 20; i++) {
		stream_both(10);
		CHECK_EQ(vg_get_vring_base(rig.net.fd, VG_TX, &base), 0);
		CHECK_EQ(base, 10 * i);
	}
	rig_close(&rig);
}

TEST(reset_and_again)
{
	unsigned int i;

	start();
	for (i = 0; i < 3; i++) {
		stream_both(100);
		CHECK_EQ(vg_reset_owner(rig.net.fd), 0);
		CHECK_EQ(vg_set_backend(rig.net.fd, 0, -1), -EPERM);
		rig_close(&rig);
		start();
	}
	rig_close(&rig);
}
