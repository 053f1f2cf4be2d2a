// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest address that is mapped to other memory: frames sent from there
 * afterwards have the new content, regardless of cached translations.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "../../../lib/vguest/iommu.h"
#include "rig.h"
#include "vd_test.h"

#define PAGE	4096ULL
#define LEN	100

static struct rig rig;
static struct vg_iommu iommu;

/* A frame of one byte value behind an empty header. */
static void fill(uint8_t *at, uint8_t value)
{
	memset(at, 0, rig.net.hdr_len);
	memset(at + rig.net.hdr_len, value, LEN);
}

/* The next transmit buffer, and a frame in the place that it has now. */
static struct vg_buf *next_buf(uint8_t value)
{
	struct vg_buf *b = vg_buf_get(&rig.net.pool[VG_TX]);

	if (!b)
		abort();
	fill(vg_mem_hva(&rig.net.mem, b->gpa, rig.net.hdr_len + LEN), value);
	return b;
}

static void put(struct vg_buf *b)
{
	struct vg_ring *tx = &rig.net.ring[VG_TX];

	if (vg_buf_cut(&rig.net.pool[VG_TX], b, rig.net.hdr_len + LEN, false,
		       &vg_layout_plain) ||
	    vg_buf_add(tx, b, &vg_layout_plain))
		abort();
	vg_ring_publish(tx);
	vg_ring_kick_always(tx);
}

/* The value of the frame that comes out, 0 when none does. */
static int received(unsigned int ms)
{
	uint8_t frame[2048];
	ssize_t len = rig_far_recv(&rig, frame, sizeof(frame), NULL,
				   vg_deadline_ms(ms));
	int i;

	if (!len)
		return 0;
	for (i = 1; i < LEN; i++)
		if (len != LEN || frame[i] != frame[0])
			return -1;
	return frame[0];
}

/* The table with the region of @gpa at another place. */
static int move_region(uint64_t gpa, uint8_t *to)
{
	struct vhost_memory *t = vg_mem_table(&rig.net.mem);
	unsigned int i;
	int ret;

	for (i = 0; i < t->nregions; i++)
		if (gpa - t->regions[i].guest_phys_addr <
		    t->regions[i].memory_size)
			t->regions[i].userspace_addr = (uintptr_t)to;
	ret = vg_set_mem_table(rig.net.fd, t);
	free(t);
	return ret;
}

static const struct vg_region *region_of(uint64_t gpa)
{
	unsigned int i = 0;

	while (gpa - rig.net.mem.region[i].gpa >= rig.net.mem.region[i].size)
		i++;
	return &rig.net.mem.region[i];
}

TEST(by_a_memory_table)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const struct vg_region *r;
	struct vg_buf *b;
	uint8_t *other;
	int i;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_FINE(rig_start(&rig));
	b = next_buf(0x11);
	r = region_of(b->gpa);
	other = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	put(b);
	EXPECT_EQ(0x11, received(5000));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
		b = next_buf(0x33);
		fill(other + (b->gpa - r->gpa), 0x22);
		ASSERT_EQ(0, move_region(b->gpa, other));
		put(b);
		EXPECT_EQ(0x22, received(5000));
		ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
		b = next_buf(0x44);
		ASSERT_EQ(0, move_region(b->gpa, r->hva));
		put(b);
		EXPECT_EQ(0x44, received(5000));
	}
	rig_close(&rig);
}

/* Send a frame and wait until its buffer is free again. */
static void send_one(struct __test_metadata *_metadata, struct vg_buf *b,
		     int value)
{
	put(b);
	EXPECT_EQ(value, received(5000));
	ASSERT_EQ(0, vg_net_drain(&rig.net, vg_deadline_ms(5000)));
}

/*
 * The mapping of a page that was sent from is replaced. With @in_turns a frame from
 * another page is sent in between.
 */
static void check_iommu(struct __test_metadata *_metadata, bool in_turns)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) |
					     VG_BIT(VG_F_ACCESS_PLATFORM),
				 .tx_size = 4096 };
	struct vg_buf *b, *second;
	uint64_t page;
	uint8_t *other;

	ASSERT_FINE(rig_open(&rig, RIG_TAP, &o));
	ASSERT_EQ(0, vg_iommu_start(&iommu, &rig.net, PAGE, false));
	ASSERT_FINE(rig_start(&rig));
	other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	b = next_buf(0x11);
	second = next_buf(0x44);
	page = b->gpa & ~(PAGE - 1);
	send_one(_metadata, b, 0x11);
	if (in_turns)
		send_one(_metadata, second, 0x44);
	else
		vg_buf_put(&rig.net.pool[VG_TX], second);
	/* The page has no mapping any more: the frame waits. */
	atomic_store(&iommu.mute, true);
	ASSERT_EQ(0, vg_iotlb_invalidate(rig.net.fd, page, PAGE));
	second = next_buf(0x55);
	b = next_buf(0x33);
	ASSERT_EQ(page, b->gpa & ~(PAGE - 1));
	ASSERT_NE(page, second->gpa & ~(PAGE - 1));
	vg_buf_put(&rig.net.pool[VG_TX], second);
	fill(other + b->gpa % PAGE, 0x22);
	put(b);
	EXPECT_EQ(0, received(300));
	ASSERT_EQ(0, vg_iotlb_send(rig.net.fd, &(struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_UPDATE, .iova = page, .size = PAGE,
		.uaddr = (uintptr_t)other, .perm = VHOST_ACCESS_RW }));
	EXPECT_EQ(0x22, received(5000));
	vg_net_stop(&rig.net);
	vg_iommu_stop(&iommu);
	rig_close(&rig);
}

TEST(by_an_iommu)
{
	check_iommu(_metadata, false);
}

TEST(by_an_iommu_behind_another_page)
{
	check_iommu(_metadata, true);
}

VD_TEST_MAIN
