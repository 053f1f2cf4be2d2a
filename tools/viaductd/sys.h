/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls on the kernel's devices, which the unit test replaces. */
#ifndef VDD_SYS_H
#define VDD_SYS_H

#include <sys/ioctl.h>

/* As open() and ioctl(), but -errno instead of -1. */
int vdd_open(const char *path, int flags);
int vdd_ioctl(int fd, unsigned long request, void *arg);

#endif
