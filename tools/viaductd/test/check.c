// SPDX-License-Identifier: GPL-2.0-only
/* Invariants of the kernel's state between two messages. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/mman.h>

#include "dev.h"
#include "kernel.h"
#include "port.h"

static bool is_mapped(uint64_t addr, uint64_t len)
{
	uint64_t start = addr & ~4095ULL;

	return !msync((void *)(uintptr_t)start, addr + len - start, MS_ASYNC);
}

static bool is_in_table(const struct kernel_pair *p, uint64_t addr, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < p->nr_regions; i++) {
		uint64_t off = addr - p->region[i].userspace_addr;

		if (off < p->region[i].memory_size &&
		    len <= p->region[i].memory_size - off)
			return true;
	}
	return false;
}

static bool areas_are_in_table(const struct kernel_pair *p,
			       const struct kernel_ring *r)
{
	unsigned int event = p->features >> VIRTIO_RING_F_EVENT_IDX & 1 ? 2 : 0;
	bool packed = p->features >> VIRTIO_F_RING_PACKED & 1;

	return is_in_table(p, r->addr.desc_user_addr, 16ULL * r->num) &&
	       is_in_table(p, r->addr.avail_user_addr,
			   packed ? 4 : 4 + 2ULL * r->num + event) &&
	       is_in_table(p, r->addr.used_user_addr,
			   packed ? 4 : 4 + 8ULL * r->num + event);
}

static bool log_has(const struct viaduct_dev *dev, uint64_t gpa)
{
	return (gpa >> 12) / 8 < dev->log.size;
}

static const char *check_log(const struct viaduct_dev *dev,
			     const struct kernel_pair *p,
			     const struct kernel_ring *r)
{
	unsigned int i;

	if (!(p->features >> VD_F_LOG_ALL & 1) && !(r->addr.flags & 1))
		return NULL;
	if (!dev->log.base || p->log != (uintptr_t)dev->log.data)
		return "the kernel has another log than the device";
	if (!is_mapped(p->log, dev->log.size))
		return "the log is not mapped";
	for (i = 0; i < p->nr_regions; i++)
		if (!log_has(dev, p->region[i].guest_phys_addr +
			     p->region[i].memory_size - 1))
			return "a region is not in the log";
	if (r->addr.flags & 1 &&
	    (r->addr.log_guest_addr + 4 < r->addr.log_guest_addr ||
	     !log_has(dev, r->addr.log_guest_addr + 3)))
		return "a used ring is not in the log";
	return NULL;
}

static const char *check_ring(const struct viaduct_dev *dev,
			      const struct kernel_pair *p,
			      const struct kernel_ring *r)
{
	unsigned int i;

	if (r->backend < 0)
		return NULL;
	for (i = 0; i < p->nr_regions; i++)
		if (!is_mapped(p->region[i].userspace_addr,
			       p->region[i].memory_size))
			return "a region is not mapped";
	if (!areas_are_in_table(p, r))
		return "an area is not in the memory table";
	return check_log(dev, p, r);
}

const char *kernel_check(const struct vdd_port *port)
{
	const struct viaduct_dev *dev = port->ring[0].v->dev;
	const char *wrong = kernel.complaint[0] ? kernel.complaint : NULL;
	unsigned int i;

	for (i = 0; i < 2 * KERNEL_PAIRS && !wrong; i++)
		wrong = check_ring(dev, &kernel.pair[i / 2],
				   &kernel.pair[i / 2].ring[i % 2]);
	return wrong;
}
