// SPDX-License-Identifier: GPL-2.0-only
/* Runs a program in the calling process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "fail.h"

/* Where the device sees guest memory: the same in each run. */
#define VIEW_AT		0x200000000ULL
#define VIEW_STEP	0x40000000ULL

/* Operations that run in a thread or a process beside the others. */
struct part {
	struct fz_vm *vm;
	unsigned int from, to;
};

int fz_dev(const struct fz_vm *vm, uint64_t arg)
{
	return arg < FZ_NR_DEVS ? vm->dev[arg] : -1;
}

int fz_event(const struct fz_vm *vm, uint64_t arg)
{
	return arg < FZ_NR_EVENTS ? vm->event[arg] : (int)arg;
}

int fz_net(const struct fz_vm *vm, uint64_t arg)
{
	return arg < FZ_NR_NETS ? vm->net[arg].fd : (int)arg;
}

uint64_t fz_view(const struct fz_vm *vm, uint64_t gpa)
{
	unsigned int i = gpa >= FZ_REGION_0;

	return (uintptr_t)vm->view[i] + gpa - (i ? FZ_REGION_0 : 0);
}

bool fz_is_iommu(const struct fz_vm *vm, uint64_t dev)
{
	return vm->features[dev] & VG_BIT(VG_F_ACCESS_PLATFORM);
}

static void vm_init(struct fz_vm *vm)
{
	unsigned int i;

	vm->uffd = -1;
	vm->buf_at = FZ_BUFS_AT;
	pthread_mutex_init(&vm->lock, NULL);
	for (i = 0; i < FZ_NR_DEVS; i++)
		vm->dev[i] = -1;
	for (i = 0; i < FZ_NR_EVENTS; i++)
		vm->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (i = 0; i < FZ_NR_NETS; i++)
		vm->net[i] = (struct fz_net){ .fd = -1, .far = -1, .link = -1 };
	if (vg_mem_add(&vm->mem, 0, FZ_REGION_0) ||
	    vg_mem_add(&vm->mem, FZ_REGION_0, FZ_REGION_1))
		abort();
	for (i = 0; i < FZ_NR_REGIONS; i++) {
		const struct vg_region *r = &vm->mem.region[i];

		vm->view[i] = mmap((void *)(VIEW_AT + i * VIEW_STEP), r->size,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED_NOREPLACE, r->fd, 0);
		if (vm->view[i] == MAP_FAILED)
			abort();
	}
}

static void run_part(struct fz_vm *vm, unsigned int from, unsigned int to);

static void *thread_main(void *data)
{
	struct part part = *(struct part *)data;

	free(data);
	run_part(part.vm, part.from, part.to);
	return NULL;
}

static void start_thread(struct fz_vm *vm, unsigned int from, unsigned int to)
{
	struct part *part = malloc(sizeof(*part));

	*part = (struct part){ vm, from, to };
	if (vm->nr_threads == 8 ||
	    pthread_create(&vm->thread[vm->nr_threads], NULL, thread_main, part))
		free(part);
	else
		vm->nr_threads++;
}

static void start_process(struct fz_vm *vm, unsigned int from, unsigned int to)
{
	pid_t pid;

	if (vm->nr_children == 8)
		return;
	pid = fork();
	if (!pid) {
		vm->nr_threads = 0;
		vm->nr_children = 0;
		run_part(vm, from, to);
		_exit(0);
	}
	if (pid > 0)
		vm->child[vm->nr_children++] = pid;
}

static void join(struct fz_vm *vm)
{
	while (vm->nr_threads)
		pthread_join(vm->thread[--vm->nr_threads], NULL);
	while (vm->nr_children)
		waitpid(vm->child[--vm->nr_children], NULL, 0);
}

static void run_part(struct fz_vm *vm, unsigned int from, unsigned int to)
{
	unsigned int i, nr;

	for (i = from; i < to; i++) {
		const struct fz_op *op = &vm->prog->op[i];
		const char *name = fz_ops[op->code].name;

		if (fz_ops[op->code].run) {
			bool is_armed = fz_fail_is_armed();

			fz_ops[op->code].run(vm, op->arg);
			/* A fault is for one operation. */
			if (is_armed)
				fz_fail_disarm();
			continue;
		}
		nr = op->arg[0] < to - i - 1 ? op->arg[0] : to - i - 1;
		if (!strcmp(name, "join")) {
			join(vm);
		} else if (!strcmp(name, "thread")) {
			start_thread(vm, i + 1, i + 1 + nr);
			i += nr;
		} else {
			start_process(vm, i + 1, i + 1 + nr);
			i += nr;
		}
	}
}

void fz_exec(const struct fz_prog *p)
{
	static struct fz_vm vm;

	vm.prog = p;
	vm_init(&vm);
	run_part(&vm, 0, p->nr);
	join(&vm);
	_exit(0);
}
