// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames through an IOMMU: the device reports a miss, waits, continues after the
 * answer, and uses no mapping that was invalidated.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "../../../lib/vguest/worker.h"
#include "iommu_rig.h"

FIXTURE(mapped) { };

FIXTURE_VARIANT(mapped) {
	uint64_t features;
	unsigned int num;
	uint64_t granule;
	bool scattered;
};

FIXTURE_VARIANT_ADD(mapped, pages) { .num = 256, .granule = PAGE };

FIXTURE_VARIANT_ADD(mapped, scattered) {
	.num = 256, .granule = PAGE, .scattered = true,
};

FIXTURE_VARIANT_ADD(mapped, scattered_long_ring) {
	.num = 4096, .granule = PAGE, .scattered = true,
};

FIXTURE_VARIANT_ADD(mapped, scattered_event_idx) {
	.num = 1024, .granule = PAGE, .scattered = true,
	.features = VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG,
};

FIXTURE_VARIANT_ADD(mapped, scattered_indirect) {
	.num = 256, .granule = PAGE, .scattered = true,
	.features = VG_BIT(VG_F_INDIRECT) | VG_NET_F_MRG,
};

FIXTURE_VARIANT_ADD(mapped, large) {
	.num = 256, .granule = 1 << 20, .features = VG_NET_F_MRG,
};

FIXTURE_SETUP(mapped) { }

FIXTURE_TEARDOWN(mapped) { }

TEST_F(mapped, frames_cross)
{
	SET_UP(variant->features, variant->num, variant->granule,
	       variant->scattered);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(400));
	/* The attach maps the ring's granule; a large one contains everything. */
	if (variant->granule == PAGE)
		EXPECT_NE(0, atomic_load(&iommu.misses));
	tear_down();
}

/* With all mappings there is no miss, whatever happens to other addresses. */
TEST(no_miss_twice)
{
	unsigned long misses;
	int i;

	SET_UP(0, 256, 1 << 20, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(300));
	misses = atomic_load(&iommu.misses);
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, 0x7000000000 +
						 i * PAGE, PAGE));
		EXPECT_EQ(0, vg_iotlb_send(rig.net.fd, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE, .iova = 0x7000000000,
			.size = PAGE, .uaddr = (uintptr_t)iommu.alias[0],
			.perm = VHOST_ACCESS_RW }));
		EXPECT_FINE(both_ways(20));
	}
	EXPECT_EQ(misses, atomic_load(&iommu.misses));
	tear_down();
}

/* Mappings come and go under load, those of the rings among them. */
TEST(invalidated_under_load)
{
	struct stream s[2];
	uint64_t deadline = vg_deadline_ms(2000);
	unsigned int nr = 0;

	SET_UP(VG_NET_F_MRG, 256, PAGE, true);
	ASSERT_FINE(rig_start(&rig));
	s[0] = stream_make(&rig, VG_TX, 100000);
	s[1] = stream_make(&rig, VG_RX, 100000);
	while (!vg_expired(deadline)) {
		const struct vg_region *r = &rig.net.mem.region[nr % 2];

		ASSERT_LE(0, stream_step(&s[0]));
		ASSERT_LE(0, stream_step(&s[1]));
		EXPECT_EQ(0, nr++ % 16 ?
			  vg_iotlb_invalidate(rig.net.fd, r->gpa +
					      nr * 7 % 64 * PAGE, PAGE) :
			  vg_iotlb_invalidate(rig.net.fd, 0, -1));
		sched_yield();
	}
	for (nr = 0; nr < 2; nr++)
		s[nr].count = s[nr].sent;
	EXPECT_FINE(stream_run(s, 2));
	EXPECT_LT(100, s[0].got);
	EXPECT_LT(100, s[1].got);
	tear_down();
}

/* Nothing is accessed through a removed mapping: the memory may be unmapped at once. */
TEST(nothing_used_after_invalidation)
{
	unsigned int i, j;

	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	for (i = 0; i < 20; i++) {
		ASSERT_FINE(both_ways(10));
		pthread_mutex_lock(&iommu.lock);
		EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, 0, -1));
		for (j = 0; j < rig.net.mem.nr; j++) {
			const struct vg_region *r = &rig.net.mem.region[j];
			void *p = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
				       MAP_SHARED, r->fd, 0);

			ASSERT_NE(MAP_FAILED, p);
			munmap(iommu.alias[j], r->size);
			iommu.alias[j] = p;
		}
		pthread_mutex_unlock(&iommu.lock);
	}
	EXPECT_FINE(both_ways(10));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[0]));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[1]));
	tear_down();
}

