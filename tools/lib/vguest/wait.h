/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGUEST_WAIT_H
#define VGUEST_WAIT_H

#include <stdint.h>

/*
 * Waiting without sleeping to synchronise: every wait names a descriptor and
 * a deadline. Deadlines are absolute, on CLOCK_MONOTONIC, in nanoseconds.
 * VD_TIME_SCALE (a number, default 1) stretches them for slow hosts.
 */

double vg_time_scale(void);
uint64_t vg_now_ns(void);
uint64_t vg_deadline_ms(unsigned int ms);
int vg_expired(uint64_t deadline);

/* Until @fd has one of @events: 1, or 0 when the time is over, or -errno. */
int vg_wait_fd(int fd, short events, uint64_t deadline);

/* Eventfds: nonblocking, close on exec. */
int vg_eventfd(void);
void vg_eventfd_add(int fd, uint64_t n);
/* Takes the count; 0 when nothing was signalled. */
uint64_t vg_eventfd_take(int fd);
/* Waits for a count and takes it; 0 when the time is over. */
uint64_t vg_eventfd_wait(int fd, uint64_t deadline);

#endif
