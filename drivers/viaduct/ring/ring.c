// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verbs of the ring engine: what they mean, whatever the layout.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "guest/dirty.h"
#include "ring/chain.h"
#include "ring/ring.h"
#include "ring/split.h"

/**
 * vd_ring_unmap() - have I/O addresses translated anew
 * @ring: the ring, whose addresses, size or features have changed
 */
void vd_ring_unmap(struct vd_ring *ring)
{
	ring->is_mapped = !ring->pages;
}

/**
 * vd_ring_init() - a ring as it is after open
 * @ring: the ring
 */
void vd_ring_init(struct vd_ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->num = 1;
	vd_ring_unmap(ring);
}

/**
 * vd_ring_set_addr() - say where a ring lies
 * @ring: the ring; its indices stay as they are
 * @addr: addresses in the owner's address space, or I/O addresses
 */
void vd_ring_set_addr(struct vd_ring *ring, const struct vhost_vring_addr *addr)
{
	vd_area_set(&ring->desc, addr->desc_user_addr);
	vd_area_set(&ring->driver, addr->avail_user_addr);
	vd_area_set(&ring->device, addr->used_user_addr);
	ring->is_mapped = !ring->pages;
	ring->log.on = addr->flags & BIT(VHOST_VRING_F_LOG);
	ring->log.gpa = addr->log_guest_addr;
}

/**
 * vd_ring_is_user() - check that all ring areas are user memory
 * @ring: the ring, with size, addresses and features set
 *
 * With an IOTLB that is checked when it gets its mappings.
 *
 * Return: true when they are. Whether anything is mapped there is only found
 * out when it is accessed.
 */
bool vd_ring_is_user(const struct vd_ring *ring)
{
	return ring->pages ||
	       (vd_area_is_user(&ring->desc, vd_split_desc_size(ring)) &&
		vd_area_is_user(&ring->driver, vd_split_avail_size(ring)) &&
		vd_area_is_user(&ring->device, vd_split_used_size(ring)));
}

/**
 * vd_ring_log_is_user() - check that the log of the device area is user memory
 * @ring: the ring, with size, features and log set
 *
 * Return: true when it is, or when the area is not logged or known to the log
 * by the memory table.
 */
bool vd_ring_log_is_user(const struct vd_ring *ring)
{
	return !ring->log.on || ring->pages ||
	       vd_dirty_is_user(ring->log.base, ring->log.gpa,
				ring->log.gpa + vd_split_used_size(ring) - 1);
}

/**
 * vd_ring_set_pages() - change what a ring's addresses mean
 * @ring: the ring, which has no addresses any more afterwards
 * @pages: they will be I/O addresses, and this is room to translate them;
 *	   NULL: they will be user addresses
 */
void vd_ring_set_pages(struct vd_ring *ring, struct vd_ring_pages *pages)
{
	static const struct vhost_vring_addr none;

	ring->pages = pages;
	vd_ring_set_addr(ring, &none);
}

/**
 * vd_ring_forget() - a range of I/O addresses loses its meaning
 * @ring: the ring
 * @first: first address of a mapping that goes
 * @last: its last address
 */
void vd_ring_forget(struct vd_ring *ring, u64 first, u64 last)
{
	if (vd_area_touches(&ring->desc, vd_split_desc_size(ring), first, last) ||
	    vd_area_touches(&ring->driver, vd_split_avail_size(ring), first, last) ||
	    vd_area_touches(&ring->device, vd_split_used_size(ring), first, last))
		vd_ring_unmap(ring);
}

static int vd_ring_map_device(struct vd_ring *ring, struct vd_mem *mem)
{
	return vd_area_map(&ring->device, mem, vd_split_used_size(ring),
			   VHOST_ACCESS_WO, ring->pages->device);
}

/**
 * vd_ring_map() - find the areas of a ring that has I/O addresses
 * @ring: the ring
 * @mem: its view of guest memory
 *
 * Context: the queue's mutex is held.
 * Return: 0; -EAGAIN when the IOTLB does not know a part of one, see
 * vd_translate(); -EFAULT when one may not be accessed as it has to be;
 * -ENXIO when the ring has no addresses.
 */
int vd_ring_map(struct vd_ring *ring, struct vd_mem *mem)
{
	int err;

	if (likely(ring->is_mapped))
		return 0;
	if (!ring->desc.addr && !ring->driver.addr && !ring->device.addr)
		return -ENXIO;
	err = vd_area_map(&ring->desc, mem, vd_split_desc_size(ring),
			  VHOST_ACCESS_RO, ring->pages->desc) ?:
	      vd_area_map(&ring->driver, mem, vd_split_avail_size(ring),
			  VHOST_ACCESS_RO, ring->pages->driver) ?:
	      vd_ring_map_device(ring, mem);
	ring->is_mapped = !err;
	return err;
}

/**
 * vd_ring_probe() - try whether a ring can be served
 * @ring: the ring; nothing in it changes but what it knows of used->flags
 * @mem: its view of guest memory
 * @used_idx: the used index found in memory, where the previous device, or
 *	      we, left it
 *
 * Kicks are asked for, so that none is missed until the first run.
 *
 * Context: on the owner's mm, may fault.
 * Return: 0; -EFAULT; -EAGAIN when the IOTLB does not know the device area.
 */