/* More mappings than the device keeps: the oldest are missed again. */
TEST(more_than_it_holds)
{
	unsigned long misses;

	SET_UP(VG_NET_F_MRG, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(200));
	misses = atomic_load(&iommu.misses);
	/* 2048 other mappings evict all of them. */
	EXPECT_EQ(0, vg_iommu_map(&iommu, rig.net.mem.region[0].gpa, PAGE,
				  VHOST_ACCESS_RW));
	for (int i = 0; i < 2100; i++)
		ASSERT_EQ(0, vg_iotlb_send(rig.net.fd, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE,
			.iova = 0x7000000000 + i * PAGE, .size = PAGE,
			.uaddr = (uintptr_t)iommu.alias[0],
			.perm = VHOST_ACCESS_RW }));
	EXPECT_FINE(both_ways(200));
	EXPECT_LT(misses, atomic_load(&iommu.misses));
	tear_down();
}

static bool wait_for_misses(unsigned long nr)
{
	uint64_t deadline = vg_deadline_ms(10000);

	while (atomic_load(&iommu.misses) < nr && !vg_expired(deadline))
		sched_yield();
	return atomic_load(&iommu.misses) >= nr;
}

/* Without an answer one queue waits, idle; the other continues. */
TEST(unanswered)
{
	struct stream tx, rx;
	unsigned long misses;
	int i;

	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(100));
	/* A transmit buffer without a mapping. */
	tx = stream_make(&rig, VG_TX, 1);
	rx = stream_make(&rig, VG_RX, 200);
	atomic_store(&iommu.mute, true);
	misses = atomic_load(&iommu.misses);
	for (i = 0; i < rig.net.mem.nr; i++)
		EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd,
						 rig.net.mem.region[i].gpa,
						 rig.net.mem.region[i].size));
	EXPECT_LE(0, stream_step(&tx));
	EXPECT_TRUE(wait_for_misses(misses + 1));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	EXPECT_EQ(0, vg_eventfd_take(rig.net.err[VG_TX]));

	/* A kick makes it report the miss again; the answer lets it continue. */
	atomic_store(&iommu.mute, false);
	vg_ring_kick_always(&rig.net.ring[VG_TX]);
	if (vg_dev_is_reference() && !wait_for_misses(misses + 2)) {
		tear_down();
		SKIP(return, "the reference reports a miss only once");
	}
	EXPECT_FINE(stream_run(&tx, 1));
	vg_ring_kick_always(&rig.net.ring[VG_RX]);
	EXPECT_FINE(stream_run(&rx, 1));
	tear_down();
}

/*
 * A stop of one ring drops all misses, also that of the other ring, which waits
 * for nothing else, and so must report it again.
 */
TEST(the_other_ring_stops)
{
	uint64_t first, end;
	unsigned long misses;
	struct stream rx;

	if (vg_dev_is_reference())
		SKIP(return, "the reference waits for a kick that does not come");
	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(100));
	atomic_store(&iommu.mute, true);
	misses = atomic_load(&iommu.misses);
	pool_pages(VG_RX, &first, &end);
	EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, first, end - first));
	rx = stream_make(&rig, VG_RX, 50);
	EXPECT_LE(0, stream_step(&rx));
	ASSERT_TRUE(wait_for_misses(misses + 1));
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));

	/* Misses that have been read by now are never answered. */
	atomic_store(&iommu.mute, false);
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
	EXPECT_FINE(stream_run(&rx, 1));
	tear_down();
}

static int set_addr(unsigned int q, uint64_t desc, uint64_t avail,
		    uint64_t used)
{
	return vg_set_vring_addr(rig.net.fd, &(struct vhost_vring_addr){
		.index = q, .desc_user_addr = desc, .avail_user_addr = avail,
		.used_user_addr = used });
}

