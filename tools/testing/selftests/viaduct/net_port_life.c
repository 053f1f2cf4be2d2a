// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a port of libviaduct: refused options and the state after them,
 * descriptors and memory of the program.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "../../../lib/vguest/worker.h"
#include "port_fixture.h"
#include "vd_test.h"

#define OFFLOADS	(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

static int count_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int nr = 0;

	while (d && readdir(d))
		nr++;
	closedir(d);
	return nr;
}

/* errno of an open that fails, and leaves no file, thread or interface. */
static int refused(const struct viaduct_port_opts *o)
{
	int files = count_files(), err;
	struct viaduct_port *port = viaduct_port_open(o);
	struct if_nameindex *i;

	if (port) {
		viaduct_port_close(port);
		return 0;
	}
	err = errno;
	if (count_files() != files)
		return -1;
	if (vg_worker_settle(getpid(), 0))
		return -2;
	for (i = if_nameindex(); i->if_index; i++)
		if (!strncmp(i->if_name, "left", 4))
			return -3;
	return err;
}

TEST_F(port, refuses_options)
{
	struct viaduct_port_opts o = self->o;

	o.name = NULL;
	EXPECT_EQ(EINVAL, refused(&o));
	o.name = "a-name-too-long-for-it";
	EXPECT_EQ(ENAMETOOLONG, refused(&o));
	o.name = "left";
	o.ring_size = 100;
	EXPECT_EQ(EINVAL, refused(&o));
	EXPECT_NE(NULL, strstr(self->rig.message, "ring size 100"));
	o.ring_size = 128;
	o.buffers = 128;
	EXPECT_EQ(EINVAL, refused(&o));
	o.buffers = 0;
	o.room = 8;
	EXPECT_EQ(EINVAL, refused(&o));
	o.room = 0;
	o.flags = VIADUCT_PORT_SPLIT | VIADUCT_PORT_PACKED;
	EXPECT_EQ(EINVAL, refused(&o));
	o.flags = 0;
	o.buffers = 1 << 20;
	o.room = 1 << 20;
	EXPECT_EQ(EINVAL, refused(&o));
	o.buffers = 0;
	o.room = 0;
	o.queues = VIADUCT_PORT_MAX_QUEUES + 1;
	EXPECT_EQ(EINVAL, refused(&o));
	o.queues = 0;
	o.memory = &o;
	o.memory_len = 1 << 30;
	EXPECT_EQ(EINVAL, refused(&o));
	o.memory = (void *)0x100000;
	o.memory_len = viaduct_port_memory_len(&o) - 1;
	EXPECT_EQ(EINVAL, refused(&o));
}

TEST_F(port, refuses_devices)
{
	struct viaduct_port_opts o = self->o;

	o.name = "left";
	o.device = "/dev/there-is-none";
	EXPECT_EQ(ENOENT, refused(&o));
	EXPECT_NE(NULL, strstr(self->rig.message, "there-is-none"));
	o.device = "/dev/null";
	EXPECT_EQ(ENOTTY, refused(&o));
	EXPECT_NE(NULL, strstr(self->rig.message, "VHOST_SET_OWNER"));
	o.device = vg_dev_path();
	o.flags = VIADUCT_PORT_PACKED;
	EXPECT_EQ(vg_dev_is_reference() ? EOPNOTSUPP : 0, refused(&o));
}

TEST_F(port, refuses_interfaces)
{
	struct viaduct_port_opts o = self->o;
	struct vg_tap tap;
	int fds[2];

	ASSERT_EQ(0, vg_tap_open(&tap, 12, false));
	o.name = tap.name;
	EXPECT_EQ(EBUSY, refused(&o));
	EXPECT_NE(NULL, strstr(self->rig.message, tap.name));
	o.flags = VIADUCT_PORT_TUN;
	EXPECT_EQ(EINVAL, refused(&o));
	o.flags = 0;
	o.queues = 2;
	EXPECT_EQ(EINVAL, refused(&o));
	o.name = NULL;
	o.fds = fds;
	fds[0] = tap.fd;
	fds[1] = eventfd(0, EFD_CLOEXEC);
	EXPECT_EQ(EINVAL, refused(&o));
	close(fds[1]);
	fds[1] = -1;
	EXPECT_EQ(EBADF, refused(&o));
	ASSERT_EQ(0, vg_tap_open(&tap, 0, false));
	fds[1] = tap.fd;
	EXPECT_EQ(EINVAL, refused(&o));
	o.queues = 1;
	o.offload = TUN_F_CSUM;
	fds[0] = tap.fd;
	EXPECT_EQ(EINVAL, refused(&o));
}

