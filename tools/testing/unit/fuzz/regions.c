// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: memory tables and translation, against the reference.
 *
 * The input is a u8 count, entries of 8 bytes (u8 how far the start is
 * shifted, s16 start, u8 how far the size is shifted, s16 size, s16 user
 * address) and lookups of 5 bytes (u8 entry, s8 distance from its start or
 * end, u16 length, u8 room).
 */
#include <errno.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "fuzz/input.h"
#include "guest/translate.h"
#include "lib/ref.h"
#include "umem.h"

#define MAX_ENTRIES	48U
#define MAX_ROOM	64U

#define REGIONS_CHECK(cond) do {				\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

static u64 regions_shifted(struct input *in)
{
	u8 shift = input_u8(in) % 60;

	return (u64)(s64)(s16)input_u16(in) << shift;
}

static bool regions_is_bad(const struct vhost_memory_region *r)
{
	return !r->memory_size ||
	       r->guest_phys_addr + (r->memory_size - 1) < r->guest_phys_addr;
}

static bool regions_is_user(const struct vhost_memory_region *r)
{
	return r->userspace_addr <= UMEM_TOP &&
	       r->memory_size <= UMEM_TOP - r->userspace_addr;
}

static void regions_check_order(const struct vd_regions *regions)
{
	u32 i;

	for (i = 0; i < regions->nr; i++) {
		const struct vd_region *r = &regions->region[i];

		REGIONS_CHECK(r->gpa + r->span >= r->gpa);
		if (i)
			REGIONS_CHECK(r->gpa > r[-1].gpa + r[-1].span);
	}
}

static void regions_ask(struct vd_mem *mem, struct input *in,
			const struct vhost_memory_region *table, u32 nr)
{
	struct iovec seen[MAX_ROOM], want[MAX_ROOM];
	u8 entry = input_u8(in);
	u64 gpa = (s8)input_u8(in);
	u32 len = input_u16(in) + 1, room = 1 + input_u8(in) % MAX_ROOM;
	int ret, ref, i;

	if (nr) {
		const struct vhost_memory_region *r = &table[entry % nr];

		gpa += r->guest_phys_addr;
		if (entry & 0x80)
			gpa += r->memory_size;
	}
	REGIONS_CHECK(!vd_regions_lookup(mem->regions, gpa) ==
		      !ref_owner(table, nr, gpa));
	ref = ref_translate(table, nr, gpa, len, want, room);
	ret = vd_translate(mem, gpa, len, VHOST_ACCESS_RO, seen, room);
	REGIONS_CHECK(ref < 0 ? ret == -EFAULT || ret == -E2BIG : ret == ref);
	for (i = 0; i < ref; i++) {
		REGIONS_CHECK(seen[i].iov_base == want[i].iov_base);
		REGIONS_CHECK(seen[i].iov_len == want[i].iov_len);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct vhost_memory_region table[MAX_ENTRIES];
	struct input in = { data, size };
	u32 nr = input_u8(&in) % (MAX_ENTRIES + 1), i;
	bool is_bad = false, is_user = true;
	struct vd_regions *regions;
	struct vd_mem mem = {};

	slab_reset();
	for (i = 0; i < nr; i++) {
		table[i].guest_phys_addr = regions_shifted(&in);
		table[i].memory_size = regions_shifted(&in);
		table[i].userspace_addr = (u64)(s16)input_u16(&in) << 32;
		is_bad |= regions_is_bad(&table[i]);
		is_user &= regions_is_user(&table[i]);
	}
	regions = vd_regions_create(table, nr);
	REGIONS_CHECK(is_bad ? PTR_ERR(regions) == -EFAULT : !IS_ERR(regions));
	if (!is_bad) {
		REGIONS_CHECK(regions->is_user == is_user);
		REGIONS_CHECK(regions->nr <= nr);
		regions_check_order(regions);
		vd_mem_set(&mem, regions);
		while (in.left)
			regions_ask(&mem, &in, table, nr);
		vd_regions_destroy(regions);
	}
	umem_settle();
	REGIONS_CHECK(!slab_nr_live());
	return 0;
}
