// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that a front end must not send: the connection is closed with a
 * reason, and the session serves the next one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)

static const struct vg_net_opts opts = { .features = MODERN };

struct raw {
	uint32_t request, flags, size;
	union {
		uint64_t value;
		uint32_t state[2];
		struct fe_region region[9];
		struct vhost_vring_addr addr;
		struct {
			uint32_t nr, padding;
			struct fe_region r[9];
		} mem;
		struct {
			uint64_t padding;
			struct fe_region r;
		} reg;
		uint8_t bytes[400];
	};
} __attribute__((packed));

/* The message @m, after negotiation, memory and, with @run, start of rings. */
static void try(const struct raw *m, const int *fds, unsigned int nr_fds,
		bool run, const char *reason)
{
	size_t size = m->size < sizeof(m->bytes) ? m->size : sizeof(m->bytes);
	struct rig r;

	rig_open(&r, &opts, RIG_PROTO & ~RIG_ACK);
	CHECK_EQ(fe_negotiate(&r.fe), 0);
	CHECK_EQ(fe_set_memory(&r.fe), 0);
	if (run) {
		CHECK_EQ(fe_start_ring(&r.fe, VG_TX, 0), 0);
		rig_wait(&r.on, 1 << VG_TX);
	}
	CHECK_EQ(fe_raw(&r.fe, m, offsetof(struct raw, bytes) + size, fds,
			nr_fds), 0);
	rig_expect_closed(&r, reason);
	CHECK(strstr(r.log, reason));
	/* No other effect: the next front end is served. */
	r.fe.proto = RIG_PROTO & ~RIG_ACK;
	rig_reconnect(&r);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	rig_stream_tx(&r, 0, 10, 1000, &vg_layout_plain);
	rig_close(&r);
}

static void try_value(uint32_t request, uint64_t value, const char *reason)
{
	struct raw m = { request, FE_VERSION, 8, { value } };

	try(&m, NULL, 0, true, reason);
}

static void try_state(uint32_t request, uint32_t idx, uint32_t num,
		      const char *reason)
{
	struct raw m = { request, FE_VERSION, 8, { .state = { idx, num } } };

	try(&m, NULL, 0, request != FE_SET_VRING_NUM, reason);
}

TEST(hostile_header)
{
	struct raw m = { FE_SET_OWNER, 2, 0, {} };

	try(&m, NULL, 0, false, "protocol version 2");
	m.flags = FE_VERSION | FE_REPLY;
	try(&m, NULL, 0, false, "reply to no request");
	m.flags = FE_VERSION;
	m.size = 1;
	try(&m, NULL, 0, false, "SET_OWNER of 1 bytes");
	m.size = 0x7fffffff;
	try(&m, NULL, 0, false, "of 2147483647 bytes");
	m.size = 8;
	m.request = 0;
	try(&m, NULL, 0, false, "unknown request 0");
	m.request = 0xffffffff;
	try(&m, NULL, 0, false, "unknown request 4294967295");
	m.request = 28; /* POSTCOPY_ADVISE */
	try(&m, NULL, 0, false, "unknown request 28");
}

TEST(hostile_features)
{
	try_value(FE_SET_FEATURES, 1ULL << 63, "were not offered");
	try_value(FE_SET_FEATURES, MODERN, "while a ring runs");
	try_value(FE_SET_PROTOCOL_FEATURES, 1ULL << 40, "were not offered");
	try_value(FE_NET_SET_MTU, 67, "MTU of 67");
	try_value(FE_NET_SET_MTU, 1ULL << 32, "MTU of");
}

TEST(hostile_rings)
{
	try_state(FE_SET_VRING_NUM, 2, 256, "no ring 2");
	try_state(FE_SET_VRING_NUM, 0xffffffff, 256, "no ring");
	try_state(FE_SET_VRING_NUM, 0, 0, "size 0 of ring 0");
	try_state(FE_SET_VRING_NUM, 0, 100, "size 100 of ring 0");
	try_state(FE_SET_VRING_NUM, 0, 65536, "size 65536 of ring 0");
	try_state(FE_SET_VRING_BASE, 0, 65536, "base 65536 of ring 0");
	try_state(FE_SET_VRING_BASE, 1, 0, "change of running ring 1");
	try_state(FE_GET_VRING_BASE, 7, 0, "no ring 7");
	try_state(FE_SET_VRING_ENABLE, 9, 1, "no ring 9");
	try_state(FE_SET_VRING_ENABLE, 0, 2, "SET_VRING_ENABLE with 2");
	try_value(FE_SET_VRING_KICK, 0, "with 0 descriptors");
	try_value(FE_SET_VRING_CALL, 1 << 9, "unknown flags");
	try_value(FE_SET_VRING_ERR, 5 | 1 << 8, "no ring 5");
}

