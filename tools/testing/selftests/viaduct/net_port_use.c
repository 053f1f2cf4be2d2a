// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use of a port of libviaduct by a program: buffers, waiting, the end of the
 * interface, an error of the device.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../../lib/vguest/mem.h"
#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "port_fixture.h"
#include "vd_test.h"

TEST_F(port, buffers)
{
	struct viaduct_port *port;
	struct viaduct_pkt pkt[8], all;
	unsigned int nr = 0;
	uint8_t foreign[64];

	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	port = self->rig.port;
	EXPECT_EQ(0, viaduct_port_alloc(port, 1, pkt, 1));
	ASSERT_EQ(8, viaduct_port_alloc(port, 0, pkt, 8));
	memset(pkt[0].data, 0xff, 60);
	EXPECT_EQ(-EMSGSIZE, viaduct_port_send(port, 0, pkt, 1));
	pkt[0].len = 13;
	EXPECT_EQ(-EMSGSIZE, viaduct_port_send(port, 0, pkt, 1));
	pkt[0].len = pkt[0].room + 1;
	EXPECT_EQ(-EMSGSIZE, viaduct_port_send(port, 0, pkt, 1));
	pkt[0].len = 60;
	/* The second stops the burst, and is still the program's. */
	EXPECT_EQ(1, viaduct_port_send(port, 0, pkt, 2));
	EXPECT_EQ(-EINVAL, viaduct_port_send(port, 0, pkt, 1));
	EXPECT_EQ(-EINVAL, viaduct_port_free(port, 0, pkt, 1));
	EXPECT_EQ(0, viaduct_port_free(port, 0, pkt + 1, 1));
	EXPECT_EQ(-EINVAL, viaduct_port_free(port, 0, pkt + 1, 1));
	pkt[2].data = foreign;
	pkt[2].len = 60;
	EXPECT_EQ(-EINVAL, viaduct_port_send(port, 0, pkt + 2, 1));
	/* No room for a header in front of the frame. */
	pkt[3].data -= 2 * VIADUCT_PORT_HEADROOM;
	pkt[3].len = 60;
	EXPECT_EQ(-EINVAL, viaduct_port_send(port, 0, pkt + 3, 1));
	pkt[3].data += VIADUCT_PORT_HEADROOM;
	memset(pkt[3].data, 0xff, 60);
	EXPECT_EQ(1, viaduct_port_send(port, 0, pkt + 3, 1));
	EXPECT_EQ(0, viaduct_port_flush(port, 0, 10000));
	/* All but those of the receive ring, the foreign one, and the four not used. */
	while (viaduct_port_alloc(port, 0, &all, 1))
		nr++;
	EXPECT_EQ(4 * 256 - 256 - 5, nr);
}

/* A frame of the far side goes back, with a header in front of it. */
TEST_F(port, forwards)
{
	uint8_t frame[100], got[256];
	struct viaduct_pkt pkt;
	ssize_t len;

	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	memset(frame, 0xff, sizeof(frame));
	frame[99] = 7;
	ASSERT_EQ(100, vg_packet_send(self->rig.far, &(struct virtio_net_hdr){},
				      frame, 100));
	ASSERT_EQ(VIADUCT_PORT_RECEIVE,
		  viaduct_port_wait(self->rig.port, 0, VIADUCT_PORT_RECEIVE, 10000));
	ASSERT_EQ(1, viaduct_port_receive(self->rig.port, 0, &pkt, 1));
	EXPECT_EQ(100, pkt.len);
	EXPECT_EQ(0, memcmp(pkt.data, frame, 100));
	pkt.data -= VIADUCT_PORT_HEADROOM;
	pkt.len += VIADUCT_PORT_HEADROOM;
	memset(pkt.data, 0xff, VIADUCT_PORT_HEADROOM);
	EXPECT_EQ(1, viaduct_port_send(self->rig.port, 0, &pkt, 1));
	ASSERT_LT(0, vg_wait_fd(self->rig.far, POLLIN, vg_deadline_ms(10000)));
	len = vg_packet_recv(self->rig.far, &(struct virtio_net_hdr){}, got,
			     sizeof(got));
	EXPECT_EQ(100 + VIADUCT_PORT_HEADROOM, len);
	EXPECT_EQ(0, memcmp(got + VIADUCT_PORT_HEADROOM, frame, 100));
}

