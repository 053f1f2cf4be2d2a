// SPDX-License-Identifier: GPL-2.0-only
/* Messages of a front end, and their effects on the kernel's devices. */
#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon.h"
#include "wait.h"

#define F_CSUM		0
#define F_GUEST_CSUM	1
#define F_GUEST_TSO4	7
#define F_GUEST_TSO6	8
#define F_ANY_LAYOUT	27

TEST(start)
{
	struct kernel_ring *rx = &kernel.pair[0].ring[0];
	struct daemon d;
	unsigned int i;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(kernel.pair[0].nr_regions, d.fe.n.mem.nr);
	for (i = 0; i < d.fe.n.mem.nr; i++) {
		uint32_t *there = (void *)d.fe.n.mem.region[i].hva;
		uint32_t *here = (void *)(uintptr_t)kernel.pair[0].region[i].userspace_addr;

		CHECK_EQ(kernel.pair[0].region[i].guest_phys_addr,
			 d.fe.n.mem.region[i].gpa);
		there[77] = 0x12345678 + i;
		CHECK_EQ(here[77], 0x12345678 + i);
	}
	expect_running(&d, 0);
	expect_running(&d, 1);
	CHECK_EQ(kernel.pair[0].features, MODERN);
	CHECK(kernel.up);
	/* The descriptors are the front end's. */
	eventfd_write(rx->call, 3);
	CHECK(vg_wait_fd(d.fe.n.call[0], POLLIN, vg_deadline_ms(1000)) == 1);
	eventfd_write(d.fe.n.kick[0], 3);
	CHECK(vg_wait_fd(rx->kick, POLLIN, vg_deadline_ms(1000)) == 1);
	daemon_close(&d);
}

/* Each start raises an interrupt: one may have been lost with the process before. */
TEST(call_at_start)
{
	int late = vg_eventfd();
	uint64_t idx = 0;
	struct daemon d;
	eventfd_t count;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(eventfd_read(d.fe.n.call[0], &count), 0);
	CHECK_EQ(count, 1);
	CHECK_EQ(fe_send(&d.fe, FE_SET_VRING_CALL, &idx, 8, &late, 1), 0);
	CHECK_EQ(eventfd_read(late, &count), 0);
	CHECK_EQ(count, 1);
	/* Once: guests mask and unmask interrupts all the time. */
	CHECK_EQ(fe_send(&d.fe, FE_SET_VRING_CALL, &idx, 8, &late, 1), 0);
	CHECK_EQ(eventfd_read(late, &count), -1);
	close(late);
	daemon_close(&d);
}

/* A stopped ring's base is the kernel's, and so is that of a disabled one. */
TEST(base)
{
	struct kernel_ring *tx = &kernel.pair[0].ring[1];
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(fe_set_memory(&d.fe), 0);
	CHECK_EQ(fe_start_ring(&d.fe, 1, 1000), 0);
	CHECK_EQ(tx->base, 1000);
	CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_ENABLE, 1, 0), 0);
	CHECK_EQ(tx->backend, -1);
	CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_ENABLE, 1, 1), 0);
	CHECK_EQ(tx->attached, 2);
	CHECK_EQ(tx->base, 1005);
	CHECK_EQ(fe_stop_ring(&d.fe, 1), 1010);
	CHECK_EQ(tx->backend, -1);
	CHECK_EQ(fe_start_ring(&d.fe, 1, 1010), 0);
	CHECK_EQ(tx->base, 1010);
	expect_running(&d, 1);
	daemon_close(&d);
}

/* QEMU sets the status to 0 before it requests the base. */
TEST(base_after_status)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(fe_send_u64(&d.fe, FE_SET_STATUS, 0), 0);
	CHECK_EQ(kernel.pair[0].ring[1].backend, -1);
	CHECK_EQ(fe_stop_ring(&d.fe, 1), 5);
	CHECK_EQ(fe_start_ring(&d.fe, 1, 5), 0);
	expect_running(&d, 1);
	daemon_close(&d);
}

