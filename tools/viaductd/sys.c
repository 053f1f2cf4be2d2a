// SPDX-License-Identifier: GPL-2.0-only
/* System calls on the kernel's devices. */
#include <errno.h>
#include <fcntl.h>

#include "sys.h"

int vdd_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vdd_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}
