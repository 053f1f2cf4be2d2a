/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_VM_NAME_H
#define VIADUCT_VM_NAME_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The name of the VM that @pid runs: the argument of QEMU's -name, which is the
 * domain's with libvirt; else the name of the process, which viaductd takes from the
 * front end.
 */
void vm_name(const char *root, pid_t pid, char *name, size_t room);

#endif
