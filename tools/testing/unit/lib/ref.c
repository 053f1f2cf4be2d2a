// SPDX-License-Identifier: GPL-2.0-only
/* The reference for memory tables and descriptor chains. */
#include <errno.h>
#include <linux/minmax.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "ref.h"
#include "umem.h"

const struct vhost_memory_region *
ref_owner(const struct vhost_memory_region *table, u32 nr, u64 gpa)
{
	const struct vhost_memory_region *best = NULL;
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct vhost_memory_region *r = &table[i];

		if (gpa < r->guest_phys_addr ||
		    gpa - r->guest_phys_addr >= r->memory_size)
			continue;
		if (!best || r->guest_phys_addr < best->guest_phys_addr)
			best = r;
	}
	return best;
}

int ref_translate(const struct vhost_memory_region *table, u32 nr, u64 gpa,
		  u32 len, struct iovec *seg, unsigned int room)
{
	unsigned int used = 0;
	u64 left = len;

	while (left) {
		const struct vhost_memory_region *r = ref_owner(table, nr, gpa);
		u64 off, here;

		if (!r)
			return -EFAULT;
		if (used == room)
			return -E2BIG;
		off = gpa - r->guest_phys_addr;
		here = min(left, r->memory_size - off);
		seg[used].iov_base = (void *)(r->userspace_addr + off);
		seg[used].iov_len = here;
		used++;
		left -= here;
		if (left && gpa + here < gpa)
			return -EFAULT;
		gpa += here;
	}
	return used;
}

static bool ref_read(const struct ref_guest *guest, u64 gpa, void *dst,
		     size_t len)
{
	struct iovec seg[16];
	int nr, i;

	nr = ref_translate(guest->table, guest->nr, gpa, len, seg, 16);
	for (i = 0; i < nr; i++) {
		u64 hva = (u64)seg[i].iov_base;

		if (!umem_is_mapped(hva, seg[i].iov_len))
			return false;
		memcpy(dst, umem_ptr(hva, seg[i].iov_len), seg[i].iov_len);
		dst += seg[i].iov_len;
	}
	return nr > 0;
}

static void ref_add(const struct ref_guest *guest, struct ref_chain *chain,
		    const struct vring_desc *d)
{
	unsigned int used = chain->nr_out + chain->nr_in;
	u64 gpa = d->addr;
	int nr, i;

	if (!d->len)
		return;
	nr = ref_translate(guest->table, guest->nr, d->addr, d->len,
			   &chain->seg[used], REF_MAX_SEGS - used);
	for (i = 0; i < nr; i++) {
		chain->gpa[used + i] = gpa;
		gpa += chain->seg[used + i].iov_len;
	}
	if (nr == -E2BIG) {
		chain->is_big = true;
	} else if (nr < 0) {
		chain->is_bad = true;
	} else if (d->flags & VRING_DESC_F_WRITE) {
		chain->nr_in += nr;
		chain->in_len += d->len;
	} else if (chain->nr_in) {
		chain->is_bad = true;
	} else {
		chain->nr_out += nr;
		chain->out_len += d->len;
	}
}

static bool ref_is_good(const struct ref_chain *chain)
{
	return !chain->is_bad && !chain->is_big;
}

/*
 * A table must have a proper size, begin in memory and not wrap around the end
 * of the address space. If it runs into a hole, only the entries read matter.
 */
static bool ref_is_table(const struct ref_guest *guest,
			 const struct vring_desc *outer)
{
	return outer->len && !(outer->len % sizeof(*outer)) &&
	       outer->len / sizeof(*outer) <= REF_MAX_TABLE &&
	       outer->addr + (outer->len - 1) >= outer->addr &&
	       ref_owner(guest->table, guest->nr, outer->addr);
}

static void ref_table(const struct ref_guest *guest, struct ref_chain *chain,
		      const struct vring_desc *outer)
{
	u32 num = outer->len / sizeof(*outer), seen, slot = 0;
	struct vring_desc d;

	if (!ref_is_table(guest, outer)) {
		chain->is_bad = true;
		return;
	}
	for (seen = 0; ref_is_good(chain); seen++) {
		/* More steps than places: the walk is in a loop. */
		if (slot >= num || seen >= num || seen >= REF_MAX_WALK ||
		    !ref_read(guest, outer->addr + sizeof(d) * slot, &d,
			      sizeof(d)) ||
		    d.flags & VRING_DESC_F_INDIRECT) {
			chain->is_bad = true;
			return;
		}
		ref_add(guest, chain, &d);
		if (!(d.flags & VRING_DESC_F_NEXT))
			return;
		slot = d.next;
	}
}

void ref_walk(const struct ref_guest *guest, u16 head, struct ref_chain *chain)
{
	u32 slot = head, seen;
	struct vring_desc d;

	memset(chain, 0, offsetof(struct ref_chain, gpa));
	for (seen = 0; ref_is_good(chain); seen++) {
		if (slot >= guest->num || seen >= guest->num) {
			chain->is_bad = true;
			return;
		}
		memcpy(&d, umem_ptr(guest->desc + sizeof(d) * slot, sizeof(d)),
		       sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (d.flags & VRING_DESC_F_NEXT)
				chain->is_bad = true;
			else
				ref_table(guest, chain, &d);
			chain->nr_desc++;
		} else {
			ref_add(guest, chain, &d);
			chain->nr_desc += !!d.len;
		}
		chain->is_big |= chain->nr_desc > REF_MAX_SEGS;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return;
		slot = d.next;
	}
}
