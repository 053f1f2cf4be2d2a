/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that a front end shares can shrink at any time: it truncates the file,
 * and an access raises SIGBUS. The handler replaces the whole mapping by private
 * memory, so that the access succeeds, and sets a flag of the device, which
 * must be checked before anything that was read is used.
 */
#ifndef VD_SIGBUS_H
#define VD_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

int vd_sigbus_install(void);
int vd_sigbus_guard(void *start, size_t len, int *faulted);
void vd_sigbus_unguard(void *start);

#endif
