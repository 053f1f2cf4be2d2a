// SPDX-License-Identifier: GPL-2.0-only
/* Rings that lie behind an IOMMU, in one piece and scattered. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <stdlib.h>

#include "guest/iotlb.h"
#include "ring/state.h"
#include "lib/drv.h"
#include "lib/unit.h"

#define PAGE	0x1000ULL
/* The I/O addresses of the ring's areas: each begins in the middle of a page. */
#define IO_DESC		(0x100000ULL + 0x800)
#define IO_DRIVER	(0x200000ULL + 0x800)
#define IO_DEVICE	(0x300000ULL + 0x804)
#define NUM		1024U

static struct vd_iotlb iotlb;
static struct vd_mem mem;
static struct vd_ring ring;
static struct vd_dirty_log log;
static struct vd_ring_pages *pages;
static void __user *page[8];

static void map(u64 iova, u64 len, u64 hva, u8 perm)
{
	const struct vd_region region = {
		.gpa = iova,
		.span = len - 1,
		.hva = hva,
	};

	drv_iotlb_add(&iotlb, &region, perm);
}

static void unmap(u64 iova)
{
	struct vd_iotlb_map *it = vd_iotlb_find(&iotlb, iova, iova);
	u64 first = it->region.gpa, last = first + it->region.span;

	vd_mem_forget(&mem, first, last);
	vd_ring_forget(&ring, first, last);
	vd_iotlb_del(&iotlb, it);
}

static void begin(void)
{
	vd_iotlb_init(&iotlb);
	mem = (struct vd_mem){};
	log = (struct vd_dirty_log){};
	vd_mem_set_iotlb(&mem, &iotlb);
}

static void end(void)
{
	while (iotlb.nr)
		vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
}

static int map_area(struct vd_area *area, u64 addr, size_t len, u8 perm)
{
	vd_area_set(area, addr);
	vd_area_resize(area, len, 4, perm);
	return vd_area_map(area, &mem, page);
}

TEST(area_in_one_piece)
{
	struct vd_area area;

	begin();
	map(0x1000, PAGE, DRV_A_HVA, VHOST_ACCESS_RO);
	map(0x2000, 2 * PAGE, DRV_A_HVA + PAGE, VHOST_ACCESS_RO);
	CHECK_EQ(map_area(&area, 0x1800, 2 * PAGE, VHOST_ACCESS_RO), 0);
	CHECK(!area.page);
	CHECK_EQ((u64)area.base, DRV_A_HVA + 0x800);
	CHECK_EQ((u64)vd_area_at(&area, 0x900), DRV_A_HVA + 0x1100);
	/* Up to the last byte that is known, and one further. */
	CHECK_EQ(map_area(&area, 0x1800, 0x2800, VHOST_ACCESS_RO), 0);
	CHECK_EQ(map_area(&area, 0x1800, 0x2801, VHOST_ACCESS_RO), -EAGAIN);
	CHECK_EQ(mem.miss.iova, 0x4000);
	CHECK_EQ(map_area(&area, 0x1ffe, PAGE, VHOST_ACCESS_RO), 0);
	CHECK_EQ(map_area(&area, 0x1800, 1, VHOST_ACCESS_WO), -EFAULT);
	CHECK_EQ(map_area(&area, ~0ULL, 2, VHOST_ACCESS_RO), -EFAULT);
	end();
}

