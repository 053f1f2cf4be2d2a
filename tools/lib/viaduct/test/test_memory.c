// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is added, removed or truncated, and the dirty log. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "rig.h"

#define MODERN (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)
#define PACKED (MODERN | VG_BIT(VG_F_RING_PACKED))

static void memory_reg(struct rig *r, int request, unsigned int i)
{
	const struct vg_region *m = &r->fe.n.mem.region[i];
	struct {
		uint64_t padding;
		struct fe_region r;
	} one = { 0, { m->gpa, m->size, (uintptr_t)m->hva, 0 } };

	CHECK_EQ(fe_send(&r->fe, request, &one, sizeof(one), &m->fd, 1), 0);
}

/* Memory is added and removed, by slots and by whole tables, under a stream. */
TEST(memory_hotplug)
{
	struct vg_net_opts o = { .features = MODERN };
	struct rig r;
	unsigned int i;
	uint64_t slots;

	rig_open(&r, &o, RIG_PROTO);
	r.fe.slots = true;
	CHECK_EQ(fe_start(&r.fe), 0);
	CHECK_EQ(fe_get(&r.fe, FE_GET_MAX_MEM_SLOTS, &slots, 8, 0), 0);
	CHECK(slots >= 32);
	CHECK_EQ(vg_mem_add(&r.fe.n.mem, 0x200000000ULL, 4 << 20), 0);
	for (i = 0; i < 20; i++) {
		rig_stream_tx(&r, i * 100, 100, VG_FRAME_MTU, &vg_layout_plain);
		memory_reg(&r, FE_ADD_MEM_REG, 2);
		rig_stream_rx(&r, i * 100, 100, VG_FRAME_MTU);
		memory_reg(&r, FE_REM_MEM_REG, 2);
		if (i == 10)
			r.fe.slots = false;
		if (i >= 10)
			CHECK_EQ(fe_set_memory(&r.fe), 0);
		if (i >= 10)
			memory_reg(&r, FE_REM_MEM_REG, 2);
	}
	CHECK_EQ(r.on, 3);
	/* Without the memory of its areas a ring stops; with it, it continues. */
	memory_reg(&r, FE_REM_MEM_REG, 0);
	rig_wait(&r.on, 0);
	memory_reg(&r, FE_ADD_MEM_REG, 2);
	memory_reg(&r, FE_ADD_MEM_REG, 0);
	rig_wait(&r.on, 3);
	rig_stream_tx(&r, 2000, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_stream_rx(&r, 2000, 100, VG_FRAME_MTU);
	rig_close(&r);
}

/* Many regions far behind in a file: only what is shared is mapped. */
TEST(memory_far_in_file)
{
	struct vg_net_opts o = { .features = MODERN };
	struct {
		uint64_t padding;
		struct fe_region r;
	} one = { 0, { 1ULL << 40, 8192, 1ULL << 45, (1ULL << 44) + 1000 } };
	int i, fd = memfd_create("far", 0);
	struct rig r;

	CHECK(!ftruncate(fd, (1ULL << 44) + 16384));
	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(fe_send(&r.fe, FE_ADD_MEM_REG, &one, sizeof(one), &fd,
				 1), 0);
		one.r.gpa += 1 << 20;
		one.r.uaddr += 1 << 20;
	}
	rig_stream_tx(&r, 0, 100, VG_FRAME_MTU, &vg_layout_plain);
	rig_close(&r);
}

/* Every page that is written, and no other, is in the log. */
static void dirty_log(uint64_t features)
{
	struct vg_net_opts o = { .features = features, .rx_size = 8192 };
	const size_t size = 1 << 20;
	uint64_t range[] = { size, 0 };
	unsigned int i, hits = 0;
	uint8_t *map, *data;
	struct rig r;
	int fd;

	rig_open(&r, &o, RIG_PROTO);
	fd = memfd_create("log", 0);
	CHECK(!ftruncate(fd, size));
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(fe_start(&r.fe), 0);
	/* While the rings run, as on migration. */
	r.fe.proto &= ~RIG_ACK;
	CHECK_EQ(fe_send(&r.fe, FE_SET_LOG_BASE, range, 16, &fd, 1), 0);
	CHECK_EQ(recv(r.fe.sock, map + size - 20, 20, MSG_WAITALL), 20);
	memset(map + size - 20, 0, 20);
	r.fe.proto |= RIG_ACK;
	/* Nothing is logged without LOG_ALL. */
	rig_stream_rx(&r, 0, 100, VG_FRAME_MTU);
	for (i = 0; i < size; i++)
		CHECK_EQ(map[i], 0);
	r.fe.n.features |= VG_BIT(FE_LOG_ALL);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES, r.fe.n.features), 0);
	r.fe.log = true;
	CHECK_EQ(fe_set_addr(&r.fe, VG_RX), 0);
	memset(map, 0, size);
	/* One frame into the first free buffers: look for its bytes. */
	vg_net_fill(&r.fe.n);
	data = r.pkt[0].data;
	memset(data, 0xd7, 3000);
	r.pkt[0].len = 3000;
	r.pkt[0].hdr = (struct viaduct_hdr){};
	CHECK_EQ(viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 1), 1);
	for (i = 0; i < r.fe.n.mem.nr; i++) {
		const struct vg_region *m = &r.fe.n.mem.region[i];
		uint64_t at;

		for (at = 0; at < m->size; at += 4096) {
			uint64_t page = (m->gpa + at) >> 12;
			bool is = page / 8 < size && map[page / 8] >> page % 8 & 1;

			if (memmem(m->hva + at, 4096, data, 64)) {
				CHECK(is);
				hits++;
			} else if (is) {
				uint64_t used = r.fe.n.ring[VG_RX].used_gpa;

				if (features & VG_BIT(VG_F_RING_PACKED))
					used = r.fe.n.ring[VG_RX].desc_gpa;
				CHECK(page + 1 >= used >> 12 &&
				      page <= (used >> 12) + 2);
			}
		}
	}
	CHECK(hits);
	rig_close(&r);
}

