// SPDX-License-Identifier: GPL-2.0-only
/* Buffers that the device may read, and must not write. */
#include "../../../lib/vguest/worker.h"
#include "iommu_rig.h"

/* Replaces the mappings of [@first, @end) by one with permission @perm. */
static int map_as_one(uint64_t first, uint64_t end, uint8_t perm)
{
	unsigned int i = 0;
	int ret;

	while (first - rig.net.mem.region[i].gpa >= rig.net.mem.region[i].size)
		if (++i == rig.net.mem.nr)
			return -ENOENT;
	ret = vg_iotlb_invalidate(rig.net.fd, first, end - first);
	if (ret)
		return ret;
	return vg_iotlb_send(rig.net.fd, &(struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_UPDATE, .iova = first, .size = end - first,
		.uaddr = (uintptr_t)iommu.alias[i] + first - rig.net.mem.region[i].gpa,
		.perm = perm });
}

/* All that has been allocated since the receive buffers. */
static void from_rx_buffers(uint64_t *first, uint64_t *end)
{
	unsigned int i;

	pool_pages(VG_RX, first, end);
	for (i = 0; i < rig.net.mem.nr; i++) {
		const struct vg_region *r = &rig.net.mem.region[i];

		if (*first - r->gpa < r->size)
			*end = r->gpa + r->size;
	}
}

static bool are_tables_within(uint64_t first, uint64_t end)
{
	const struct vg_ring *r = &rig.net.ring[VG_RX];
	unsigned int i, nr = 0;

	for (i = 0; i < r->num; i++) {
		if (r->table[i].gpa == VG_NO_GPA)
			continue;
		if (r->table[i].gpa < first || r->table[i].gpa >= end)
			return false;
		nr++;
	}
	return nr;
}

/* The ring stops, with one error, until its buffers can be written. */
static void expect_refused(struct __test_metadata *_metadata, uint64_t first,
			   uint64_t end)
{
	struct stream rx = stream_make(&rig, VG_RX, 20);
	uint64_t errs;

	ASSERT_EQ(0, map_as_one(first, end, VHOST_ACCESS_RO));
	EXPECT_LE(0, stream_step(&rx));
	/* The in-tree driver signals it again at each kick and each wake-up. */
	errs = vg_eventfd_wait(rig.net.err[VG_RX], vg_deadline_ms(10000));
	EXPECT_LE(1, errs);
	if (!vg_dev_is_reference())
		EXPECT_EQ(1, errs);
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));

	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, -1));
	ASSERT_EQ(0, map_as_one(first, end, VHOST_ACCESS_RW));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, rig.backend));
	EXPECT_FINE(stream_run(&rx, 1));
}

/* A buffer that may not be written is the guest's fault, and no miss. */
TEST(read_only_buffer)
{
	uint64_t first, end;

	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(200));
	pool_pages(VG_RX, &first, &end);
	expect_refused(_metadata, first, end);
	tear_down();
}

/* The same mapping contains the tables, which the device reads first. */
TEST(read_only_buffer_beside_its_table)
{
	uint64_t first, end;

	SET_UP(VG_BIT(VG_F_INDIRECT), 256, PAGE, false);
	rig.net.rx_layout = &vg_layout_indirect;
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(200));
	from_rx_buffers(&first, &end);
	ASSERT_TRUE(are_tables_within(first, end));
	expect_refused(_metadata, first, end);
	tear_down();
}

VD_TEST_MAIN
