/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_WORKER_H
#define VGUEST_WORKER_H

#include <stdint.h>
#include <sys/types.h>

/* Of one owner: more devices than a test opens. */
#define VG_MAX_WORKERS	512

/*
 * The worker thread of a device: a kernel thread, or from 6.4 on a thread of
 * the owner. Its name carries the number of the thread that called
 * VHOST_SET_OWNER.
 */

/* How many there are for @owner. */
int vg_worker_count(pid_t owner);
/* A further worker of @owner's, by its id: its thread number, or 0. */
pid_t vg_worker_find_id(pid_t owner, unsigned int id);
/*
 * The same, once there are @want: a thread that was waited for may still be
 * visible while it exits. Gives up after ten seconds.
 */
int vg_worker_settle(pid_t owner, int want);
/* Its thread number, or 0. */
pid_t vg_worker_find(pid_t owner);
/*
 * Time that it has run so far, in nanoseconds, 0 when there is no such thread.
 * Under `scripts/hostvm --icount` that is the number of its instructions.
 */
uint64_t vg_worker_runtime(pid_t tid);
/* All threads of @owner's devices: their number, and the time of all together. */
int vg_worker_list(pid_t owner, pid_t *tid, int room);
uint64_t vg_worker_total(pid_t owner);
/*
 * Watches it for up to ten periods of 100 ms until it does not run during one
 * of them: 0, or the time in nanoseconds that it ran in the last one. A thread
 * that spins is never idle; one that has just finished its work soon is, even
 * if the host preempts it meanwhile.
 */
uint64_t vg_worker_unrest(pid_t tid);

#endif
