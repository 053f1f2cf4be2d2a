// SPDX-License-Identifier: GPL-2.0-only
/* Operations on the device's mapping of guest memory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec.h"

#define PAGE		4096ULL
#define NR_PAGES	((FZ_REGION_0 + FZ_REGION_1) / PAGE)

/* Pages in one region: where the device sees them, and where they are in the file. */
struct range {
	unsigned int region;
	uint8_t *at;
	off_t off;
	size_t len;
};

/* @arg: the first page and the number of pages, which ends with the region. */
static struct range range_of(const struct fz_vm *vm, const uint64_t *arg)
{
	uint64_t page = arg[0] % NR_PAGES, nr = arg[1] ? arg[1] : 1;
	struct range r = { .region = page * PAGE >= FZ_REGION_0 };
	uint64_t first = r.region ? FZ_REGION_0 : 0;
	uint64_t size = r.region ? FZ_REGION_1 : FZ_REGION_0;

	r.off = page * PAGE - first;
	r.at = vm->view[r.region] + r.off;
	r.len = nr > (size - r.off) / PAGE ? size - r.off : nr * PAGE;
	return r;
}

FZ_OP(unmap)
{
	struct range r = range_of(vm, arg);

	munmap(r.at, r.len);
}

FZ_OP(map)
{
	struct range r = range_of(vm, arg);

	mmap(r.at, r.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     vm->mem.region[r.region].fd, r.off);
}

FZ_OP(protect)
{
	struct range r = range_of(vm, arg);

	mprotect(r.at, r.len, arg[2] & 3);
}

/* The pages are zero afterwards, and in no page table. */
FZ_OP(punch)
{
	struct range r = range_of(vm, arg);

	fallocate(vm->mem.region[r.region].fd,
		  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, r.off, r.len);
}

/*
 * The device's mapping of the last pages continues beyond the end of a file. The
 * program's own must not.
 */
FZ_OP(truncate)
{
	uint64_t pages = arg[1] ? arg[1] % 512 + 1 : 1;
	struct range r = range_of(vm, (uint64_t[]){ arg[0] ? NR_PAGES - pages :
						    FZ_REGION_0 / PAGE - pages, pages });
	int fd = memfd_create("short", MFD_CLOEXEC);

	if (ftruncate(fd, r.len))
		return;
	mmap(r.at, r.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (ftruncate(fd, 0))
		return;
	close(fd);
}

FZ_OP(private)
{
	struct range r = range_of(vm, arg);

	mmap(r.at, r.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
}

static bool uffd_open(struct fz_vm *vm)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_MINOR_SHMEM };

	if (vm->uffd >= 0)
		return true;
	vm->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	vm->uffd_is_minor = !ioctl(vm->uffd, UFFDIO_API, &api);
	if (vm->uffd_is_minor)
		return true;
	/* The kernel has cleared it. */
	api = (struct uffdio_api){ .api = UFFD_API };
	return !ioctl(vm->uffd, UFFDIO_API, &api);
}

/*
 * From now on the pages fault, until `resolve` finds the fault. On kernels without minor
 * faults, such as User Mode Linux, it gives the device a copy of the page.
 */
FZ_OP(uffd)
{
	struct range r = range_of(vm, arg);
	struct uffdio_register reg = { .range = { (uintptr_t)r.at, r.len } };

	if (!uffd_open(vm))
		return;
	reg.mode = vm->uffd_is_minor ? UFFDIO_REGISTER_MODE_MINOR :
				       UFFDIO_REGISTER_MODE_MISSING;
	if (!vm->uffd_is_minor)
		fz_op_private(vm, arg);
	if (!ioctl(vm->uffd, UFFDIO_REGISTER, &reg))
		madvise(r.at, r.len, MADV_DONTNEED);
}

static void provide(struct fz_vm *vm, uint64_t at)
{
	struct uffdio_continue cont = { .range = { at, PAGE } };
	unsigned int i = at >= (uintptr_t)vm->view[1];
	struct uffdio_copy copy = {
		.dst = at,
		.src = (uintptr_t)vm->mem.region[i].hva + at - (uintptr_t)vm->view[i],
		.len = PAGE,
	};

	if (vm->uffd_is_minor)
		ioctl(vm->uffd, UFFDIO_CONTINUE, &cont);
	else
		ioctl(vm->uffd, UFFDIO_COPY, &copy);
}

FZ_OP(resolve)
{
	uint64_t nr = arg[0] < 64 ? arg[0] : 64;
	struct pollfd p = { .fd = vm->uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (nr-- && poll(&p, 1, arg[1] < 100 ? arg[1] : 100) > 0) {
		if (read(vm->uffd, &msg, sizeof(msg)) != sizeof(msg))
			return;
		provide(vm, msg.arg.pagefault.address & ~(PAGE - 1));
	}
}