TEST(hostile_descriptors)
{
	struct raw m = { FE_SET_VRING_KICK, FE_VERSION, 8, { 1 << 8 } };
	int fds[64], i;

	for (i = 0; i < 64; i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	try(&m, fds, 1, false, "with 1 descriptors");
	try(&m, fds, 2, false, "SET_VRING_KICK with 2 descriptors");
	try(&m, fds, 8, false, "SET_VRING_KICK with 8 descriptors");
	try(&m, fds, 9, false, "too many descriptors");
	try(&m, fds, 64, false, "too many descriptors");
	m.request = FE_SET_OWNER;
	m.size = 0;
	try(&m, fds, 1, false, "SET_OWNER with 1 descriptors");
}

/* Regions: too many, too long, wrapping, of strange files. */
TEST(hostile_memory)
{
	struct raw m = { FE_SET_MEM_TABLE, FE_VERSION, 40, {
		.mem = { .nr = 1, .r[0] = { 0, 8192, 0, 0 } } } };
	int fd = memfd_create("mem", MFD_CLOEXEC | MFD_ALLOW_SEALING), null, fds[2], i;
	const struct {
		struct fe_region r;
		const char *reason;
	} bad[] = {
		{ { 0, 0, 0, 0 }, "empty or wraps" },
		{ { -4096ULL, 8192, 0, 0 }, "empty or wraps" },
		{ { 0, 8192, -4096ULL, 0 }, "empty or wraps" },
		{ { 0, 8192, 0, -4096ULL }, "empty or wraps" },
		{ { 0, 8192, 0, 4096 }, "exceeds its file" },
		{ { 0, 8193, 0, 0 }, "exceeds its file" },
		{ { 0, 1ULL << 60, 0, 0 }, "exceeds its file" },
	};

	CHECK(!ftruncate(fd, 8192));
	for (i = 0; i < 7; i++) {
		m.mem.r[0] = bad[i].r;
		try(&m, &fd, 1, false, bad[i].reason);
	}
	m.mem.r[0] = (struct fe_region){ 0, 8192, 0, 0 };
	try(&m, NULL, 0, false, "of 1 regions with 0 descriptors");
	m.mem.nr = 2;
	try(&m, &fd, 1, false, "SET_MEM_TABLE of 40 bytes");
	m.size = 8 + 9 * 32;
	m.mem.nr = 9;
	try(&m, NULL, 0, false, "bytes");
	m.size = 4;
	try(&m, NULL, 0, false, "SET_MEM_TABLE of 4 bytes");
	m.size = 40;
	m.mem.nr = 0x08000001;
	try(&m, &fd, 1, false, "SET_MEM_TABLE of 40 bytes");
	m.mem.nr = 1;
	null = open("/dev/zero", O_RDWR | O_CLOEXEC);
	try(&m, &null, 1, false, "not on tmpfs");
	CHECK(!pipe2(fds, O_CLOEXEC));
	try(&m, &fds[0], 1, false, "not on tmpfs");
	null = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	try(&m, &null, 1, false, "not on tmpfs");
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	try(&m, &fd, 1, false, "cannot be mapped");
}

TEST(hostile_slots)
{
	struct raw m = { FE_REM_MEM_REG, FE_VERSION, 40, {
		.reg.r = { 0, 8192, 0, 0 } } };

	try(&m, NULL, 0, true, "REM_MEM_REG of no region");
	m.request = FE_ADD_MEM_REG;
	try(&m, NULL, 0, true, "ADD_MEM_REG without a descriptor");
	m.size = 39;
	try(&m, NULL, 0, true, "ADD_MEM_REG of 39 bytes");
}

/* Areas outside memory, across its end, misaligned. */
TEST(hostile_areas)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		static const char *const reasons[] = {
			"not in memory", "not in memory", "not aligned",
			"of ring 0",
		};
		struct raw m = { FE_SET_VRING_ADDR, FE_VERSION, 40, {} };
		struct rig r;
		uint8_t *base;
		int kick;

		rig_open(&r, &opts, RIG_PROTO & ~RIG_ACK);
		CHECK_EQ(fe_negotiate(&r.fe), 0);
		CHECK_EQ(fe_set_memory(&r.fe), 0);
		base = r.fe.n.mem.region[0].hva;
		m.addr.desc_user_addr = (uintptr_t)base;
		m.addr.avail_user_addr = (uintptr_t)base + 65536;
		m.addr.used_user_addr = (uintptr_t)base + 131072;
		if (i == 0)
			m.addr.used_user_addr = 4096;
		if (i == 1)
			m.addr.desc_user_addr += r.fe.n.mem.region[0].size - 4080;
		if (i == 2)
			m.addr.used_user_addr += 2;
		if (i == 3)
			m.addr.flags = 2;
		kick = vg_eventfd();
		CHECK_EQ(fe_send_state(&r.fe, FE_SET_VRING_NUM, 0, 256), 0);
		CHECK_EQ(fe_raw(&r.fe, &m, 52, NULL, 0), 0);
		m = (struct raw){ FE_SET_VRING_KICK, FE_VERSION, 8, { 0 } };
		fe_raw(&r.fe, &m, 20, &kick, 1);
		rig_expect_closed(&r, reasons[i]);
		rig_close(&r);
	}
}

/* Half a message, byte by byte, and an end within one. */
TEST(hostile_pieces)
{
	struct raw m = { FE_SET_OWNER, FE_VERSION, 0, {} };
	struct rig r;
	unsigned int i;

	rig_open(&r, &opts, RIG_PROTO);
	for (i = 0; i < 12; i++) {
		CHECK_EQ(fe_raw(&r.fe, (uint8_t *)&m + i, 1, NULL, 0), 0);
		usleep(1000);
	}
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	CHECK_EQ(fe_raw(&r.fe, &m, 7, NULL, 0), 0);
	shutdown(r.fe.sock, SHUT_RDWR);
	rig_wait(&r.gone, 1);
	CHECK(strstr(r.reason, "within a message"));
	rig_close(&r);
}

/* A front end that reads no reply must not stop the session. */
TEST(hostile_silence)
{
	struct raw m = { FE_GET_FEATURES, FE_VERSION, 0, {} };
	struct rig r;

	rig_open(&r, &opts, RIG_PROTO);
	while (!fe_raw(&r.fe, &m, 12, NULL, 0) && !r.gone)
		;
	rig_wait(&r.gone, 1);
	CHECK(strstr(r.reason, "was not taken"));
	rig_close(&r);
}