TEST(dirty_log_split)
{
	dirty_log(MODERN);
}

TEST(dirty_log_packed)
{
	dirty_log(PACKED);
}

/* A log that does not cover the memory: the connection is closed. */
TEST(dirty_log_too_small)
{
	struct vg_net_opts o = { .features = MODERN };
	uint64_t range[] = { 8, 0 };
	char reply[20];
	struct rig r;
	int fd;

	rig_open(&r, &o, RIG_PROTO & ~RIG_ACK);
	r.fe.log = true;
	fd = memfd_create("log", 0);
	CHECK(!ftruncate(fd, 8));
	CHECK_EQ(fe_negotiate(&r.fe), 0);
	CHECK_EQ(fe_send(&r.fe, FE_SET_LOG_BASE, range, 16, &fd, 1), 0);
	CHECK_EQ(recv(r.fe.sock, reply, 20, MSG_WAITALL), 20);
	r.fe.n.features |= VG_BIT(FE_LOG_ALL);
	CHECK_EQ(fe_send_u64(&r.fe, FE_SET_FEATURES, r.fe.n.features), 0);
	CHECK_EQ(fe_set_memory(&r.fe), 0);
	CHECK_EQ(fe_start_ring(&r.fe, VG_RX, 0), 0);
	vg_net_fill(&r.fe.n);
	rig_wait(&r.on, 1);
	r.pkt[0].len = 60;
	viaduct_enqueue_burst(r.dev, VG_RX, r.pkt, 1);
	rig_expect_closed(&r, "dirty log");
	rig_close(&r);
}

/* The file behind the memory is truncated under load. */
static void shrink(unsigned int region, bool rx)
{
	struct vg_net_opts o = { .features = MODERN, .rx_size = 65536,
				 .tx_size = 65536, .nr_tx = 16, .nr_rx = 16 };
	uint64_t end = vg_deadline_ms(RIG_MS);
	struct viaduct_dev *dev;
	struct rig r;

	rig_open(&r, &o, RIG_PROTO);
	CHECK_EQ(fe_start(&r.fe), 0);
	rig_wait(&r.on, 3);
	if (rx)
		vg_net_fill(&r.fe.n);
	else
		rig_stream_tx(&r, 0, 5, VG_FRAME_MTU, &vg_layout_plain);
	if (!rx) {
		static uint8_t frame[1000];
		struct virtio_net_hdr hdr = {};

		CHECK_EQ(vg_net_xmit(&r.fe.n, &hdr, frame, 1000,
				     &vg_layout_plain), 0);
	}
	CHECK(!ftruncate(r.fe.n.mem.region[region].fd, 0));
	r.pkt[0].len = 1000;
	do {
		pthread_mutex_lock(&r.lock);
		dev = r.dev;
		/* Zeroes that replace the memory must not become a packet. */
		if (dev && rx)
			viaduct_enqueue_burst(dev, VG_RX, r.pkt, 1);
		else if (dev)
			CHECK_EQ(viaduct_dequeue_burst(dev, VG_TX, r.pkt, 8), 0);
		pthread_mutex_unlock(&r.lock);
	} while (dev && !vg_expired(end));
	rig_expect_closed(&r, "shrunk");
	viaduct_session_destroy(r.s);
	exit(0);
}

TEST(memory_shrinks_rings)
{
	shrink(0, false);
}

TEST(memory_shrinks_tx)
{
	shrink(1, false);
}

TEST(memory_shrinks_rx)
{
	shrink(1, true);
}

/* SIGBUS of other memory still ends the process. */
TEST(sigbus_of_others)
{
	struct vg_net_opts o = { .features = MODERN };
	int status, fd;
	struct rig r;
	pid_t pid;

	rig_open(&r, &o, RIG_PROTO);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		volatile char *p;

		close(STDERR_FILENO);	/* the sanitizer's report is expected */
		fd = memfd_create("other", 0);
		CHECK(!ftruncate(fd, 4096));
		p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		CHECK(!ftruncate(fd, 0));
		_exit(p[0]);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(status);
	rig_close(&r);
}