TEST_F(port, waits)
{
	unsigned int both = VIADUCT_PORT_RECEIVE | VIADUCT_PORT_SEND;
	uint8_t frame[100] = { 0xff };
	struct viaduct_pkt pkt;
	struct viaduct_port *port;
	int i;

	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	port = self->rig.port;
	EXPECT_EQ(-EINVAL, viaduct_port_wait(port, 1, both, 0));
	EXPECT_EQ(VIADUCT_PORT_SEND, viaduct_port_wait(port, 0, both, -1));
	EXPECT_EQ(0, viaduct_port_wait(port, 0, VIADUCT_PORT_RECEIVE, 50));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, viaduct_port_arm(port, 0, VIADUCT_PORT_RECEIVE));
		EXPECT_EQ(0, vg_wait_fd(viaduct_port_fd(port), POLLIN, 0));
		ASSERT_EQ(100, vg_packet_send(self->rig.far,
					      &(struct virtio_net_hdr){}, frame, 100));
		ASSERT_EQ(1, vg_wait_fd(viaduct_port_fd(port), POLLIN,
					vg_deadline_ms(10000)));
		EXPECT_EQ(1, vg_wait_fd(viaduct_port_queue_fd(port, 0), POLLIN, 0));
		ASSERT_EQ(1, viaduct_port_receive(port, 0, &pkt, 1));
		ASSERT_EQ(0, viaduct_port_free(port, 0, &pkt, 1));
	}
}

/* Packets wait until the program gives buffers back. */
TEST_F(port, keeps_buffers)
{
	uint8_t frame[100] = { 0xff };
	struct viaduct_pkt pkt[40];
	struct viaduct_port *port;
	int i, nr = 0, got;

	self->o.ring_size = 16;
	self->o.buffers = 32;
	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	port = self->rig.port;
	for (i = 0; i < 40; i++)
		ASSERT_EQ(100, vg_packet_send(self->rig.far,
					      &(struct virtio_net_hdr){}, frame, 100));
	while (viaduct_port_wait(port, 0, VIADUCT_PORT_RECEIVE, nr < 32 ? 10000 : 50)) {
		got = viaduct_port_receive(port, 0, pkt + nr, 40 - nr);
		ASSERT_LE(0, got);
		nr += got;
	}
	EXPECT_EQ(32, nr);
	EXPECT_EQ(0, viaduct_port_alloc(port, 0, pkt + nr, 1));
	ASSERT_EQ(0, viaduct_port_free(port, 0, pkt, nr));
	for (nr = 0; nr < 8; nr += got) {
		ASSERT_EQ(VIADUCT_PORT_RECEIVE,
			  viaduct_port_wait(port, 0, VIADUCT_PORT_RECEIVE, 10000));
		got = viaduct_port_receive(port, 0, pkt, 40);
		ASSERT_LE(0, got);
	}
}

TEST_F(port, interface_deleted)
{
	struct viaduct_pkt pkt;
	char command[64];

	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	EXPECT_EQ(0, viaduct_port_error(self->rig.port));
	snprintf(command, sizeof(command), "ip link del %s",
		 viaduct_port_name(self->rig.port));
	ASSERT_EQ(0, system(command));
	EXPECT_EQ(-ENODEV, viaduct_port_wait(self->rig.port, 0,
					     VIADUCT_PORT_RECEIVE, 10000));
	EXPECT_EQ(-ENODEV, viaduct_port_error(self->rig.port));
	EXPECT_EQ(0, viaduct_port_receive(self->rig.port, 0, &pkt, 1));
}

/* The device cannot write to the ring: the program gets an error, and can close. */
TEST_F(port, ring_error)
{
	size_t len = viaduct_port_memory_len(&self->o);
	uint8_t frame[100] = { 0xff };
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	self->o.memory = memory;
	self->o.memory_len = len;
	ASSERT_FINE(port_rig_open(&self->rig, &self->o));
	ASSERT_EQ(0, viaduct_port_arm(self->rig.port, 0, VIADUCT_PORT_RECEIVE));
	ASSERT_EQ(0, mprotect(memory, vg_page(), PROT_NONE));
	ASSERT_EQ(100, vg_packet_send(self->rig.far, &(struct virtio_net_hdr){},
				      frame, 100));
	EXPECT_EQ(1, vg_wait_fd(viaduct_port_fd(self->rig.port), POLLIN,
				vg_deadline_ms(10000)));
	EXPECT_EQ(-EIO, viaduct_port_error(self->rig.port));
	ASSERT_EQ(0, mprotect(memory, vg_page(), PROT_READ | PROT_WRITE));
	EXPECT_EQ(-EIO, viaduct_port_wait(self->rig.port, 0, VIADUCT_PORT_RECEIVE, 0));
}

VD_TEST_MAIN