/* A descriptor across two pages would be read from memory that is not mapped there. */
TEST(unaligned_ring)
{
	const struct vg_ring *r = &rig.net.ring[VG_TX];
	struct stream tx;

	if (vg_dev_is_reference())
		SKIP(return, "the reference takes any alignment");
	SET_UP(0, 1024, PAGE, true);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(20));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
	EXPECT_EQ(0, set_addr(VG_TX, r->desc_gpa + 8, r->avail_gpa,
			      r->used_gpa));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, rig.backend));
	vg_eventfd_add(rig.net.kick[VG_TX], 1);
	EXPECT_EQ(1, vg_eventfd_wait(rig.net.err[VG_TX], vg_deadline_ms(10000)));

	/* With aligned addresses the ring works. */
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, -1));
	EXPECT_EQ(0, set_addr(VG_TX, r->desc_gpa, r->avail_gpa, r->used_gpa));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_TX, rig.backend));
	tx = stream_make(&rig, VG_TX, 50);
	EXPECT_FINE(stream_run(&tx, 1));
	tear_down();
}

/* Between the end of ACCESS_PLATFORM and new addresses a ring is idle, not broken. */
TEST(mode_ends_under_way)
{
	uint64_t platform = VG_BIT(VG_F_ACCESS_PLATFORM);
	struct stream s[2];
	unsigned int q;

	if (vg_dev_is_reference())
		SKIP(return, "the older reference keeps the addresses");
	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(100));
	vg_iommu_retire(&iommu);
	EXPECT_EQ(0, vg_set_features(rig.net.fd, rig.net.features & ~platform));
	s[0] = stream_make(&rig, VG_TX, 50);
	s[1] = stream_make(&rig, VG_RX, 50);
	for (q = 0; q < 2; q++) {
		EXPECT_LE(0, stream_step(&s[q]));
		vg_eventfd_add(rig.net.kick[q], 1);
	}
	EXPECT_EQ(0, vg_worker_unrest(vg_worker_find(getpid())));
	for (q = 0; q < 2; q++) {
		const struct vg_ring *r = &rig.net.ring[q];

		EXPECT_EQ(0, vg_eventfd_take(rig.net.err[q]));
		EXPECT_EQ(0, set_addr(q, (uintptr_t)r->desc,
				      (uintptr_t)r->avail, (uintptr_t)r->used));
	}
	EXPECT_FINE(stream_run(s, 2));
	tear_down();
}

/* A miss that was read is resolved by any update that contains it. */
TEST(late_answer)
{
	struct stream tx;
	unsigned long misses;
	unsigned int i;

	SET_UP(0, 256, PAGE, false);
	ASSERT_FINE(rig_start(&rig));
	EXPECT_FINE(both_ways(50));
	atomic_store(&iommu.mute, true);
	misses = atomic_load(&iommu.misses);
	EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, 0, -1));
	tx = stream_make(&rig, VG_TX, 30);
	EXPECT_LE(0, stream_step(&tx));
	ASSERT_TRUE(wait_for_misses(misses + 1));
	/* An update does not resolve a later miss that is still unread. */
	pthread_mutex_lock(&iommu.lock);
	atomic_store(&iommu.mute, false);
	pthread_mutex_unlock(&iommu.lock);
	/* Everything at once; no kick follows. */
	for (i = 0; i < rig.net.mem.nr; i++) {
		const struct vg_region *r = &rig.net.mem.region[i];

		EXPECT_EQ(0, vg_iotlb_send(rig.net.fd, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE, .iova = r->gpa,
			.size = r->size, .uaddr = (uintptr_t)iommu.alias[i],
			.perm = VHOST_ACCESS_RW }));
	}
	EXPECT_FINE(stream_run(&tx, 1));
	tear_down();
}

/* To be attached, a ring needs its device area, and reports the miss. */
TEST(attach_needs_the_used_ring)
{
	struct vhost_iotlb_msg miss;

	SET_UP(0, 256, PAGE, false);
	vg_iommu_retire(&iommu);
	EXPECT_EQ(0, vg_iotlb_invalidate(rig.net.fd, 0, -1));
	EXPECT_EQ(-EFAULT, vg_set_backend(rig.net.fd, VG_RX, rig.backend));
	EXPECT_EQ(1, vg_eventfd_take(rig.net.err[VG_RX]));
	ASSERT_EQ(0, vg_iotlb_recv(rig.net.fd, &miss));
	EXPECT_EQ(VHOST_IOTLB_MISS, miss.type);
	EXPECT_EQ(rig.net.ring[VG_RX].used_gpa, miss.iova);
	EXPECT_EQ(0, miss.size);
	EXPECT_EQ(0, vg_iommu_map(&iommu, miss.iova, 2054, VHOST_ACCESS_RW));
	EXPECT_EQ(0, vg_set_backend(rig.net.fd, VG_RX, rig.backend));
	tear_down();
}

VD_TEST_MAIN
