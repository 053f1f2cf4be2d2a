// SPDX-License-Identifier: GPL-2.0-only
/* The thread that moves packets between the rings of a device and its taps. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "front.h"
#include "print.h"
#include "pump.h"

/* The longest frame of a tap: 64 KiB of payload, with headers. */
#define VDC_ROOM	65600U
/* Before it, a header of the tap. */
#define VDC_HEAD	64U
#define VDC_BUFFERS	(VDC_NR_RINGS * VDC_BURST * (size_t)(VDC_HEAD + VDC_ROOM))

static u64 vdc_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/* The end of a step that begins now, by the clock of sem_timedwait(). */
static struct timespec vdc_step_end(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += VDC_STEP_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

static void vdc_tap_close(struct vdc_tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	tap->fd = -1;
}

/* Exchange the tap of a ring for that of the mailbox. */
static void vdc_pump_take_tap(struct vdc_pump *p)
{
	struct vdc_tap *tap, old;

	if (!__atomic_load_n(&p->posted, __ATOMIC_ACQUIRE))
		return;
	tap = &p->queue[p->ring].tap;
	old = *tap;
	*tap = p->tap;
	p->tap = old;
	__atomic_store_n(&p->posted, 0, __ATOMIC_RELEASE);
	sem_post(&p->done);
}

/* An interface that is gone stays readable for ever. */
static void vdc_pump_check_tap(struct vdc_queue *q, short revents)
{
	if (revents & (POLLERR | POLLNVAL))
		vdc_tap_close(&q->tap);
}

/* Whether the guest or a tap has something for the thread already. */
static bool vdc_pump_arm(struct vdc_pump *p)
{
	bool has_rx = !vdc_queue_is_empty(&p->queue[VDC_RX]);
	bool ready = false;

	if (!p->dev)
		return false;
	if (vdc_queue_is_empty(&p->queue[VDC_TX]) &&
	    viaduct_vring_arm(p->dev, VDC_TX) > 0)
		ready = true;
	/* If the buffers are too few for a frame, the thread must not spin. */
	if (has_rx && viaduct_vring_arm(p->dev, VDC_RX) > 0)
		ready = ++p->stuck < 2 || ready;
	else
		p->stuck = 0;
	return ready;
}

static void vdc_pump_wait(struct vdc_pump *p)
{
	struct vdc_queue *rx = &p->queue[VDC_RX], *tx = &p->queue[VDC_TX];
	struct pollfd fds[] = {
		{ .fd = p->wake, .events = POLLIN },
		{ .fd = viaduct_session_fd(p->s), .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		{ .fd = -1, .events = POLLOUT },
	};
	eventfd_t count;

	if (vdc_pump_arm(p))
		return;
	if (vdc_queue_is_empty(rx) && p->dev &&
	    viaduct_vring_is_on(p->dev, VDC_RX))
		fds[2].fd = rx->tap.fd;
	if (!vdc_queue_is_empty(tx))
		fds[3].fd = tx->tap.fd;
	if (poll(fds, 4, p->stuck ? 1 : -1) <= 0)
		return;
	if (fds[0].revents)
		eventfd_read(p->wake, &count);
	vdc_pump_check_tap(rx, fds[2].revents);
	vdc_pump_check_tap(tx, fds[3].revents);
}

static u32 vdc_pump_busy_us(const struct vdc_pump *p)
{
	u32 rx = __atomic_load_n(&p->busy_us[VDC_RX], __ATOMIC_RELAXED);
	u32 tx = __atomic_load_n(&p->busy_us[VDC_TX], __ATOMIC_RELAXED);

	return rx > tx ? rx : tx;
}

static void *vdc_pump_run(void *arg)
{
	struct vdc_pump *p = arg;
	u64 idle_since = vdc_now_us();

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		u32 busy = vdc_pump_busy_us(p);

		viaduct_session_dispatch(p->s);
		vdc_pump_take_tap(p);
		if (vdc_move_tx(p) + vdc_move_rx(p)) {
			p->stuck = 0;
			idle_since = busy ? vdc_now_us() : 0;
			continue;
		}
		if (!busy || vdc_now_us() - idle_since >= busy)
			vdc_pump_wait(p);
	}
	return NULL;
}

static int vdc_pump_new(struct viaduct_dev *dev, void *ctx)
{
	((struct vdc_pump *)ctx)->dev = dev;
	return 0;
}

static void vdc_pump_lost(struct viaduct_dev *dev, void *ctx)
{
	(void)dev;
	((struct vdc_pump *)ctx)->dev = NULL;
}

static void vdc_pump_log(const char *message, void *ctx)
{
	struct vdc_pump *p = ctx;

	if (!__atomic_load_n(&p->leaving, __ATOMIC_RELAXED))
		vdc_print("%s", message);
}

static void vdc_pump_init(struct vdc_pump *p)
{
	u8 *at = p->buffers + VDC_HEAD;
	unsigned int i, j;

	p->tap.fd = -1;
	for (i = 0; i < VDC_NR_RINGS; i++) {
		p->queue[i].tap.fd = -1;
		for (j = 0; j < VDC_BURST; j++, at += VDC_HEAD + VDC_ROOM) {
			p->queue[i].pkt[j].data = at;
			p->queue[i].pkt[j].room = VDC_ROOM;
		}
	}
}

/**
 * vdc_pump_start() - start the thread of a device
 * @p: the pump, zeroed
 * @sock: connection of the front end; the pump takes ownership
 *
 * Return: 0 or -errno.
 */
int vdc_pump_start(struct vdc_pump *p, int sock)
{
	const struct viaduct_ops ops = {
		.size = sizeof(ops),
		.new_device = vdc_pump_new,
		.destroy_device = vdc_pump_lost,
		.log = vdc_pump_log,
	};
	int err = -ENOMEM;

	p->buffers = mmap(NULL, VDC_BUFFERS, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->s = viaduct_session_create(&ops, p);
	if (p->buffers == MAP_FAILED || p->wake < 0 || !p->s)
		goto fail;
	vdc_pump_init(p);
	sem_init(&p->done, 0, 0);
	err = viaduct_session_add_fd(p->s, sock);
	if (err)
		goto fail;
	sock = -1;
	err = -pthread_create(&p->thread, NULL, vdc_pump_run, p);
	if (!err)
		return 0;
fail:
	viaduct_session_destroy(p->s);
	if (p->buffers != MAP_FAILED)
		munmap(p->buffers, VDC_BUFFERS);
	if (p->wake >= 0)
		close(p->wake);
	if (sock >= 0)
		close(sock);
	return err;
}

/**
 * vdc_pump_stop() - end the thread and its session
 * @p: the pump
 *
 * A wait in a system call, as on a tap that the client has made blocking, is
 * interrupted.
 */
void vdc_pump_stop(struct vdc_pump *p)
{
	struct timespec end;
	unsigned int i;

	__atomic_store_n(&p->leaving, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&p->stop, 1, __ATOMIC_RELEASE);
	eventfd_write(p->wake, 1);
	do {
		end = vdc_step_end();
		pthread_kill(p->thread, VDC_SIGNAL);
	} while (pthread_timedjoin_np(p->thread, NULL, &end) == ETIMEDOUT);
	viaduct_session_destroy(p->s);
	for (i = 0; i < VDC_NR_RINGS; i++)
		vdc_tap_close(&p->queue[i].tap);
	vdc_tap_close(&p->tap);
	sem_destroy(&p->done);
	munmap(p->buffers, VDC_BUFFERS);
	close(p->wake);
}

/**
 * vdc_pump_set_tap() - replace the tap of a ring
 * @p: the pump
 * @ring: the ring
 * @tap: the new tap, which the pump takes, or one with &vdc_tap.fd of -1
 *
 * Afterwards the thread does not use the old one any more.
 *
 * Return: 0; -EIO if the thread does not respond. The device must be closed then.
 */
int vdc_pump_set_tap(struct vdc_pump *p, unsigned int ring, struct vdc_tap *tap)
{
	struct timespec end;
	unsigned int i;

	p->ring = ring;
	p->tap = *tap;
	__atomic_store_n(&p->posted, 1, __ATOMIC_RELEASE);
	eventfd_write(p->wake, 1);
	for (i = 0; i < VDC_STEPS; i++) {
		end = vdc_step_end();
		if (!sem_timedwait(&p->done, &end)) {
			vdc_tap_close(&p->tap);
			return 0;
		}
		pthread_kill(p->thread, VDC_SIGNAL);
	}
	return -EIO;
}
