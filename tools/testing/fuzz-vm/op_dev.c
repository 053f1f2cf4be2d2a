// SPDX-License-Identifier: GPL-2.0-only
/* Operations on a device: ioctls. */
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../lib/vguest/dev.h"
#include "exec.h"
#include "kinds.h"

#define PAGE	4096ULL

FZ_OP(open)
{
	if (arg[0] >= FZ_NR_DEVS)
		return;
	if (vm->dev[arg[0]] >= 0)
		close(vm->dev[arg[0]]);
	vm->dev[arg[0]] = open(vg_dev_path(), O_RDWR | O_CLOEXEC);
	vm->features[arg[0]] = 0;
}

FZ_OP(close)
{
	int fd = fz_dev(vm, arg[0]);

	if (fd >= 0)
		close(fd);
	if (arg[0] < FZ_NR_DEVS)
		vm->dev[arg[0]] = -1;
}

FZ_OP(owner)
{
	vg_set_owner(fz_dev(vm, arg[0]));
}

FZ_OP(reset)
{
	vg_reset_owner(fz_dev(vm, arg[0]));
}

FZ_OP(features)
{
	uint64_t words[VG_FEATURE_WORDS] = { arg[1], arg[2] };
	int fd = fz_dev(vm, arg[0]);

	if (arg[0] < FZ_NR_DEVS &&
	    !(arg[2] ? vg_set_features_array(fd, words) : vg_set_features(fd, arg[1])))
		vm->features[arg[0]] = arg[1];
}

/* A region of the table; its length ends with that of guest memory. */
static void put(struct vhost_memory *t, struct fz_vm *vm, uint64_t gpa, uint64_t size,
		uint64_t as)
{
	t->regions[t->nregions++] = (struct vhost_memory_region){
		.guest_phys_addr = as,
		.memory_size = size,
		.userspace_addr = fz_view(vm, gpa),
	};
}

static void put_pages(struct vhost_memory *t, struct fz_vm *vm)
{
	uint64_t gpa, step = (FZ_REGION_0 + FZ_REGION_1) / 512;

	for (gpa = 0; gpa < FZ_BUFS_END; gpa += step)
		put(t, vm, gpa, step, gpa);
}

/* Tables that the device must refuse, or that no client has. */
static void put_odd(struct vhost_memory *t, struct fz_vm *vm, uint64_t kind)
{
	put(t, vm, 0, FZ_REGION_0, 0);
	put(t, vm, FZ_REGION_0, FZ_REGION_1, FZ_REGION_0);
	switch (kind) {
	case FZ_TABLE_KERNEL:
		t->regions[0].userspace_addr = 0xffff800000000000ULL;
		break;
	case FZ_TABLE_WRAP:
		t->regions[0].memory_size = UINT64_MAX - PAGE;
		t->regions[0].guest_phys_addr = 2 * PAGE;
		break;
	case FZ_TABLE_ZERO:
		t->regions[1].memory_size = 0;
		break;
	case FZ_TABLE_PADDING:
		t->padding = 1;
		break;
	case FZ_TABLE_MANY:
		t->nregions = 513;
		break;
	}
}

static void fill_table(struct vhost_memory *t, struct fz_vm *vm, uint64_t kind)
{
	switch (kind) {
	case FZ_TABLE_PAGES:
		put_pages(t, vm);
		break;
	case FZ_TABLE_REVERSED:
		put(t, vm, FZ_REGION_0, FZ_REGION_1, FZ_REGION_0);
		put(t, vm, 0, FZ_REGION_0, 0);
		break;
	case FZ_TABLE_HOLE:
		put(t, vm, 0, FZ_REGION_0, 0);
		put(t, vm, FZ_REGION_0, FZ_REGION_1 / 2 + PAGE, FZ_REGION_0);
		put(t, vm, FZ_BUFS_AT + 2 * PAGE, PAGE * 16, FZ_BUFS_AT + 2 * PAGE);
		break;
	case FZ_TABLE_SWAPPED:
		put(t, vm, 0, FZ_REGION_0, 0);
		put(t, vm, FZ_REGION_0, FZ_REGION_1 / 2, FZ_BUFS_AT);
		put(t, vm, FZ_BUFS_AT, FZ_REGION_1 / 2, FZ_REGION_0);
		break;
	case FZ_TABLE_TWICE:
		put(t, vm, 0, FZ_REGION_0, 0);
		put(t, vm, 0, FZ_REGION_0, 0);
		put(t, vm, FZ_REGION_0, FZ_REGION_1, FZ_REGION_0);
		break;
	case FZ_TABLE_EMPTY:
		break;
	default:
		put_odd(t, vm, kind);
	}
}