/* Both directions, then closed: everything is as before. */
static void check_stream(struct __test_metadata *_metadata, struct port_rig *rig,
			 const struct viaduct_port_opts *o)
{
	int files = count_files();
	struct port_stream s[2] = {
		{ .rig = rig, .is_tx = true, .count = 500 },
		{ .rig = rig, .count = 500 },
	};

	ASSERT_FINE(port_rig_open(rig, o));
	EXPECT_FINE(port_stream_run(s, 2));
	EXPECT_EQ(500, s[1].got);
	port_rig_close(rig);
	EXPECT_EQ(files, count_files());
	EXPECT_EQ(0, vg_worker_settle(getpid(), 0));
}

TEST_F(port, descriptor)
{
	struct vg_tap tap;
	int hdr_len;

	self->o.name = NULL;
	self->o.fds = &tap.fd;
	ASSERT_EQ(0, vg_tap_open(&tap, 10, false));
	check_stream(_metadata, &self->rig, &self->o);
	ASSERT_EQ(0, ioctl(tap.fd, TUNGETVNETHDRSZ, &hdr_len));
	EXPECT_EQ(10, hdr_len);
}

TEST_F(port, descriptor_of_tun)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), sndbuf, before;

	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &ifr));
	ASSERT_EQ(0, ioctl(fd, TUNGETSNDBUF, &before));
	self->o.name = NULL;
	self->o.fds = &fd;
	/* The library finds out the kind itself; the flag is for the streams. */
	self->o.flags = VIADUCT_PORT_TUN;
	check_stream(_metadata, &self->rig, &self->o);
	ASSERT_EQ(0, ioctl(fd, TUNGETSNDBUF, &sndbuf));
	EXPECT_EQ(before, sndbuf);
	EXPECT_EQ(0, close(fd));
}

TEST_F(port, descriptor_without_header)
{
	struct viaduct_pkt pkt;
	struct vg_tap tap;

	self->o.name = NULL;
	self->o.fds = &tap.fd;
	ASSERT_EQ(0, vg_tap_open(&tap, 0, false));
	check_stream(_metadata, &self->rig, &self->o);
	/* Without a header, a missing checksum cannot be indicated. */
	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	ASSERT_EQ(1, viaduct_port_alloc(self->rig.port, 0, &pkt, 1));
	memset(pkt.data, 0xff, 60);
	pkt.len = 60;
	pkt.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	EXPECT_EQ(-EOPNOTSUPP, viaduct_port_send(self->rig.port, 0, &pkt, 1));
	pkt.hdr.flags = 0;
	EXPECT_EQ(1, viaduct_port_send(self->rig.port, 0, &pkt, 1));
}

TEST_F(port, descriptors)
{
	struct vg_tap tap;
	int fds[4], i;

	self->o.name = NULL;
	self->o.fds = fds;
	self->o.queues = 4;
	self->o.offload = OFFLOADS;
	ASSERT_EQ(0, vg_tap_open(&tap, 12, true));
	fds[0] = tap.fd;
	for (i = 1; i < 4; i++) {
		fds[i] = vg_tap_queue(&tap, 12);
		ASSERT_LE(0, fds[i]);
	}
	check_stream(_metadata, &self->rig, &self->o);
}

TEST_F(port, own_memory)
{
	size_t len = viaduct_port_memory_len(&self->o);
	struct viaduct_pkt pkt;
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, memory);
	self->o.memory = memory;
	self->o.memory_len = len;
	check_stream(_metadata, &self->rig, &self->o);
	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	ASSERT_EQ(1, viaduct_port_alloc(self->rig.port, 0, &pkt, 1));
	EXPECT_LE(memory, pkt.data);
	EXPECT_GT(memory + len, pkt.data);
}

VD_TEST_MAIN
