// SPDX-License-Identifier: GPL-2.0-only
/* A whole set-up in one operation, as a correct client makes it. */
#include <linux/vhost.h>
#include <string.h>

#include "../../lib/vguest/dev.h"
#include "exec.h"
#include "kinds.h"

/* The ring of a driver; its old areas stay as they are. */
static bool ring_make(struct fz_vm *vm, uint64_t dev, uint64_t q, uint64_t size)
{
	struct vg_ring *r = &vm->ring[dev][q];
	unsigned int num = 1;

	while (num < size && num < 0x8000)
		num *= 2;
	vg_ring_fini(r);
	if (vg_ring_init(r, &vm->mem, num, vm->features[dev], 0)) {
		memset(r, 0, sizeof(*r));
		return false;
	}
	r->kick_fd = vm->event[dev * 4 + q * 2];
	r->call_fd = vm->event[dev * 4 + q * 2 + 1];
	return true;
}

FZ_OP(ring)
{
	if (arg[0] >= FZ_NR_DEVS || arg[1] >= FZ_NR_RINGS)
		return;
	pthread_mutex_lock(&vm->lock);
	ring_make(vm, arg[0], arg[1], arg[2]);
	pthread_mutex_unlock(&vm->lock);
}

static void map_used_ring(struct fz_vm *vm, int fd, const struct vg_ring *r)
{
	uint64_t dev = fd == vm->dev[0] ? 0 : 1;
	uint64_t page = r->used_gpa >> 12, pages = (6 + 8 * r->num + 4095) >> 12;

	const uint64_t arg[] = { dev, VHOST_IOTLB_UPDATE, page, pages,
				 VHOST_ACCESS_RW, FZ_ADDR_USER };

	fz_op_msg(vm, arg);
}

static void set_ring(struct fz_vm *vm, uint64_t dev, uint64_t q, uint64_t base)
{
	struct vg_ring *r = &vm->ring[dev][q];
	bool iommu = fz_is_iommu(vm, dev);
	int fd = vm->dev[dev];
	const uint64_t addr[] = { dev, q, iommu ? FZ_ADDR_GUEST : FZ_ADDR_USER,
				  !!(vm->features[dev] & 1 << VHOST_F_LOG_ALL) };

	vg_ring_reset(r, base);
	vg_set_vring_num(fd, q, r->num);
	vg_set_vring_base(fd, q, r->packed ? vg_ring_base(r) : base);
	fz_op_addr(vm, addr);
	vg_set_vring_kick(fd, q, r->kick_fd);
	vg_set_vring_call(fd, q, r->call_fd);
	if (iommu)
		map_used_ring(vm, fd, r);
}

FZ_OP(rig)
{
	uint64_t dev = arg[0], q;

	if (dev >= FZ_NR_DEVS)
		return;
	if (vm->dev[dev] < 0)
		fz_op_open(vm, arg);
	fz_op_features(vm, arg);
	fz_op_owner(vm, arg);
	fz_op_mem(vm, (uint64_t[]){ dev, FZ_TABLE_PLAIN });
	if (vm->features[dev] & 1 << VHOST_F_LOG_ALL)
		fz_op_log_base(vm, (uint64_t[]){ dev, FZ_ADDR_USER });
	if (fz_is_iommu(vm, dev))
		vg_set_backend_features(vm->dev[dev], VHOST_BACKEND_F_IOTLB_MSG_V2);
	pthread_mutex_lock(&vm->lock);
	for (q = 0; q < FZ_NR_RINGS; q++)
		if (ring_make(vm, dev, q, arg[3]))
			set_ring(vm, dev, q, arg[4]);
	pthread_mutex_unlock(&vm->lock);
	for (q = 0; q < FZ_NR_RINGS && arg[5] < FZ_NR_NETS; q++)
		vg_set_backend(vm->dev[dev], q, fz_net(vm, arg[5]));
}
