/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The thread that moves packets between the rings of a device and its taps.
 *
 * Lock keys: [c] constant while the thread runs, [p] only the thread accesses the
 * field, [m] of the mailbox: the thread's while @posted, [a] atomic
 */
#ifndef VDC_PUMP_H
#define VDC_PUMP_H

#include <linux/types.h>
#include <pthread.h>
#include <semaphore.h>
#include <viaduct/backend.h>

#include "client.h"

#define VDC_BURST	32U

/* Rings of a device. */
#define VDC_RX		0U	/* to the guest */
#define VDC_TX		1U
#define VDC_NR_RINGS	2U

/**
 * struct vdc_queue - frames between a ring and a tap
 * @tap: the tap, or one with &vdc_tap.fd of -1
 * @pkt: frames that could not be passed on
 * @first: index of the first one
 * @end: index behind the last one; not above @first if there is none
 */
struct vdc_queue {
	struct vdc_tap tap;
	struct viaduct_pkt pkt[VDC_BURST];
	unsigned int first;
	unsigned int end;
};

/**
 * struct vdc_pump - a thread that moves packets
 * @s: session with one device [c]
 * @dev: the device, or NULL once the library has ended it [p]
 * @thread: the thread [c]
 * @wake: eventfd: look at @stop and the mailbox [c]
 * @stop: end the thread [a]
 * @leaving: the device ends on purpose: no message about that [a]
 * @busy_us: time without packets before a wait, by ring [a]
 * @posted: the mailbox has a tap for the thread [a]
 * @done: posted when the thread has taken it
 * @ring: ring of the mailbox's tap [m]
 * @tap: the tap; the one that it replaces afterwards [m]
 * @queue: by ring [p]
 * @buffers: frames of @queue, with room for a header before each [c]
 * @stuck: consecutive waits during which the guest had buffers, but too few [p]
 */
struct vdc_pump {
	struct viaduct_session *s;
	struct viaduct_dev *dev;
	pthread_t thread;
	int wake;
	int stop;
	int leaving;
	u32 busy_us[VDC_NR_RINGS];
	int posted;
	sem_t done;
	unsigned int ring;
	struct vdc_tap tap;
	struct vdc_queue queue[VDC_NR_RINGS];
	u8 *buffers;
	unsigned int stuck;
};

int vdc_pump_start(struct vdc_pump *p, int sock);
void vdc_pump_stop(struct vdc_pump *p);
int vdc_pump_set_tap(struct vdc_pump *p, unsigned int ring, struct vdc_tap *tap);

/* move.c: return the number of packets moved. */
unsigned int vdc_move_rx(struct vdc_pump *p);
unsigned int vdc_move_tx(struct vdc_pump *p);

static inline bool vdc_queue_is_empty(const struct vdc_queue *q)
{
	return q->first >= q->end;
}

#endif
