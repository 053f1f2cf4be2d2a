/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_WORKER_H
#define VD_WORKER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The thread that works for a device: a kernel thread, or with the newer
 * reference a thread of this process. Its name carries the number of the
 * thread that called VHOST_SET_OWNER.
 */

/* How many there are for @owner. */
int worker_count(pid_t owner);
/* A further worker of @owner's, by its id: its thread number, or 0. */
pid_t worker_find_id(pid_t owner, unsigned int id);
/*
 * The same, once there are @want: a thread that was waited for may still be
 * seen on its way out. Gives up after two seconds.
 */
int worker_settle(pid_t owner, int want);
/* Its thread number, or 0. */
pid_t worker_find(pid_t owner);
/*
 * Watches it for up to ten times 100 ms until it does not run at all for one
 * of them: 0, or the time in nanoseconds that it ran in the last. A thread
 * that spins is never still; one that has just finished its work soon is, even
 * where the host takes CPUs away in the middle of things.
 */
uint64_t worker_unrest(pid_t tid);

#endif
