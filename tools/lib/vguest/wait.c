// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks, deadlines and eventfds for code that must not spin: on a host with
 * one CPU, the worker does not run while its client spins.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "wait.h"

uint64_t vg_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

double vg_time_scale(void)
{
	static double scale;
	const char *env;

	if (scale > 0)
		return scale;
	env = getenv("VD_TIME_SCALE");
	scale = env ? atof(env) : 1.0;
	if (!(scale > 0))
		scale = 1.0;
	return scale;
}

uint64_t vg_deadline_ms(unsigned int ms)
{
	return vg_now_ns() + (uint64_t)(ms * 1000000.0 * vg_time_scale());
}

int vg_expired(uint64_t deadline)
{
	return vg_now_ns() >= deadline;
}

int vg_wait_fd(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = vg_now_ns();
	struct timespec ts;
	int ret;

	do {
		uint64_t left = deadline > now ? deadline - now : 0;

		ts.tv_sec = left / 1000000000;
		ts.tv_nsec = left % 1000000000;
		ret = ppoll(&p, 1, &ts, NULL);
		now = vg_now_ns();
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	return ret > 0;
}

int vg_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void vg_eventfd_add(int fd, uint64_t n)
{
	/* A full counter is a signal as well. */
	if (write(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort();
}

uint64_t vg_eventfd_take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

uint64_t vg_eventfd_wait(int fd, uint64_t deadline)
{
	uint64_t n = vg_eventfd_take(fd);

	while (!n && vg_wait_fd(fd, POLLIN, deadline) > 0)
		n = vg_eventfd_take(fd);
	return n;
}