int vd_ring_probe(struct vd_ring *ring, struct vd_mem *mem, u16 *used_idx)
{
	__le16 idx;
	int err;

	err = ring->is_mapped ? 0 : vd_ring_map_device(ring, mem);
	if (!err)
		err = vd_split_set_flags(ring, 0);
	if (err)
		return err;
	if (get_user(idx, vd_split_used_idx(ring)))
		return -EFAULT;
	*used_idx = le16_to_cpu(idx);
	return 0;
}

/**
 * vd_ring_start() - begin to serve a ring
 * @ring: the ring; &vd_ring.next_avail says where to begin
 * @used_idx: what vd_ring_probe() found
 */
void vd_ring_start(struct vd_ring *ring, u16 used_idx)
{
	ring->used_idx = used_idx;
	ring->published = used_idx;
	ring->seen_avail = ring->next_avail;
	ring->signalled_valid = false;
	ring->nr_pending = 0;
}

/**
 * vd_ring_fetch() - take available chains into a batch
 * @ring: the ring
 * @mem: its view of guest memory
 * @batch: the chains are appended to it
 * @max: how many chains at most
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: the number of chains taken, which can be less than what is
 * available; 0 when there are none; -ENOSPC when there are some, but @batch,
 * which is not empty, has no room for the next; any other error means that
 * the ring is broken: -EFAULT, -EPROTO, -EINVAL, -ELOOP, -E2BIG.
 */
int vd_ring_fetch(struct vd_ring *ring, struct vd_mem *mem,
		  struct vd_batch *batch, unsigned int max)
{
	unsigned int first = batch->nr;
	int nr, err;

	max = min(max, batch->max - first);
	nr = vd_split_heads(ring, batch, max);
	if (nr < 0)
		return nr;
	if (!nr)
		return max || ring->seen_avail == ring->next_avail ? 0 :
								     -ENOSPC;
	batch->nr += nr;
	err = vd_chain_gather(ring, batch, first);
	if (!err)
		err = vd_chain_resolve(mem, batch, first);
	if (err)
		return err == -E2BIG && first ? -ENOSPC : err;
	ring->next_avail += batch->nr - first;
	return batch->nr - first;
}

/**
 * vd_ring_rewind() - give back the last chains of a batch
 * @ring: the ring
 * @batch: they are cut off its end
 * @nr: how many
 *
 * The next fetch brings them again. Context: the queue's mutex is held.
 */
void vd_ring_rewind(struct vd_ring *ring, struct vd_batch *batch,
		    unsigned int nr)
{
	if (!nr)
		return;
	batch->nr -= nr;
	batch->nr_seg = batch->chain[batch->nr].seg;
	batch->nr_desc = batch->chain[batch->nr].desc;
	ring->next_avail -= nr;
}

/**
 * vd_ring_flush() - make room for more completed chains
 * @ring: the ring
 *
 * Context: as vd_ring_complete(), which calls it.
 * Return: 0 or -EFAULT.
 */
int vd_ring_flush(struct vd_ring *ring)
{
	return vd_split_flush(ring);
}

/**
 * vd_ring_publish() - let the driver see all completed chains
 * @ring: the ring
 * @may_call: there is somebody to call
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 1 when the driver wants an interrupt, 0 when it does not, -EFAULT.
 */
int vd_ring_publish(struct vd_ring *ring, bool may_call)
{
	if (ring->used_idx == ring->published)
		return 0;
	return vd_split_publish(ring, may_call);
}

/**
 * vd_ring_arm() - ask for a kick, and look again
 * @ring: the ring
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 when the driver will kick; 1 when chains have arrived in the
 * meantime, so that no kick may come: disarm and go on; -EFAULT.
 */
int vd_ring_arm(struct vd_ring *ring)
{
	int err;

	if (ring->event_idx)
		err = vd_split_set_event(ring, ring->seen_avail);
	else
		err = ring->used_flags ? vd_split_set_flags(ring, 0) : 0;
	if (err)
		return err;
	smp_mb(); /* (D) of split.c */
	return vd_split_peek(ring);
}

/**
 * vd_ring_disarm() - say that no kick is needed
 * @ring: the ring
 *
 * With EVENT_IDX nothing has to be written: the driver kicks once, when it
 * passes the event index of the last vd_ring_arm(), and then no more.
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 or -EFAULT.
 */
int vd_ring_disarm(struct vd_ring *ring)
{
	if (ring->event_idx || ring->used_flags)
		return 0;
	return vd_split_set_flags(ring, VRING_USED_F_NO_NOTIFY);
}

/**
 * vd_ring_mute() - do without the kick that vd_ring_arm() asked for
 * @ring: the ring, armed
 *
 * For one who looks at the ring all the time, by vd_ring_peek(). A kick may
 * be on its way already.
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 0 or -EFAULT.
 */
int vd_ring_mute(struct vd_ring *ring)
{
	if (ring->event_idx)
		return vd_split_set_event(ring, ring->seen_avail - 1);
	return vd_ring_disarm(ring);
}

/**
 * vd_ring_peek() - look whether chains have arrived since the last look
 * @ring: the ring
 *
 * Context: on the owner's mm, may fault. The queue's mutex is held.
 * Return: 1, 0, or -EFAULT.
 */
int vd_ring_peek(struct vd_ring *ring)
{
	return vd_split_peek(ring);
}
