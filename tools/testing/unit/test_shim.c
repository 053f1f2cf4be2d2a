// SPDX-License-Identifier: GPL-2.0-only
/* The shim enforces its rules: otherwise tests that rely on it cannot fail. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lib/unit.h"

#define SPOT	((u32 *)(uintptr_t)UMEM_BASE)

static void spot_map(unsigned int prot)
{
	umem_map(UMEM_BASE, 64, prot);
}

static u32 spot_read(void)
{
	u32 val = 1;

	unsafe_get_user(val, SPOT, fault);
	return val;
fault:
	return ~0U;
}

static void spot_write(u32 val)
{
	unsafe_put_user(val, SPOT, fault);
fault:
	return;
}

static void read_without_window(void)
{
	spot_map(UMEM_R);
	spot_read();
}

static void read_in_write_window(void)
{
	spot_map(UMEM_R);
	if (user_write_access_begin(SPOT, 4))
		spot_read();
}

static void write_in_read_window(void)
{
	spot_map(UMEM_R | UMEM_W);
	if (user_read_access_begin(SPOT, 4))
		spot_write(1);
}

static void read_beyond_range(void)
{
	spot_map(UMEM_R);
	if (user_read_access_begin(SPOT, 3))
		spot_read();
}

static void write_to_driver_memory(void)
{
	spot_map(UMEM_R);
	if (user_write_access_begin(SPOT, 4))
		spot_write(1);
}

static void nested_windows(void)
{
	if (user_read_access_begin(SPOT, 4) && user_access_begin(SPOT, 4))
		user_access_end();
}

static void wrong_end(void)
{
	if (user_read_access_begin(SPOT, 4))
		user_access_end();
}

static void no_end(void)
{
	if (user_access_begin(SPOT, 4))
		umem_settle();
}

static void end_without_begin(void)
{
	user_access_end();
}

static void copy_in_window(void)
{
	u32 val;

	spot_map(UMEM_R);
	if (user_read_access_begin(SPOT, 4))
		(void)get_user(val, SPOT);
}

static void allocate_in_window(void)
{
	if (user_read_access_begin(SPOT, 4))
		kvfree(kvzalloc(1, GFP_KERNEL));
}

static void follow_address(void)
{
	umem_note(UMEM_READ, *SPOT);
}

TEST(shim_rules_are_kept)
{
	CHECK(unit_dies(read_without_window));
	CHECK(unit_dies(read_in_write_window));
	CHECK(unit_dies(write_in_read_window));
	CHECK(unit_dies(read_beyond_range));
	CHECK(unit_dies(write_to_driver_memory));
	CHECK(unit_dies(nested_windows));
	CHECK(unit_dies(wrong_end));
	CHECK(unit_dies(no_end));
	CHECK(unit_dies(end_without_begin));
	CHECK(unit_dies(copy_in_window));
	CHECK(unit_dies(allocate_in_window));
}

TEST(shim_address_is_no_pointer)
{
	spot_map(UMEM_R);
	CHECK(unit_crashes(follow_address));
}

TEST(shim_reads_and_writes)
{
	u32 val = 0;

	spot_map(UMEM_R | UMEM_W);
	CHECK(user_access_begin(SPOT, 4));
	spot_write(0x12345678);
	CHECK_EQ(spot_read(), 0x12345678);
	user_access_end();
	CHECK(!get_user(val, SPOT));
	CHECK_EQ(val, 0x12345678);
	CHECK(!put_user(5, SPOT));
	CHECK_EQ(*(u32 *)umem_ptr(UMEM_BASE, 4), 5);
}

/* access_ok() before the window counts; a window that has ended does not. */
TEST(shim_checked_ranges)
{
	spot_map(UMEM_R);
	CHECK(access_ok(SPOT, 4));
	CHECK(user_read_access_begin(SPOT + 8, 4));
	CHECK_EQ(spot_read(), 0);
	user_read_access_end();
	CHECK(!access_ok((void *)UMEM_TOP, 1));
	CHECK(access_ok((void *)UMEM_TOP, 0));
	CHECK(!access_ok((void *)(UMEM_TOP - 4), 5));
	CHECK(!access_ok((void *)~0UL, 2));
	CHECK(!access_ok(NULL, ~0UL));
	CHECK(!user_access_begin((void *)~0UL, 2));
}

TEST(shim_faults)
{
	u32 val = 1;

	spot_map(UMEM_R | UMEM_W);
	CHECK(!get_user(val, SPOT + 15));
	CHECK_EQ(get_user(val, SPOT + 16), -EFAULT);
	umem_fault_nth(2);
	CHECK(!get_user(val, SPOT));
	CHECK_EQ(put_user(1, SPOT), -EFAULT);
	CHECK(!get_user(val, SPOT));
	umem_fault_range(UMEM_BASE + 7, UMEM_BASE + 8);
	CHECK(!get_user(val, SPOT));
	CHECK_EQ(get_user(val, SPOT + 1), -EFAULT);
	CHECK_EQ(get_user(val, SPOT + 2), -EFAULT);
	CHECK(!get_user(val, SPOT + 3));
	CHECK_EQ(val, 0);
	CHECK_EQ(umem_nr_accesses(), 9);
}

TEST(shim_failed_allocations)
{
	void *a, *b;

	slab_fail_nth(2);
	a = kvzalloc(8, GFP_KERNEL);
	b = kvmalloc_array(1, 8, GFP_KERNEL);
	CHECK(a && !b);
	CHECK_EQ(slab_nr_live(), 1);
	CHECK(!kvmalloc_array(~0UL, 2, GFP_KERNEL));
	kvfree(a);
}