TEST(area_scattered)
{
	struct vd_area area;

	begin();
	map(0x1000, PAGE, DRV_B_HVA, VHOST_ACCESS_RW);
	map(0x2000, PAGE, DRV_A_HVA, VHOST_ACCESS_RW);
	map(0x3000, PAGE, DRV_C_HVA, VHOST_ACCESS_RW);
	CHECK_EQ(map_area(&area, 0x1ffc, PAGE + 8, VHOST_ACCESS_RW), 0);
	CHECK(area.page);
	CHECK_EQ((u64)vd_area_at(&area, 0), DRV_B_HVA + 0xffc);
	CHECK_EQ((u64)vd_area_at(&area, 4), DRV_A_HVA);
	CHECK_EQ((u64)vd_area_at(&area, 4 + PAGE), DRV_C_HVA);
	/* A field across two pages would continue in an unrelated page. */
	CHECK_EQ(map_area(&area, 0x1ffe, PAGE, VHOST_ACCESS_RW), -EPROTO);
	CHECK_EQ((u64)vd_area_at(&area, 0), 0x1ffe);
	/* A page that two mappings share cannot be used. */
	map(0x5000, 0x800, DRV_A_HVA, VHOST_ACCESS_RW);
	map(0x5800, 0x800, DRV_C_HVA, VHOST_ACCESS_RW);
	CHECK_EQ(map_area(&area, 0x5000, PAGE, VHOST_ACCESS_RW), -EFAULT);
	end();
}

TEST(area_touches)
{
	struct vd_area area;

	vd_area_set(&area, 0x1000);
	vd_area_resize(&area, 16, 4, VHOST_ACCESS_RO);
	CHECK(!vd_area_touches(&area, 0, 0xfff));
	CHECK(vd_area_touches(&area, 0, 0x1000));
	CHECK(vd_area_touches(&area, 0x100f, 0x100f));
	CHECK(!vd_area_touches(&area, 0x1010, ~0ULL));
}

/* The ring's areas at I/O addresses, their pages adjoining or @scattered. */
static void begin_ring(bool scattered)
{
	const struct vhost_vring_addr addr = {
		.desc_user_addr = IO_DESC,
		.avail_user_addr = IO_DRIVER,
		.used_user_addr = IO_DEVICE,
	};
	const u64 io[] = { IO_DESC, IO_DRIVER, IO_DEVICE };
	const unsigned int prot[] = { UMEM_R, UMEM_R, UMEM_R | UMEM_W };
	u64 i, j, at;

	begin();
	pages = calloc(1, sizeof(*pages));
	vd_ring_init(&ring, &log);
	vd_ring_set_num(&ring, NUM);
	vd_ring_set_pages(&ring, pages);
	vd_ring_set_addr(&ring, &addr);
	CHECK(vd_ring_is_user(&ring));
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 6; j++) {
			at = UMEM_BASE + (i << 24) +
			     PAGE * (scattered ? 16 - 2 * j : j);
			umem_map(at, PAGE, prot[i] | UMEM_CHECKED);
			map((io[i] & ~(PAGE - 1)) + j * PAGE, PAGE, at,
			    prot[i] & UMEM_W ? VHOST_ACCESS_RW :
					       VHOST_ACCESS_RO);
		}
	}
}

static void end_ring(void)
{
	end();
	free(pages);
	umem_settle();
}

static void *io_ptr(u64 iova, size_t len)
{
	struct vd_iotlb_map *it = vd_iotlb_find(&iotlb, iova, iova);

	return umem_ptr(it->region.hva + (iova - it->region.gpa), len);
}

static void run_ring(void)
{
	struct vd_batch *batch = calloc(1, sizeof(*batch) +
					   sizeof(batch->chain[0]) * VD_BATCH);
	unsigned int i;

	CHECK_EQ(vd_ring_map(&ring, &mem), 0);
	vd_ring_start(&ring, 0);
	batch->max = VD_BATCH;
	map(0x9000000, PAGE, DRV_A_HVA, VHOST_ACCESS_RW);
	for (i = 0; i < NUM; i++) {
		struct vring_desc *desc = io_ptr(IO_DESC + 16 * i, 16);
		__le16 *head = io_ptr(IO_DRIVER + 4 + 2 * i, 2);

		desc->addr = cpu_to_le64(0x9000000 + i);
		desc->len = cpu_to_le32(1);
		*head = cpu_to_le16(NUM - 1 - i);
	}
	*(__le16 *)io_ptr(IO_DRIVER + 2, 2) = cpu_to_le16(NUM);
	for (i = 0; i < NUM; i++) {
		CHECK_EQ(vd_ring_fetch(&ring, &mem, batch, 1), 1);
		CHECK_EQ(batch->chain[0].head, NUM - 1 - i);
		CHECK_EQ((u64)batch->seg[0].iov_base,
			 DRV_A_HVA + NUM - 1 - i);
		CHECK_EQ(drv_complete(&ring, batch->chain[0].head, i), 0);
		CHECK_EQ(vd_ring_publish(&ring, true), 1);
		vd_batch_reset(batch);
		umem_settle();
	}
	for (i = 0; i < NUM; i++) {
		CHECK_EQ(*(u32 *)io_ptr(IO_DEVICE + 4 + 8 * i, 4), NUM - 1 - i);
		CHECK_EQ(*(u32 *)io_ptr(IO_DEVICE + 8 + 8 * i, 4), i);
	}
	CHECK_EQ(*(u16 *)io_ptr(IO_DEVICE + 2, 2), NUM);
	free(batch);
}

