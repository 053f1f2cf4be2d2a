/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_SCAN_H
#define VIADUCT_SCAN_H

#include "device.h"

/*
 * All open devices below @root, "" for the running system; of process @only,
 * unless that is 0. A device that several processes hold is found once. Returns
 * 0 or -errno.
 */
int scan_devices(const char *root, pid_t only, struct devices *found);
void scan_free(struct devices *found);

/* The keys and workers' ids of descriptor @fd of @pid; false if it is no device. */
bool scan_descriptor(const char *root, pid_t pid, int fd, struct device *d);
/* Whether the module is loaded, and process @pid exists. */
bool scan_has_module(const char *root);
bool scan_has_process(const char *root, pid_t pid);
/* The thread's state, placement and CPU time into @w, which has its id. */
void scan_worker(const char *root, pid_t owner, struct worker *w);

#endif