/* All 32 bits of a packed ring's base pass. */
TEST(base_packed)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN | VG_BIT(VG_F_RING_PACKED));
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(fe_set_memory(&d.fe), 0);
	CHECK_EQ(fe_start_ring(&d.fe, 1, 0x80070007), 0);
	CHECK_EQ(kernel.pair[0].ring[1].base, 0x80070007);
	CHECK_EQ(fe_stop_ring(&d.fe, 1), 0x8007000c);
	daemon_close(&d);
}

/* Bit 27 has another meaning for the kernel, and bits of the tap none. */
TEST(features)
{
	const uint64_t offload = VG_BIT(F_CSUM) | VG_BIT(F_GUEST_CSUM) |
				 VG_BIT(F_GUEST_TSO4);
	struct daemon d;

	daemon_open(&d, 1, MODERN | offload | VG_BIT(F_ANY_LAYOUT));
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(kernel.pair[0].features, MODERN);
	CHECK_EQ(kernel.offload, TUN_F_CSUM | TUN_F_TSO4);
	CHECK_EQ(kernel.hdr_len, 12);
	daemon_close(&d);
	daemon_open(&d, 1, VG_BIT(F_GUEST_TSO6));
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(kernel.offload, 0);
	CHECK_EQ(kernel.hdr_len, 10);
	daemon_close(&d);
}

TEST(features_of_old_kernel)
{
	const struct vdd_options o = { .tap = "tap0", .pairs = 1, .max = 1,
				       .device = "/dev/viaduct-net" };
	uint64_t offered;
	struct daemon d;

	kernel_reset();
	kernel.features = 0x33d008000ULL;
	daemon_open_as(&d, &o, MODERN);
	CHECK_EQ(fe_get(&d.fe, FE_GET_FEATURES, &offered, 8, 0), 0);
	CHECK_EQ(offered >> VG_F_RING_PACKED & 3, 0);
	CHECK(offered & VG_BIT(VG_F_VERSION_1));
	CHECK(offered & VG_BIT(FE_LOG_ALL));
	daemon_close(&d);
}

/* A queue of the tap gets packets while the guest uses the pair. */
TEST(queues)
{
	uint64_t nr;
	struct daemon d;

	daemon_open(&d, 3, MODERN);
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(fe_set_memory(&d.fe), 0);
	CHECK_EQ(fe_get(&d.fe, FE_GET_QUEUE_NUM, &nr, 8, 0), 0);
	CHECK_EQ(nr, 3);
	CHECK(kernel.pair[0].queue_on);
	CHECK(!kernel.pair[1].queue_on && !kernel.pair[2].queue_on);
	CHECK_EQ(kernel.pair[2].nr_regions, d.fe.n.mem.nr);
	CHECK_EQ(kernel.pair[2].features, MODERN);
	/* The rings of pair 0 serve as those of pair 2: nothing runs on them. */
	{
		uint64_t idx = 5;
		struct vhost_vring_addr a = {
			.index = 5,
			.desc_user_addr = (uintptr_t)d.fe.n.ring[1].desc,
			.avail_user_addr = (uintptr_t)d.fe.n.ring[1].avail,
			.used_user_addr = (uintptr_t)d.fe.n.ring[1].used,
		};

		CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_NUM, 5,
				       d.fe.n.ring[1].num), 0);
		CHECK_EQ(fe_send(&d.fe, FE_SET_VRING_ADDR, &a, sizeof(a), NULL, 0), 0);
		CHECK_EQ(fe_send(&d.fe, FE_SET_VRING_KICK, &idx, 8,
				 &d.fe.n.kick[1], 1), 0);
		CHECK(!kernel.pair[2].queue_on);
		CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_ENABLE, 5, 1), 0);
	}
	CHECK(kernel.pair[2].queue_on && !kernel.pair[1].queue_on);
	expect_running(&d, 5);
	CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_ENABLE, 5, 0), 0);
	CHECK(!kernel.pair[2].queue_on);
	daemon_close(&d);
}