FZ_OP(mem)
{
	struct vhost_memory *t = calloc(1, sizeof(*t) + 520 * sizeof(t->regions[0]));
	int fd = fz_dev(vm, arg[0]);

	fill_table(t, vm, arg[1]);
	if (arg[1] == FZ_TABLE_SHORT) {
		/* The table continues in unmapped memory. */
		uint8_t *end = vm->view[1] + FZ_REGION_1 - sizeof(*t) - 16;

		memcpy(vm->mem.region[1].hva + FZ_REGION_1 - sizeof(*t) - 16, t,
		       sizeof(*t));
		vg_set_mem_table(fd, (void *)end);
	} else {
		vg_set_mem_table(fd, t);
	}
	free(t);
}

FZ_OP(num)
{
	vg_set_vring_num(fz_dev(vm, arg[0]), arg[1], arg[2]);
}

FZ_OP(base)
{
	vg_set_vring_base(fz_dev(vm, arg[0]), arg[1], arg[2]);
}

/* Where an area is; @kind spoils it. */
static uint64_t place(struct fz_vm *vm, uint64_t gpa, uint64_t kind)
{
	switch (kind) {
	case FZ_ADDR_GUEST:
		return gpa;
	case FZ_ADDR_NULL:
		return 0;
	case FZ_ADDR_KERNEL:
		return 0xffff800000000000ULL;
	case FZ_ADDR_WRAP:
		return UINT64_MAX - 15;
	case FZ_ADDR_ODD:
		return fz_view(vm, gpa) + 1;
	case FZ_ADDR_OUTSIDE:
		return 0x100000;
	case FZ_ADDR_ENDS:
		return fz_view(vm, FZ_REGION_0 - PAGE);
	default:
		return fz_view(vm, gpa);
	}
}

FZ_OP(addr)
{
	struct vhost_vring_addr a = { .index = arg[1], .flags = arg[3] };
	const struct vg_ring *r;

	if (arg[0] >= FZ_NR_DEVS)
		return;
	r = &vm->ring[arg[0]][arg[1] % FZ_NR_RINGS];
	a.desc_user_addr = place(vm, r->desc_gpa, arg[2]);
	a.avail_user_addr = place(vm, r->avail_gpa, arg[2]);
	a.used_user_addr = place(vm, r->used_gpa, arg[2]);
	a.log_guest_addr = r->used_gpa;
	vg_set_vring_addr(vm->dev[arg[0]], &a);
}

FZ_OP(kick_fd)
{
	vg_set_vring_kick(fz_dev(vm, arg[0]), arg[1], fz_event(vm, arg[2]));
}

FZ_OP(call_fd)
{
	vg_set_vring_call(fz_dev(vm, arg[0]), arg[1], fz_event(vm, arg[2]));
}

FZ_OP(err_fd)
{
	vg_set_vring_err(fz_dev(vm, arg[0]), arg[1], fz_event(vm, arg[2]));
}

FZ_OP(log_fd)
{
	vg_set_log_fd(fz_dev(vm, arg[0]), fz_event(vm, arg[1]));
}

FZ_OP(log_base)
{
	vg_set_log_base(fz_dev(vm, arg[0]), place(vm, FZ_LOG_AT, arg[1]));
}

FZ_OP(backend)
{
	vg_set_backend(fz_dev(vm, arg[0]), arg[1], fz_net(vm, arg[2]));
}

FZ_OP(ioctl)
{
	uint64_t words[8] = { arg[3], arg[4], arg[5] };
	uint64_t at = (uintptr_t)words;
	int fd = fz_dev(vm, arg[0]);

	if (arg[2] == FZ_AT_NULL)
		at = 0;
	if (arg[2] == FZ_AT_GUEST)
		at = fz_view(vm, FZ_BUFS_AT);
	if (arg[2] == FZ_AT_KERNEL)
		at = 0xffff800000000000ULL;
	/* The first word is the last one of guest memory. */
	if (arg[2] == FZ_AT_EDGE)
		at = fz_view(vm, FZ_BUFS_END) - 4;
	if (arg[2] == FZ_AT_GUEST)
		memcpy(vm->mem.region[1].hva + (FZ_BUFS_AT - FZ_REGION_0), words,
		       sizeof(words));
	if (arg[2] == FZ_AT_EDGE)
		memcpy(vm->mem.region[1].hva + FZ_REGION_1 - 4, words, 4);
	ioctl(fd, (unsigned int)arg[1], at);
}
