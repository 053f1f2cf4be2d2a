/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_VM_H
#define VIADUCT_VM_H

#include "device.h"

/* Finds the name of the interface behind the backend. */
void vm_interface(const char *root, struct device *d);

#endif
