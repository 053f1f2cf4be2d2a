/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_VM_H
#define VIADUCT_VM_H

#include "device.h"

/*
 * The name of the VM that @pid runs: the argument of QEMU's -name, which is the
 * domain's with libvirt; else the name of the process.
 */
void vm_name(const char *root, pid_t pid, char *name, size_t room);
/* Finds the name of the interface behind the backend. */
void vm_interface(const char *root, struct device *d);

#endif
