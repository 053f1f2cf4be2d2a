// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalid frames in valid rings: the chain is returned as used, no error is
 * reported, and the next frame is sent.
 */
#include <endian.h>
#include <sys/mman.h>

#include "rig.h"
#include "stats.h"
#include "vd_test.h"

#define REF_RETRIES "the reference tries such a frame again without end"

FIXTURE(packet)
{
	struct rig rig;
	struct vg_buf *b;
	uint8_t *data;
	void *locked;		/* two pages, a part of which is unreadable */
};

FIXTURE_VARIANT(packet)
{
	uint64_t features;
	int sndbuf;
};

FIXTURE_VARIANT_ADD(packet, batched) { .features = VG_BIT(VG_F_VERSION_1) };
FIXTURE_VARIANT_ADD(packet, batched_legacy) { .features = 0 };
FIXTURE_VARIANT_ADD(packet, single) {
	.features = VG_BIT(VG_F_VERSION_1), .sndbuf = 1 << 20,
};
FIXTURE_VARIANT_ADD(packet, vhost_hdr) {
	.features = VG_BIT(VG_F_VHOST_HDR),
};

FIXTURE_SETUP(packet)
{
	struct vg_net_opts o = { .features = variant->features,
				 .tx_size = 8192 };

	ASSERT_FINE(rig_open(&self->rig, RIG_TAP, &o));
	if (variant->sndbuf)
		ASSERT_EQ(0, vg_tap_set_sndbuf(self->rig.tap.fd,
					       variant->sndbuf));
	ASSERT_FINE(rig_start(&self->rig));
	self->b = vg_buf_get(&self->rig.net.pool[VG_TX]);
	self->data = vg_mem_hva(&self->rig.net.mem, self->b->gpa, 8192);
	memset(self->data, 0, 8192);
}

FIXTURE_TEARDOWN(packet)
{
	rig_close(&self->rig);
}

typedef struct _test_data_packet packet_t;

/* Puts the first @len bytes of the buffer up for sending. */
static void put(packet_t *p, uint32_t len)
{
	struct vg_net *n = &p->rig.net;

	if (vg_buf_cut(&n->pool[VG_TX], p->b, len, false, &vg_layout_plain) ||
	    vg_buf_add(&n->ring[VG_TX], p->b, &vg_layout_plain))
		abort();
	vg_ring_publish(&n->ring[VG_TX]);
	vg_ring_kick(&n->ring[VG_TX]);
}

/*
 * A chain of @len bytes must come back unsent, and later frames must be sent.
 * @reason is the module's counter of such drops, or NULL if the tap counts them.
 */
static void check(struct __test_metadata *_metadata, packet_t *p, uint32_t len,
		  const char *reason)
{
	struct stream s = stream_make(&p->rig, VG_TX, 50);

	put(p, len);
	EXPECT_EQ(0, vg_net_drain(&p->rig.net, vg_deadline_ms(10000)));
	if (p->locked)
		ASSERT_EQ(0, mprotect(p->locked, 2 * vg_page(),
				      PROT_READ | PROT_WRITE));
	/* The stream's first frame must be the first at the far side. */
	EXPECT_FINE(stream_run(&s, 1));
	EXPECT_EQ(0, vg_eventfd_take(p->rig.net.err[VG_TX]));
	if (reason && !vg_dev_is_reference())
		EXPECT_EQ(1, stats_queue(getpid(), VG_TX, reason));
}

/* The bad frame of a batch is found by the module, a single one by the socket. */
static const char *found_by(int sndbuf, const char *ours)
{
	return sndbuf ? "socket" : ours;
}

/* The reference copies frames itself only if the send buffer is unlimited. */
static bool ref_retries(int sndbuf)
{
	return vg_dev_is_reference() && !sndbuf;
}

TEST_F(packet, one_byte)
{
	if (ref_retries(variant->sndbuf))
		SKIP(return, REF_RETRIES);
	check(_metadata, self, 1, "short");
}

TEST_F(packet, shorter_than_the_header)
{
	if (ref_retries(variant->sndbuf))
		SKIP(return, REF_RETRIES);
	check(_metadata, self, self->rig.net.hdr_len - 1, "short");
}

TEST_F(packet, header_alone)
{
	if (vg_dev_is_reference())
		SKIP(return, "the reference may keep a chain without a frame");
	check(_metadata, self, self->rig.net.hdr_len, "short");
}

TEST_F(packet, one_byte_frame)
{
	check(_metadata, self, self->rig.net.hdr_len + 1, "short");
}

