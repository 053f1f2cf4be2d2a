// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log: one that is too small must not reach the kernel. */
#include <errno.h>
#include <sys/mman.h>

#include "daemon.h"

TEST(dirty_log)
{
	int fd = memfd(LOG_SIZE + 4096);
	struct daemon d;
	uint8_t *here, *there;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(set_log(&d, fd, LOG_SIZE, 4096), 0);
	CHECK_EQ(set_log_all(&d), 0);
	CHECK_EQ(kernel.pair[0].features, MODERN | VG_BIT(FE_LOG_ALL));
	d.fe.log = true;
	CHECK_EQ(fe_set_addr(&d.fe, 0), 0);
	CHECK_EQ(kernel.pair[0].ring[0].addr.flags, 1);
	there = mmap(NULL, LOG_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	here = (void *)(uintptr_t)kernel.pair[0].log;
	here[0x1234] = 0x77;
	CHECK_EQ(there[4096 + 0x1234], 0x77);
	/* Another log takes its place. */
	CHECK_EQ(set_log(&d, memfd(LOG_SIZE), LOG_SIZE, 0), 0);
	CHECK(kernel.pair[0].log != (uintptr_t)here);
	expect_running(&d, 0);
	CHECK_EQ(kernel.pair[0].ring[0].attached, 1);
	daemon_close(&d);
}

/* The kernel would write beyond the mapping. */
TEST(dirty_log_too_small)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(set_log(&d, memfd(LOG_SIZE), LOG_SIZE - 1, 0), 0);
	CHECK_EQ(kernel.pair[0].features & VG_BIT(FE_LOG_ALL), 0);
	CHECK_EQ(set_log_all(&d), -EREMOTEIO);
	expect_closed(&d, "dirty log does not cover");
	CHECK_EQ(kernel.pair[0].features & VG_BIT(FE_LOG_ALL), 0);
	daemon_close(&d);
}

TEST(dirty_log_none)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(set_log_all(&d), -EREMOTEIO);
	expect_closed(&d, "dirty log does not cover");
	daemon_close(&d);
}

/* A ring's guest address need not be in memory: it is checked by itself. */
TEST(dirty_log_of_ring)
{
	struct daemon d;
	uint64_t gpa;

	for (gpa = 0; gpa < 2; gpa++) {
		daemon_open(&d, 1, MODERN);
		CHECK_EQ(fe_start(&d.fe), 0);
		CHECK_EQ(set_log(&d, memfd(LOG_SIZE), LOG_SIZE, 0), 0);
		d.fe.log = true;
		d.fe.n.ring[0].used_gpa = gpa ? -4ULL : LOG_SIZE * 8ULL << 12;
		CHECK_EQ(fe_set_addr(&d.fe, 0), -EREMOTEIO);
		expect_closed(&d, "dirty log does not cover");
		CHECK_EQ(kernel.pair[0].ring[0].addr.flags, 0);
		daemon_close(&d);
	}
}

/* A smaller log replaces one that is in use. */
TEST(dirty_log_shrinks)
{
	struct daemon d;
	uint64_t log;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(set_log(&d, memfd(LOG_SIZE), LOG_SIZE, 0), 0);
	CHECK_EQ(set_log_all(&d), 0);
	log = kernel.pair[0].log;
	d.fe.proto &= ~ACK;
	CHECK_EQ(set_log(&d, memfd(4096), 4096, 0), 0);
	expect_closed(&d, "dirty log does not cover");
	CHECK_EQ(kernel.pair[0].log, log);
	daemon_close(&d);
}

/* QEMU starts rings before it sends the log, when it reconnects in a migration. */
TEST(dirty_log_later)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	d.fe.n.features |= VG_BIT(FE_LOG_ALL);
	d.fe.log = true;
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(kernel.pair[0].ring[0].backend, -1);
	CHECK_EQ(set_log(&d, memfd(LOG_SIZE), LOG_SIZE, 0), 0);
	expect_running(&d, 0);
	expect_running(&d, 1);
	daemon_close(&d);
}