/* Memory that moves: the new table, then the areas in it. */
TEST(memory_while_running)
{
	struct daemon d;
	uint64_t old;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	old = kernel.pair[0].ring[0].addr.desc_user_addr;
	CHECK_EQ(fe_set_memory(&d.fe), 0);
	CHECK(kernel.pair[0].ring[0].addr.desc_user_addr != old);
	expect_running(&d, 0);
	expect_running(&d, 1);
	CHECK_EQ(kernel.pair[0].ring[0].attached, 1);
	daemon_close(&d);
}

TEST(memory_slots)
{
	uint64_t slots;
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	d.fe.slots = true;
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(fe_get(&d.fe, FE_GET_MAX_MEM_SLOTS, &slots, 8, 0), 0);
	CHECK_EQ(slots, d.sv.port.max_regions < 509 ? d.sv.port.max_regions : 509);
	expect_running(&d, 0);
	daemon_close(&d);
}

TEST(ring_without_kick)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_negotiate(&d.fe), 0);
	CHECK_EQ(fe_set_memory(&d.fe), 0);
	CHECK_EQ(fe_send_state(&d.fe, FE_SET_VRING_NUM, 0, 256), 0);
	CHECK_EQ(fe_set_addr(&d.fe, 0), 0);
	CHECK_EQ(fe_send_u64(&d.fe, FE_SET_VRING_KICK, 1 << 8), -EREMOTEIO);
	expect_closed(&d, "no kick descriptor");
	daemon_close(&d);
}

/* The kernel's report of a broken ring reaches the front end and the log. */
TEST(broken_ring)
{
	struct daemon d;
	uint64_t end;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	eventfd_write(kernel.pair[0].ring[1].err, 1);
	CHECK(vg_wait_fd(d.fe.n.err[1], POLLIN, vg_deadline_ms(10000)) == 1);
	end = vg_deadline_ms(10000);
	do {
		fflush(d.log);
		CHECK(!vg_expired(end));
	} while (!strstr(d.text, "ring 1 failed a check"));
	/* Stopped and started, it runs again. */
	CHECK_EQ(fe_stop_ring(&d.fe, 1), 5);
	CHECK_EQ(fe_start_ring(&d.fe, 1, 5), 0);
	expect_running(&d, 1);
	daemon_close(&d);
}

/* A connection that ends before its device is announced. */
TEST(connection_without_poll)
{
	int fd = memfd(4096);
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	close(d.fe.sock);
	d.fe.sock = -1;
	expect_closed(&d, "front end has left");
	/* A file cannot be watched. */
	CHECK_EQ(viaduct_session_add_fd(d.s, fd), 0);
	fflush(d.log);
	CHECK(strstr(d.text, "cannot be polled"));
	daemon_close(&d);
}

TEST(reset)
{
	struct daemon d;

	daemon_open(&d, 1, MODERN);
	CHECK_EQ(fe_start(&d.fe), 0);
	CHECK_EQ(fe_send(&d.fe, FE_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	CHECK_EQ(kernel.pair[0].ring[0].backend, -1);
	CHECK_EQ(kernel.pair[0].ring[1].backend, -1);
	CHECK_EQ(kernel.pair[0].features, 0);
	CHECK_EQ(fe_send_u64(&d.fe, FE_SET_FEATURES, d.fe.n.features), 0);
	CHECK_EQ(fe_start_ring(&d.fe, 0, 0), 0);
	expect_running(&d, 0);
	daemon_close(&d);
}

/* A tap of its own, on a bridge. */
TEST(bridge)
{
	const struct vdd_options o = { .bridge = "br0", .pairs = 2, .max = 4,
				       .device = "/dev/viaduct-net" };
	struct daemon d;

	kernel_reset();
	daemon_open_as(&d, &o, MODERN);
	CHECK(!strcmp(kernel.bridge, "br0"));
	CHECK(!strcmp(d.sv.port.tap, "vdu7"));
	CHECK(kernel.up);
	CHECK_EQ(fe_start(&d.fe), 0);
	daemon_close(&d);
}
