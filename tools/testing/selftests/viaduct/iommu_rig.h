/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_IOMMU_RIG_H
#define VD_IOMMU_RIG_H

#include "../../../lib/vguest/iommu.h"
#include "rig.h"
#include "vd_test.h"

/* A rig behind an IOMMU. One for each test. */

#define PAGE 4096ULL

static struct rig rig;
static struct vg_iommu iommu;

static inline const char *set_up(uint64_t features, unsigned int num,
				 uint64_t granule, bool scattered)
{
	struct vg_net_opts o = {
		.features = features | VG_BIT(VG_F_VERSION_1) |
			    VG_BIT(VG_F_ACCESS_PLATFORM),
		.num = { num, num }, .nr_rx = 128, .nr_tx = 128, .seed = 5,
		.rx_size = 2048,
	};
	const char *why = rig_open(&rig, RIG_TAP, &o);
	int ret;

	if (why)
		return why;
	ret = vg_iommu_start(&iommu, &rig.net, granule, scattered);
	return ret ? rig_fail(&rig, "IOMMU: %s", strerror(-ret)) : NULL;
}

static inline bool is_offered(void)
{
	uint64_t features = 0;
	int fd = vg_dev_open(NULL);

	vg_get_features(fd, &features);
	close(fd);
	return features & VG_BIT(VG_F_ACCESS_PLATFORM);
}

#define SET_UP(...) do { \
	if (!is_offered()) \
		SKIP(return, "no ACCESS_PLATFORM offered"); \
	ASSERT_FINE(set_up(__VA_ARGS__)); \
} while (0)

static inline void tear_down(void)
{
	vg_net_stop(&rig.net);
	vg_iommu_stop(&iommu);
	rig_close(&rig);
}

static inline const char *both_ways(uint64_t count)
{
	struct stream s[2] = { stream_make(&rig, VG_TX, count),
			       stream_make(&rig, VG_RX, count) };

	return stream_run(s, 2);
}

/* The pages that hold buffers of a ring and nothing else. */
static inline void pool_pages(unsigned int q, uint64_t *first, uint64_t *end)
{
	const struct vg_pool *p = &rig.net.pool[q];
	unsigned int i;

	*first = UINT64_MAX;
	*end = 0;
	for (i = 0; i < p->nr; i++) {
		uint64_t gpa = p->buf[i].gpa;

		*first = gpa < *first ? gpa : *first;
		*end = gpa + p->size > *end ? gpa + p->size : *end;
	}
	*first = (*first + PAGE - 1) & ~(PAGE - 1);
	*end &= ~(PAGE - 1);
}

#endif
