/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_STATS_H
#define VD_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Counters of the device and of the machine. */

/*
 * A counter of a queue, by its heading in debugfs: "runs", "pressure", ...
 * -1 without counters: on the reference, and on a kernel without debugfs.
 */
int64_t stats_queue(pid_t owner, unsigned int q, const char *what);
/* The number of the device behind @fd, from fdinfo; 0 for the reference. */
uint64_t stats_device(int fd);
/* A counter of a queue of the device with that number. */
int64_t stats_device_queue(uint64_t device, unsigned int q, const char *what);
/* Waits until the counter is @least or more: 1, 0 if that fails, -1 as above. */
int stats_reaches(pid_t owner, unsigned int q, const char *what, int64_t least);
/* True if it reaches @least, or on the reference, which has no counters. */
bool stats_count(pid_t owner, unsigned int q, const char *what, int64_t least);

/* A line of /proc/meminfo in KiB: "MemAvailable", "Slab", ... */
long stats_memory(const char *what);
/*
 * MemAvailable in KiB once it no longer grows: freeing continues for a while
 * after everything is closed.
 */
long stats_memory_settled(void);

/* A module's parameter as a number, or @otherwise. */
long stats_parameter(const char *module, const char *name, long otherwise);

#endif