TEST_F(packet, shorter_than_ethernet)
{
	check(_metadata, self, self->rig.net.hdr_len + 13, "short");
}

TEST_F(packet, empty_chain)
{
	struct vg_seg none = { .gpa = self->b->gpa };
	struct vg_net *n = &self->rig.net;
	struct stream s = stream_make(&self->rig, VG_TX, 50);

	if (vg_dev_is_reference())
		SKIP(return, "the reference keeps a chain without a byte");
	ASSERT_EQ(0, vg_ring_add(&n->ring[VG_TX], &none, 1, 1, self->b));
	vg_ring_publish(&n->ring[VG_TX]);
	vg_ring_kick(&n->ring[VG_TX]);
	EXPECT_EQ(0, vg_net_drain(n, vg_deadline_ms(10000)));
	EXPECT_FINE(stream_run(&s, 1));
}

/* Header fields that point outside the frame. */
static void check_header(struct __test_metadata *_metadata, packet_t *p,
			 struct virtio_net_hdr h, const char *reason)
{
	memcpy(p->data, &h, sizeof(h));
	check(_metadata, p, p->rig.net.hdr_len + 100, reason);
}

TEST_F(packet, checksum_outside)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 0xfff0, .csum_offset = 16 };

	if (self->rig.net.features & VG_BIT(VG_F_VHOST_HDR))
		SKIP(return, "the header is not looked at");
	if (ref_retries(variant->sndbuf))
		SKIP(return, REF_RETRIES);
	check_header(_metadata, self, h, found_by(variant->sndbuf, "header"));
}

TEST_F(packet, checksum_sum_overflows)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 0xffff,
				    .csum_offset = 0xffff };

	if (self->rig.net.features & VG_BIT(VG_F_VHOST_HDR))
		SKIP(return, "the header is not looked at");
	check_header(_metadata, self, h, found_by(variant->sndbuf, "header"));
}

/* The field is not needed for a frame in one piece, which may be sent. */
TEST_F(packet, header_length_outside)
{
	struct virtio_net_hdr h = { .hdr_len = 0xffff,
				    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				    .gso_size = 1000 };
	struct stream s = stream_make(&self->rig, VG_TX, 50);
	uint8_t frame[2048];

	memcpy(self->data, &h, sizeof(h));
	put(self, self->rig.net.hdr_len + 100);
	EXPECT_EQ(0, vg_net_drain(&self->rig.net, vg_deadline_ms(10000)));
	while (rig_far_recv(&self->rig, frame, sizeof(frame), NULL, 0) > 0)
		;
	EXPECT_FINE(stream_run(&s, 1));
}

TEST_F(packet, unknown_gso_type)
{
	struct virtio_net_hdr h = { .gso_type = 0x7f, .gso_size = 1000 };

	if (self->rig.net.features & VG_BIT(VG_F_VHOST_HDR))
		SKIP(return, "the header is not looked at");
	check_header(_metadata, self, h, NULL);
}

TEST_F(packet, gso_of_size_zero)
{
	struct virtio_net_hdr h = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 };

	if (self->rig.net.features & VG_BIT(VG_F_VHOST_HDR))
		SKIP(return, "the header is not looked at");
	check_header(_metadata, self, h, NULL);
}

/* Frame memory that is gone when the device reads it. */
TEST_F(packet, memory_unreadable)
{
	size_t size = 2 * vg_page();
	uint64_t page = vg_mem_alloc(&self->rig.net.mem, size, vg_page());
	void *hva = vg_mem_hva(&self->rig.net.mem, page, size);

	if (vg_dev_is_reference())
		SKIP(return, REF_RETRIES);
	ASSERT_NE(NULL, hva);
	self->b->gpa = page;
	self->locked = hva;
	ASSERT_EQ(0, mprotect(hva, size, PROT_NONE));
	check(_metadata, self, 500, found_by(variant->sndbuf, "fault"));
}

TEST_F(packet, second_page_unreadable)
{
	size_t size = 2 * vg_page();
	uint64_t page = vg_mem_alloc(&self->rig.net.mem, size, vg_page());
	uint8_t *hva = vg_mem_hva(&self->rig.net.mem, page, size);

	if (vg_dev_is_reference())
		SKIP(return, REF_RETRIES);
	ASSERT_NE(NULL, hva);
	self->b->gpa = page + size / 2 - 4096;
	self->locked = hva;
	ASSERT_EQ(0, mprotect(hva + size / 2, size / 2, PROT_NONE));
	check(_metadata, self, 6000, found_by(variant->sndbuf, "fault"));
}

VD_TEST_MAIN
