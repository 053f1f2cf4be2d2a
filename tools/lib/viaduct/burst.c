// SPDX-License-Identifier: GPL-2.0-only
/* Common to both directions. */
#include <asm/futex.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "burst.h"
#include "hdr.h"
#include "session.h"

/**
 * vd_burst_set_log() - let this thread log writes of a ring
 * @v: the ring, locked
 */
void vd_burst_set_log(const struct vd_vring *v)
{
	plain_log.start = v->log.bitmap;
	plain_log.len = v->dev->log.base ? v->dev->log.size : 0;
}

/* Whether packets can be exchanged; the ring is locked. */
static bool vd_burst_is_on(const struct vd_vring *v)
{
	return v->started && v->enabled && !v->broken &&
	       !__atomic_load_n(&v->dev->dead, __ATOMIC_RELAXED);
}

/**
 * vd_burst_enter() - begin a burst
 * @dev: the device
 * @vring: number of the ring
 *
 * Return: the ring, locked, with kicks disabled; NULL if no packet can be
 * exchanged now.
 */
struct vd_vring *vd_burst_enter(struct viaduct_dev *dev, unsigned int vring)
{
	struct vd_vring *v = &dev->vring[vring];
	int err;

	if (vring >= dev->nr_vrings || !vd_vring_trylock(v))
		return NULL;
	if (unlikely(!vd_burst_is_on(v)))
		goto out;
	if (unlikely(v->log_all || v->ring.is_logged))
		vd_burst_set_log(v);
	if (!v->armed)
		return v;
	v->armed = false;
	err = vd_ring_disarm(&v->ring);
	if (!err)
		return v;
	vd_vring_break(v, err);
out:
	vd_vring_unlock(v);
	return NULL;
}

/**
 * vd_burst_leave() - publish what was completed, and end the burst
 * @v: the ring
 * @err: 0, or the negative errno of a failed check
 */
void vd_burst_leave(struct vd_vring *v, int err)
{
	int call = unlikely(v->inflight) ? vd_inflight_publish(v) :
					   vd_ring_publish(&v->ring, v->call >= 0);

	vd_batch_reset(v->batch);
	v->batch->nr_empty = 0;
	v->taken = 0;
	if (call > 0 && !vd_notify_signal(&v->dev->s->notify, v->call))
		v->stats.calls++;
	if (unlikely(vd_dev_has_faulted(v->dev)))
		vd_dev_fail(v->dev, "shared memory has shrunk");
	else if (unlikely(err || call < 0))
		vd_vring_break(v, err ?: call);
	if (unlikely(v->log.lost)) {
		v->log.lost = 0;
		vd_dev_fail(v->dev, "the dirty log does not cover guest memory");
	}
	vd_vring_unlock(v);
}

/**
 * vd_gso_accepted() - segmentation types that the guest accepts
 * @features: acked features
 *
 * Return: VD_GSO_* bits.
 */
u8 vd_gso_accepted(u64 features)
{
	u8 gso = 0;

	if (features >> VIRTIO_NET_F_GUEST_TSO4 & 1)
		gso |= VD_GSO_TCPV4;
	if (features >> VIRTIO_NET_F_GUEST_TSO6 & 1)
		gso |= VD_GSO_TCPV6;
	if (features >> VIRTIO_NET_F_GUEST_ECN & 1)
		gso |= VD_GSO_ECN;
	if (features >> VIRTIO_NET_F_GUEST_UFO & 1)
		gso |= VD_GSO_UDP;
	return gso;
}

/**
 * vd_hdr_from_guest() - check and convert the header of a guest's packet
 * @to: filled in
 * @from: private copy of the header
 * @frame_len: bytes behind it
 *
 * Return: false if the header contradicts the frame.
 */
bool vd_hdr_from_guest(struct viaduct_hdr *to,
		       const struct virtio_net_hdr *from, size_t frame_len)
{
	vd_hdr_load(to, from);
	/* 5.1.6.2.1: a driver must not set it, and another guest would believe it. */
	to->flags &= ~VIRTIO_NET_HDR_F_DATA_VALID;
	if (to->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (size_t)to->csum_start + to->csum_offset + sizeof(u16) > frame_len)
		return false;
	return to->gso_type == VIRTIO_NET_HDR_GSO_NONE || to->gso_size;
}

/* Complete the checksum: one's complement sum from csum_start on. */
static void vd_hdr_checksum(struct viaduct_pkt *pkt)
{
	const u8 *p = (const u8 *)pkt->data + pkt->hdr.csum_start;
	size_t left = pkt->len - pkt->hdr.csum_start;
	u8 *at = (u8 *)p + pkt->hdr.csum_offset;
	u64 sum = 0;

	for (; left > 1; left -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (left)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	/* 0 means for UDP that there is none. */
	if (!sum)
		sum = 0xffff;
	at[0] = sum >> 8;
	at[1] = sum;
	pkt->hdr.flags &= ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	pkt->hdr.flags |= VIRTIO_NET_HDR_F_DATA_VALID;
}

/* Whether the guest accepts the packet's segmentation. */
static bool vd_hdr_is_accepted(const struct vd_vring *v,
			       const struct viaduct_hdr *h)
{
	unsigned int type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	if (type > VIRTIO_NET_HDR_GSO_TCPV6 || !h->gso_size || !v->csum)
		return false;
	if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN && !(v->gso & VD_GSO_ECN))
		return false;
	return v->gso >> type & 1;
}