TEST(area_ring_in_one_piece)
{
	begin_ring(false);
	run_ring();
	CHECK(!ring.desc.page && !ring.driver.page && !ring.device.page);
	end_ring();
}

TEST(area_ring_scattered)
{
	begin_ring(true);
	run_ring();
	CHECK(ring.desc.page && ring.driver.page && ring.device.page);
	end_ring();
}

static int map_ring_at(u64 desc, u64 driver, u64 device)
{
	vd_ring_set_addr(&ring, &(struct vhost_vring_addr){
		.desc_user_addr = desc,
		.avail_user_addr = driver,
		.used_user_addr = device,
	});
	return vd_ring_map(&ring, &mem);
}

/* No field of a scattered ring lies across two pages (2.7, 2.8). */
TEST(area_ring_unaligned)
{
	begin_ring(true);
	CHECK_EQ(map_ring_at(IO_DESC + 8, IO_DRIVER, IO_DEVICE), -EPROTO);
	CHECK(!ring.is_mapped);
	CHECK_EQ(map_ring_at(IO_DESC, IO_DRIVER + 2, IO_DEVICE + 4), 0);
	end_ring();
}

TEST(area_ring_unaligned_in_one_piece)
{
	begin_ring(false);
	CHECK_EQ(map_ring_at(IO_DESC + 8, IO_DRIVER, IO_DEVICE), 0);
	end_ring();
}

/* The descriptors are written there, so they take the device area's pages. */
TEST(area_ring_unaligned_packed)
{
	const u64 desc = IO_DEVICE - 4, device = IO_DEVICE + 12 * NUM;

	begin_ring(true);
	vd_ring_set_features(&ring, BIT_ULL(VIRTIO_F_RING_PACKED));
	CHECK_EQ(map_ring_at(desc, IO_DRIVER + 0x7fe, device), -EPROTO);
	CHECK_EQ(map_ring_at(desc, IO_DRIVER + 0x7fc, device), 0);
	CHECK_EQ(map_ring_at(desc + 4, IO_DRIVER, device), -EPROTO);
	end_ring();
}

/* Each area misses with its kind of access, and is found again later. */
TEST(area_ring_unknown)
{
	u16 idx;

	begin_ring(true);
	unmap(IO_DESC + PAGE);
	CHECK_EQ(vd_ring_map(&ring, &mem), -EAGAIN);
	CHECK_EQ(mem.miss.iova, 0x101000);
	CHECK_EQ(mem.miss.perm, VHOST_ACCESS_RO);
	map(0x101000, PAGE, UMEM_BASE + PAGE * 14, VHOST_ACCESS_RO);
	CHECK_EQ(vd_ring_map(&ring, &mem), 0);
	/* An unused page may be unmapped; a used one is missed at the next run. */
	unmap(IO_DESC + 5 * PAGE);
	CHECK(ring.is_mapped);
	unmap(IO_DRIVER);
	CHECK(!ring.is_mapped);
	CHECK_EQ(vd_ring_map(&ring, &mem), -EAGAIN);
	CHECK_EQ(mem.miss.iova, IO_DRIVER);
	/* To be attached a ring only needs its device area. */
	CHECK_EQ(vd_ring_probe(&ring, &mem, &idx), 0);
	unmap(IO_DEVICE);
	CHECK_EQ(vd_ring_probe(&ring, &mem, &idx), -EAGAIN);
	CHECK_EQ(mem.miss.iova, IO_DEVICE);
	CHECK_EQ(mem.miss.perm, VHOST_ACCESS_WO);
	end_ring();
}

