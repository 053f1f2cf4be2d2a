// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaces the kernel and libfuse: an open of the node VD_DEVICE makes a device of
 * this process, and an ioctl on it becomes a call of vdc_call() with data that is
 * copied as CUSE does it. The selftests' programs are linked with it, so that
 * all but main.c runs without a host VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../ioctl.h"
#include "kernel.h"

#define FILES	1024

static struct vdc_device *file[FILES];
bool kernel_hides_callers;
/* The thread of the device that was opened last. */
static pid_t pump;

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, void *arg);
int __real_close(int fd);

static void interrupt(int sig)
{
	(void)sig;
}

static int fail(int err)
{
	errno = -err;
	return -1;
}

static void find_pump(struct vdc_device *d)
{
	clockid_t clock;

	/* The clock of a thread has its number in it. */
	if (!pthread_getcpuclockid(d->pump.thread, &clock))
		pump = ~(clock >> 3);
}

pid_t __wrap_vg_worker_find(pid_t owner)
{
	return owner == getpid() ? pump : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	const struct sigaction action = { .sa_handler = interrupt };
	const char *node = getenv("VD_DEVICE");
	unsigned int mode;
	va_list ap;
	int fd, err;

	va_start(ap, flags);
	mode = va_arg(ap, unsigned int);
	va_end(ap);
	fd = __real_open(path, flags, mode);
	if (fd < 0 || !node || strcmp(path, node))
		return fd;
	sigaction(VDC_SIGNAL, &action, NULL);
	err = -EMFILE;
	if (fd < FILES)
		file[fd] = vdc_device_create(&err);
	if (fd < FILES && file[fd]) {
		find_pump(file[fd]);
		return fd;
	}
	__real_close(fd);
	return fail(err);
}

int __wrap_close(int fd)
{
	if (fd >= 0 && fd < FILES && file[fd]) {
		vdc_device_destroy(file[fd]);
		file[fd] = NULL;
	}
	return __real_close(fd);
}

/* A system call checks the address, which memcpy() does not. */
static int copy(void *to, const void *from, size_t len, int read_user)
{
	struct iovec here = { read_user ? to : (void *)from, len };
	struct iovec user = { read_user ? (void *)from : to, len };
	ssize_t ret;

	if (!len)
		return 0;
	ret = read_user ? process_vm_readv(getpid(), &here, 1, &user, 1, 0) :
			  process_vm_writev(getpid(), &here, 1, &user, 1, 0);
	return ret == (ssize_t)len ? 0 : -EFAULT;
}

static int call_device(struct vdc_device *d, u32 cmd, void *arg)
{
	struct vdc_call call = {
		.cmd = cmd,
		.tid = kernel_hides_callers ? 0 : syscall(SYS_gettid),
	};
	void *in = NULL;
	int ret;

	while ((ret = vdc_call(d, &call)) > 0) {
		free(in);
		in = malloc(call.want_in);
		if (copy(in, arg, call.want_in, 1)) {
			free(in);
			return -EFAULT;
		}
		call.in = in;
		call.in_len = call.want_in;
		call.out_len = call.want_out;
	}
	free(in);
	return ret ?: copy(arg, call.out, call.want_out, 0);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd < 0 || fd >= FILES || !file[fd])
		return __real_ioctl(fd, request, arg);
	ret = call_device(file[fd], request, arg);
	return ret ? fail(ret) : 0;
}