/**
 * vd_hdr_to_guest() - make the header of a packet to a guest
 * @v: the ring
 * @to: filled in, for one buffer
 * @pkt: the packet; a missing checksum is completed in its data if the guest
 *	 requires one
 *
 * Return: false if the fields contradict the frame, or the guest does not
 * accept the packet's segmentation.
 */
bool vd_hdr_to_guest(const struct vd_vring *v,
		     struct virtio_net_hdr_mrg_rxbuf *to,
		     struct viaduct_pkt *pkt)
{
	struct viaduct_hdr *h = &pkt->hdr;

	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if ((size_t)h->csum_start + h->csum_offset + sizeof(u16) >
		    pkt->len)
			return false;
	}
	/* Before the packet is changed: others may receive it, too. */
	if (!vd_hdr_is_accepted(v, h))
		return false;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !v->csum)
		vd_hdr_checksum(pkt);
	vd_hdr_store(&to->hdr, h);
	if (!v->csum)
		to->hdr.flags = 0;
	to->num_buffers = (__force __virtio16)cpu_to_le16(1);
	return true;
}

/**
 * viaduct_vring_is_on() - whether packets flow
 * @dev: the device
 * @vring: number of the ring
 *
 * Context: session's dispatch, or its callbacks.
 * Return: as last reported by vring_changed.
 */
bool viaduct_vring_is_on(const struct viaduct_dev *dev, unsigned int vring)
{
	return vring < dev->nr_vrings && dev->vring[vring].is_on;
}

/**
 * viaduct_vring_arm() - enable kicks before a wait
 * @dev: the device
 * @vring: number of the ring
 *
 * Afterwards a kick makes viaduct_session_fd() readable, unless the session has
 * a thread. The next burst disables kicks.
 *
 * Return: 0 if kicks are enabled; 1 if buffers have arrived meanwhile, so that
 * the caller must not wait; -EAGAIN if the ring is not on.
 */
int viaduct_vring_arm(struct viaduct_dev *dev, unsigned int vring)
{
	struct vd_vring *v = vd_burst_enter(dev, vring);
	int ret;

	if (!v)
		return -EAGAIN;
	if (dev->s->has_thread && v->kick >= 0)
		vd_notify_clear(&dev->s->notify, v->kick);
	v->armed = true;
	ret = vd_ring_arm(&v->ring);
	vd_burst_leave(v, ret < 0 ? ret : 0);
	return ret < 0 ? -EAGAIN : ret;
}

/* The descriptors to wait for; 0 or the result of viaduct_vring_wait(). */
static int vd_wait_begin(struct vd_vring *v, struct pollfd p[2])
{
	eventfd_t count;
	int ret = 0;

	vd_vring_lock(v);
	if (v->wake < 0)
		v->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* A duplicate, because the front end may replace the descriptor. */
	p[0].fd = v->kick < 0 ? -1 : fcntl(v->kick, F_DUPFD_CLOEXEC, 0);
	p[1].fd = v->wake;
	if (!vd_burst_is_on(v))
		ret = -EAGAIN;
	else if (v->kick < 0)
		ret = -EINVAL;
	else if (p[0].fd < 0 || v->wake < 0)
		ret = -errno;
	else
		/* What it has reported has been seen above. */
		eventfd_read(v->wake, &count);
	vd_vring_unlock(v);
	if (ret && p[0].fd >= 0)
		close(p[0].fd);
	return ret;
}

/**
 * viaduct_vring_wait() - wait for buffers of the guest
 * @dev: the device, of a session with a thread
 * @vring: number of the ring
 * @timeout: milliseconds, -1 for no limit
 *
 * Return: 1 if buffers may have arrived; 0 after @timeout; -EAGAIN if the ring
 * is not on, or stops meanwhile; -EINVAL if the front end polls instead of
 * kicking; -EINTR after a signal; -errno if there is no descriptor left.
 */
int viaduct_vring_wait(struct viaduct_dev *dev, unsigned int vring, int timeout)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct vd_vring *v = &dev->vring[vring];
	int ret = viaduct_vring_arm(dev, vring);

	if (ret)
		return ret;
	ret = vd_wait_begin(v, p);
	if (ret)
		return ret;
	ret = poll(p, 2, timeout);
	ret = ret < 0 ? -errno : ret;
	close(p[0].fd);
	if (ret <= 0)
		return ret;
	vd_vring_lock(v);
	ret = vd_burst_is_on(v) ? 1 : -EAGAIN;
	vd_vring_unlock(v);
	return ret;
}

/**
 * viaduct_vring_stats() - read the counters of a ring
 * @dev: the device
 * @vring: number of the ring
 * @stats: filled in; zeroed if there is no such ring
 */
void viaduct_vring_stats(const struct viaduct_dev *dev, unsigned int vring,
			 struct viaduct_stats *stats)
{
	*stats = vring < dev->nr_vrings ? dev->vring[vring].stats :
					  (struct viaduct_stats){};
}
