// SPDX-License-Identifier: GPL-2.0-only
/* The IOMMU of a vhost client. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu.h"
#include "wait.h"

#define IOMMU_PAGE	((uint64_t)vg_page())

int vg_iotlb_send(int fd, const struct vhost_iotlb_msg *msg)
{
	struct vhost_msg_v2 m = { .type = VHOST_IOTLB_MSG_V2, .iotlb = *msg };
	ssize_t len = write(fd, &m, sizeof(m));

	return len < 0 ? -errno : len == sizeof(m) ? 0 : -EIO;
}

int vg_iotlb_recv(int fd, struct vhost_iotlb_msg *msg)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct vhost_msg_v2 m;
	ssize_t len;

	/* Another reader may be faster: then this waits, or not (O_NONBLOCK). */
	if (poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	len = read(fd, &m, sizeof(m));
	if (len < 0)
		return -errno;
	/* Both versions have the body at the same place. */
	*msg = m.iotlb;
	return len == sizeof(m) ? 0 : -EIO;
}

int vg_iotlb_invalidate(int fd, uint64_t iova, uint64_t size)
{
	return vg_iotlb_send(fd, &(struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_INVALIDATE,
		.iova = iova,
		.size = size,
	});
}

/* Pages are swapped in pairs, so that each is found from its neighbour. */
static uint64_t iommu_page_at(const struct vg_iommu *m, unsigned int i,
			      uint64_t off)
{
	return off < m->shuffled[i] ? off ^ IOMMU_PAGE : off;
}

static int iommu_alias(struct vg_iommu *m, unsigned int i)
{
	const struct vg_region *r = &m->net->mem.region[i];
	uint64_t off;

	m->alias[i] = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   r->fd, 0);
	if (m->alias[i] == MAP_FAILED)
		return -errno;
	/* The allocated part alone: a process may not have more mappings. */
	if (m->scattered)
		m->shuffled[i] = r->used & ~(2 * IOMMU_PAGE - 1);
	for (off = 0; off < m->shuffled[i]; off += IOMMU_PAGE)
		if (mmap(m->alias[i] + iommu_page_at(m, i, off), IOMMU_PAGE,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
			 off) == MAP_FAILED)
			return -errno;
	return 0;
}

/* Map the granule that holds @iova, up to the end of its region. */
static int iommu_map_one(struct vg_iommu *m, uint64_t iova, uint8_t perm,
			 uint64_t *next)
{
	uint64_t first = iova & ~(m->granule - 1), end = first + m->granule;
	unsigned int i;

	for (i = 0; i < m->net->mem.nr; i++) {
		const struct vg_region *r = &m->net->mem.region[i];

		if (iova < r->gpa || iova - r->gpa >= r->size)
			continue;
		first = first < r->gpa ? r->gpa : first;
		end = end > r->gpa + r->size ? r->gpa + r->size : end;
		*next = end;
		return vg_iotlb_send(m->net->fd, &(struct vhost_iotlb_msg){
			.type = VHOST_IOTLB_UPDATE,
			.iova = first,
			.size = end - first,
			.uaddr = (uintptr_t)m->alias[i] +
				 iommu_page_at(m, i, first - r->gpa),
			.perm = perm,
		});
	}
	return -ENOENT;
}

int vg_iommu_map(struct vg_iommu *m, uint64_t iova, uint64_t len, uint8_t perm)
{
	uint64_t end = iova + len;
	int ret = 0;

	while (iova < end && !ret)
		ret = iommu_map_one(m, iova, perm, &iova);
	return ret;
}

static void *iommu_main(void *data)
{
	struct vg_iommu *m = data;
	struct pollfd p[2] = {
		{ .fd = m->net->fd, .events = POLLIN },
		{ .fd = m->stop, .events = POLLIN },
	};
	struct vhost_iotlb_msg miss;
	uint64_t next;

	while (poll(p, 2, -1) >= 0 && !p[1].revents) {
		pthread_mutex_lock(&m->lock);
		if (!vg_iotlb_recv(m->net->fd, &miss)) {
			atomic_fetch_add(&m->misses, 1);
			/* An IOMMU does not answer if there is no mapping. */
			if (!atomic_load(&m->mute))
				iommu_map_one(m, miss.iova, VHOST_ACCESS_RW,
					      &next);
		}
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

static int iommu_map_used_rings(struct vg_iommu *m)
{
	unsigned int q;
	int ret = 0;

	for (q = 0; q < 2 && !ret; q++) {
		const struct vg_ring *r = &m->net->ring[q];

		ret = vg_iommu_map(m, r->used_gpa, 6 + 8 * r->num,
				   VHOST_ACCESS_RW);
	}
	return ret;
}

int vg_iommu_start(struct vg_iommu *m, struct vg_net *n, uint64_t granule,
		   bool scattered)
{
	unsigned int i;
	int ret = 0;

	*m = (struct vg_iommu){ .net = n, .granule = granule,
				.scattered = scattered, .stop = vg_eventfd() };
	pthread_mutex_init(&m->lock, NULL);
	m->alias = calloc(n->mem.nr, sizeof(*m->alias));
	m->shuffled = calloc(n->mem.nr, sizeof(*m->shuffled));
	if (!m->alias || !m->shuffled)
		return -ENOMEM;
	for (i = 0; i < n->mem.nr && !ret; i++)
		ret = iommu_alias(m, i);
	/* A stop may drop a miss between poll() and read(). */
	if (!ret && fcntl(n->fd, F_SETFL, O_RDWR | O_NONBLOCK))
		ret = -errno;
	if (!ret)
		ret = vg_set_backend_features(n->fd, 2);
	if (!ret)
		ret = iommu_map_used_rings(m);
	if (!ret)
		ret = -pthread_create(&m->thread, NULL, iommu_main, m);
	m->running = !ret;
	return ret;
}

void vg_iommu_retire(struct vg_iommu *m)
{
	if (!m->running)
		return;
	vg_eventfd_add(m->stop, 1);
	pthread_join(m->thread, NULL);
	m->running = false;
}

void vg_iommu_stop(struct vg_iommu *m)
{
	unsigned int i;

	vg_iommu_retire(m);
	for (i = 0; i < m->net->mem.nr; i++)
		if (m->alias[i] && m->alias[i] != MAP_FAILED)
			munmap(m->alias[i], m->net->mem.region[i].size);
	free(m->alias);
	free(m->shuffled);
	close(m->stop);
}
