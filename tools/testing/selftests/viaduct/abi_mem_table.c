// SPDX-License-Identifier: GPL-2.0-only
/* VHOST_SET_MEM_TABLE: valid tables, and when a table may change. */
#include <sys/mman.h>

#include "abi.h"

#define TABLE_MAX 1100

static struct {
	struct vhost_memory head;
	struct vhost_memory_region r[TABLE_MAX];
} table;

static uint8_t page[4096] __attribute__((aligned(4096)));

static void region(int i, uint64_t gpa, uint64_t size)
{
	table.r[i].guest_phys_addr = gpa;
	table.r[i].memory_size = size;
	table.r[i].userspace_addr = (uintptr_t)page;
}

static int set(int fd, unsigned int nr)
{
	table.head.nregions = nr;
	return vg_set_mem_table(fd, &table.head);
}

/* The limit is a parameter of the module that serves the device. */
static unsigned int max_regions(void)
{
	const char *path = vg_dev_is_reference() ?
		"/sys/module/vhost/parameters/max_mem_regions" :
		"/sys/module/viaduct/parameters/max_mem_regions";
	FILE *f = fopen(path, "r");
	unsigned int max = 0;

	if (!f || fscanf(f, "%u", &max) != 1)
		printf("# cannot read %s\n", path);
	if (f)
		fclose(f);
	return max;
}

TEST(bad_pointer)
{
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_set_mem_table(fd, NULL));
}

TEST(header_cut_short)
{
	void *edge = abi_edge();
	struct vhost_memory *m = edge - 8;
	int fd = abi_owned();

	EXPECT_RET(-EFAULT, vg_set_mem_table(fd, edge - 4));
	m->nregions = 0;
	EXPECT_RET(0, vg_set_mem_table(fd, m));
	m->nregions = 1;
	EXPECT_RET(-EFAULT, vg_set_mem_table(fd, m));
	m->padding = 1;
	EXPECT_RET(-EOPNOTSUPP, vg_set_mem_table(fd, m));
}

TEST(padding)
{
	int fd = abi_owned();

	region(0, 0, 4096);
	table.head.padding = 1;
	EXPECT_RET(-EOPNOTSUPP, set(fd, 1));
	/* The padding is checked before the number of regions. */
	EXPECT_RET(-EOPNOTSUPP, set(fd, UINT32_MAX));
	table.head.padding = 0;
	EXPECT_RET(0, set(fd, 1));
}

TEST(number_of_regions)
{
	unsigned int max = max_regions(), i;
	int fd = abi_owned();

	ASSERT_LE(64, max);
	ASSERT_GT(TABLE_MAX, max);
	for (i = 0; i < TABLE_MAX; i++)
		region(i, i * 0x10000ULL, 4096);
	EXPECT_RET(0, set(fd, 0));
	EXPECT_RET(0, set(fd, 1));
	EXPECT_RET(0, set(fd, 64));
	EXPECT_RET(0, set(fd, max));
	EXPECT_RET(-E2BIG, set(fd, max + 1));
	EXPECT_RET(-E2BIG, set(fd, UINT32_MAX));
}

/* The number of regions is checked before the array is read. */
TEST(too_many_beats_bad_array)
{
	struct vhost_memory *m = abi_edge() - 8;
	int fd = abi_owned();

	m->nregions = max_regions() + 1;
	EXPECT_RET(-E2BIG, vg_set_mem_table(fd, m));
}

TEST(empty_region)
{
	int fd = abi_owned();

	region(0, 0x1000, 0);
	EXPECT_RET(-EFAULT, set(fd, 1));
	region(0, 0, 4096);
	region(1, 0x2000, 0);
	EXPECT_RET(-EFAULT, set(fd, 2));
}

TEST(empty_region_at_zero)
{
	int fd = abi_owned();

	region(0, 0, 0);
	EXPECT_CALL("mem_table.whole_space", 0, set(fd, 1));
}

TEST(wrap)
{
	int fd = abi_owned();

	region(0, UINT64_MAX - 4095, 4096);
	EXPECT_RET(0, set(fd, 1));
	region(0, UINT64_MAX - 4095, 4097);
	EXPECT_RET(-EFAULT, set(fd, 1));
	region(0, 1, UINT64_MAX);
	EXPECT_RET(0, set(fd, 1));
	region(0, 2, UINT64_MAX);
	EXPECT_RET(-EFAULT, set(fd, 1));
}

/* Alignment, order and overlap are not checked. */
TEST(odd_tables)
{
	int fd = abi_owned();

	region(0, 0, 4096);
	region(1, 0, 4096);
	EXPECT_RET(0, set(fd, 2));
	region(1, 0x800, 4096);
	EXPECT_RET(0, set(fd, 2));
	region(0, 0x9000, 4096);
	region(1, 0x1000, 4096);
	EXPECT_RET(0, set(fd, 2));
	region(0, 3, 5);
	EXPECT_RET(0, set(fd, 1));
	table.r[0].flags_padding = UINT64_MAX;
	EXPECT_RET(0, set(fd, 1));
}

/* While no queue runs, host addresses are not checked. */
TEST(host_address_of_idle_device)
{
	int fd = abi_owned();

	region(0, 0, 4096);
	table.r[0].userspace_addr = UINT64_MAX - 4095;
	EXPECT_RET(0, set(fd, 1));
	/* SET_BACKEND checks them. */
	EXPECT_RET(-EFAULT, vg_set_backend(fd, 0, -1));
	region(0, 0, 4096);
	EXPECT_RET(0, set(fd, 1));
	EXPECT_RET(0, vg_set_backend(fd, 0, -1));
}

TEST(host_address_of_running_device)
{
	struct vg_net n = abi_net(0);
	int tap = abi_tap();

	ASSERT_EQ(0, vg_net_start(&n, -1, tap));
	region(0, 0, 4096);
	table.r[0].userspace_addr = UINT64_MAX - 4095;
	EXPECT_RET(-EFAULT, set(n.fd, 1));
	table.r[0].userspace_addr = 0xffff800000000000ULL;
	EXPECT_RET(-EFAULT, set(n.fd, 1));
	region(0, 0, 4096);
	EXPECT_RET(0, set(n.fd, 1));
	EXPECT_RET(0, set(n.fd, 0));
}

/* A table that is refused leaves the old one in force. */
TEST(failure_keeps_the_old_table)
{
	int fd = abi_owned();

	region(0, 0, 4096);
	ASSERT_EQ(0, set(fd, 1));
	region(1, 0x1000, 0);
	ASSERT_EQ(-EFAULT, set(fd, 2));
	ASSERT_EQ(-E2BIG, set(fd, UINT32_MAX));
	EXPECT_RET(0, vg_set_backend(fd, 0, -1));
}

VD_TEST_MAIN
