// SPDX-License-Identifier: GPL-2.0-only
/* Packets between the rings of a device and its taps. */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>
#include <sys/uio.h>

#include "hdr.h"
#include "pump.h"

/*
 * Neither call waits, although the client can make its tap blocking at any time:
 * drivers that do not support RWF_NOWAIT have only O_NONBLOCK. A signal ends a
 * wait there.
 */
static ssize_t vdc_tap_read(struct vdc_tap *tap, struct iovec *iov)
{
	ssize_t got = -1;

	errno = EOPNOTSUPP;
	if (!tap->no_nowait)
		got = preadv2(tap->fd, iov, 1, -1, RWF_NOWAIT);
	if (got >= 0 || errno != EOPNOTSUPP)
		return got;
	tap->no_nowait = true;
	return readv(tap->fd, iov, 1);
}

static ssize_t vdc_tap_write(struct vdc_tap *tap, struct iovec *iov)
{
	ssize_t put = -1;

	errno = EOPNOTSUPP;
	if (!tap->no_nowait)
		put = pwritev2(tap->fd, iov, 1, -1, RWF_NOWAIT);
	if (put >= 0 || errno != EOPNOTSUPP)
		return put;
	tap->no_nowait = true;
	return writev(tap->fd, iov, 1);
}

/* Read a frame; false if there is none. */
static bool vdc_read_frame(struct vdc_tap *tap, struct viaduct_pkt *pkt)
{
	struct iovec iov = {
		.iov_base = (u8 *)pkt->data - tap->hdr_len,
		.iov_len = tap->hdr_len + pkt->room,
	};
	ssize_t got = vdc_tap_read(tap, &iov);
	struct virtio_net_hdr hdr = {};

	if (got < (ssize_t)tap->hdr_len)
		return false;
	pkt->len = got - tap->hdr_len;
	if (tap->hdr_len)
		memcpy(&hdr, iov.iov_base, sizeof(hdr));
	vd_hdr_load(&pkt->hdr, &hdr);
	return true;
}

/* Pass the frames held to the guest. */
static unsigned int vdc_enqueue(struct vdc_pump *p, struct vdc_queue *q)
{
	unsigned int nr;

	nr = viaduct_enqueue_burst(p->dev, VDC_RX, &q->pkt[q->first],
				   q->end - q->first);
	q->first += nr;
	return nr;
}

/**
 * vdc_move_rx() - move a burst from the tap to the guest
 * @p: the pump
 *
 * No more is read than one burst. Frames without a guest buffer are kept, and
 * the tap is not read until they are delivered.
 *
 * Return: the number of frames that the guest has taken.
 */
unsigned int vdc_move_rx(struct vdc_pump *p)
{
	struct vdc_queue *q = &p->queue[VDC_RX];

	if (!p->dev || !viaduct_vring_is_on(p->dev, VDC_RX))
		return 0;
	if (!vdc_queue_is_empty(q))
		return vdc_enqueue(p, q);
	if (q->tap.fd < 0)
		return 0;
	q->first = 0;
	for (q->end = 0; q->end < VDC_BURST; q->end++)
		if (!vdc_read_frame(&q->tap, &q->pkt[q->end]))
			break;
	return q->end ? vdc_enqueue(p, q) : 0;
}

/* Write a frame; false if the tap is full. A frame that it refuses is dropped. */
static bool vdc_write_frame(struct vdc_tap *tap, const struct viaduct_pkt *pkt)
{
	struct iovec iov = {
		.iov_base = (u8 *)pkt->data - tap->hdr_len,
		.iov_len = tap->hdr_len + pkt->len,
	};
	struct virtio_net_hdr hdr;

	vd_hdr_store(&hdr, &pkt->hdr);
	memset(iov.iov_base, 0, tap->hdr_len);
	if (tap->hdr_len)
		memcpy(iov.iov_base, &hdr, sizeof(hdr));
	return vdc_tap_write(tap, &iov) >= 0 ||
	       (errno != EAGAIN && errno != EINTR && errno != ENOBUFS &&
		errno != ENOMEM);
}

/**
 * vdc_move_tx() - move a burst from the guest to the tap
 * @p: the pump
 *
 * Return: the number of frames that the tap has taken.
 */
unsigned int vdc_move_tx(struct vdc_pump *p)
{
	struct vdc_queue *q = &p->queue[VDC_TX];
	unsigned int first;

	if (!p->dev || q->tap.fd < 0)
		return 0;
	if (vdc_queue_is_empty(q)) {
		q->first = 0;
		q->end = viaduct_dequeue_burst(p->dev, VDC_TX, q->pkt,
					       VDC_BURST);
	}
	for (first = q->first; q->first < q->end; q->first++)
		if (!vdc_write_frame(&q->tap, &q->pkt[q->first]))
			break;
	return q->first - first;
}