TEST(area_ring_without_addresses)
{
	begin();
	pages = calloc(1, sizeof(*pages));
	vd_ring_init(&ring, &log);
	vd_ring_set_pages(&ring, pages);
	CHECK_EQ(vd_ring_map(&ring, &mem), -ENXIO);
	vd_ring_set_pages(&ring, NULL);
	CHECK_EQ(vd_ring_map(&ring, &mem), -ENXIO);
	vd_ring_set_addr(&ring, &(struct vhost_vring_addr){
		.desc_user_addr = DRV_A_HVA,
	});
	CHECK_EQ(vd_ring_map(&ring, &mem), 0);
	end_ring();
}

/* Pages of I/O addresses need not begin where those of the owner do. */
TEST(area_log_of_shifted_pages)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 0, .memory_size = 32 * PAGE,
		  .userspace_addr = UMEM_BASE },
	};
	u32 *bits = umem_map(DRV_LOG_MAP, 64, UMEM_R | UMEM_W);
	struct vd_regions *regions = vd_regions_create(table, 1);
	struct vd_area area;

	begin();
	vd_ring_init(&ring, &log);
	ring.pages = calloc(1, sizeof(*ring.pages));
	log.bitmap = DRV_LOG_MAP;
	log.regions = regions;
	map(0x1000, PAGE, UMEM_BASE + 0x800, VHOST_ACCESS_RW);
	map(0x2000, PAGE, UMEM_BASE + 8 * PAGE + 0x800, VHOST_ACCESS_RW);
	CHECK_EQ(map_area(&area, 0x1000, 2 * PAGE, VHOST_ACCESS_RW), 0);
	vd_ring_log_write(&ring, &area, PAGE - 4, 16);
	CHECK_EQ(log.lost, 0);
	CHECK_EQ(bits[0], 1U << 1 | 1U << 8);
	free(ring.pages);
	vd_regions_destroy(regions);
	end();
}

/* The memory table determines which of the guest's pages to mark. */
TEST(area_ring_log)
{
	const struct vhost_memory_region table[] = {
		{ .guest_phys_addr = 0x7000, .memory_size = 64 * PAGE,
		  .userspace_addr = UMEM_BASE + (2ULL << 24) },
		{ .guest_phys_addr = 0x80000, .memory_size = PAGE,
		  .userspace_addr = UMEM_BASE + (2ULL << 24) + 14 * PAGE },
	};
	u32 *bits = umem_map(DRV_LOG_MAP, 64, UMEM_R | UMEM_W);
	struct vd_regions *regions = vd_regions_create(table, 2);
	unsigned int i;

	begin_ring(true);
	ring.is_logged = true;
	log.bitmap = DRV_LOG_MAP;
	log.regions = regions;
	CHECK(vd_ring_can_log(&ring, log.bitmap));
	CHECK_EQ(vd_ring_map(&ring, &mem), 0);
	vd_ring_start(&ring, 0);
	/* The index and 255 entries lie in page 0 of the area, the others in page 1. */
	for (i = 0; i < 255; i++)
		CHECK_EQ(drv_complete(&ring, 0, 0), 0);
	CHECK_EQ(vd_ring_publish(&ring, false), 0);
	CHECK_EQ(log.lost, 0);
	/* Page 0 lies 16 pages into the first region: 7 + 16. */
	CHECK_EQ(bits[0], 1U << 23);
	for (i = 0; i < 4; i++)
		CHECK_EQ(drv_complete(&ring, 0, 0), 0);
	CHECK_EQ(vd_ring_publish(&ring, false), 0);
	/* Page 1 lies two below, and in the second region as well. */
	CHECK_EQ(bits[0], 1U << 23 | 1U << 21);
	CHECK_EQ(bits[4], 1U << 0);
	vd_regions_destroy(regions);
	end_ring();
}
