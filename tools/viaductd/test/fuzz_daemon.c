// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: a hostile front end. The input is a series of messages, some raw, some
 * valid but for the numbers in them, with descriptors of several kinds; files change
 * their size, and ioctls fail. Between two messages, each address that the kernel
 * has must be mapped and in the log, and at the end no ring may be attached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev.h"
#include "fuzz_message.h"
#include "kernel.h"
#include "serve.h"

#define MEM_SIZE	(128 << 10)
#define LOG_SIZE	4096
#define UADDR		0x10000000ULL
#define GPA		0x100000ULL

struct scene {
	struct input in;
	struct vdd_server sv;
	struct viaduct_session *s;
	int sock;
	int fd[4];
};

static uint64_t take(struct scene *sc, size_t nr)
{
	return input_take(&sc->in, nr);
}

static void check(struct scene *sc)
{
	const char *wrong = sc->sv.gone ? NULL : kernel_check(&sc->sv.port);

	if (wrong) {
		printf("ERROR: %s\n", wrong);
		fflush(stdout);
		abort();
	}
}

static void send_message(struct scene *sc, const struct message *m, size_t len,
			 unsigned int fds, unsigned int nr_fds)
{
	if (!message_send(sc->sock, m, len, sc->fd, fds, nr_fds))
		return;
	viaduct_session_dispatch(sc->s);
	message_drain(sc->sock);
	check(sc);
}

static void op_raw(struct scene *sc)
{
	struct message m = { take(sc, 1), take(sc, 1), take(sc, 2), {} };
	unsigned int fds = take(sc, 2), nr = take(sc, 1) % 10, i;
	size_t len = sizeof(m) - sizeof(m.payload);

	for (i = 0; i < m.size % sizeof(m.payload) && sc->in.left; i++, len++)
		m.payload[i] = take(sc, 1);
	send_message(sc, &m, len, fds, nr);
}

static void send_words(struct scene *sc, uint32_t request, const void *words,
		       size_t size, int fd)
{
	struct message m = { request, 1 | 8, size, {} };

	memcpy(m.payload, words, size);
	send_message(sc, &m, 12 + size, fd, fd >= 0);
}

static void send_u64(struct scene *sc, uint32_t request, uint64_t value, int fd)
{
	send_words(sc, request, &value, sizeof(value), fd);
}

static void op_features(struct scene *sc)
{
	uint64_t offered = viaduct_session_features(sc->s) &
			   ~(1ULL << VD_F_LOG_ALL);

	send_u64(sc, VD_SET_PROTOCOL_FEATURES, 0x1a01b, -1);
	offered &= ~(take(sc, 1) & 1 ? 1ULL << VIRTIO_F_RING_PACKED : 0);
	offered |= take(sc, 1) & 1 ? 1ULL << VD_F_LOG_ALL : 0;
	send_u64(sc, VD_SET_FEATURES, offered, -1);
}

/* Two regions: numbers of the input, scaled so that many are valid. */
static void op_memory(struct scene *sc)
{
	uint64_t half = (take(sc, 1) % 33) << 12;
	uint64_t gpa = GPA + (take(sc, 1) << 19);
	uint64_t table[] = { 2, GPA, half, UADDR, 0, gpa, MEM_SIZE - half,
			     UADDR + half, half };
	struct message m = { VD_SET_MEM_TABLE, 1 | 8, sizeof(table), {} };

	memcpy(m.payload, table, sizeof(table));
	if (half && half < MEM_SIZE)
		send_message(sc, &m, 12 + sizeof(table), 0, 2);
}

static void op_slot(struct scene *sc)
{
	uint64_t off = (take(sc, 1) % 32) << 12, len = (1 + take(sc, 1) % 32) << 12;
	uint64_t region[] = { 0, GPA + (take(sc, 1) << 16), len, UADDR + off, off };

	send_words(sc, take(sc, 1) & 1 ? VD_ADD_MEM_REG : VD_REM_MEM_REG, region,
		   sizeof(region), 0);
}

static void op_ring(struct scene *sc)
{
	uint32_t idx = take(sc, 1) & 3, state[] = { idx, 1 << take(sc, 1) % 9 };
	uint64_t addr[] = { idx | (take(sc, 1) & 1) << 32, UADDR, UADDR, UADDR,
			    GPA + (take(sc, 1) << 20) };

	send_words(sc, VD_SET_VRING_NUM, state, sizeof(state), -1);
	addr[1] += take(sc, 2) << 4;
	addr[2] += take(sc, 2) << 2;
	addr[3] += take(sc, 2) << 1;
	send_words(sc, VD_SET_VRING_ADDR, addr, sizeof(addr), -1);
	send_u64(sc, VD_SET_VRING_CALL, idx, 2);
	send_u64(sc, VD_SET_VRING_KICK, idx, 2);
}

static void op_state(struct scene *sc)
{
	static const uint32_t request[] = { VD_SET_VRING_ENABLE, VD_GET_VRING_BASE,
					    VD_SET_VRING_BASE, VD_SET_VRING_NUM };
	uint32_t which = take(sc, 1) & 3, state[] = { take(sc, 1) & 3, take(sc, 1) };

	send_words(sc, request[which], state, sizeof(state), -1);
}

/* Addresses of a ring that may run, with the log flag or not. */
static void op_addr(struct scene *sc)
{
	uint64_t addr[] = { (take(sc, 1) & 3) | (take(sc, 1) & 1) << 32,
			    UADDR + (take(sc, 1) << 9), UADDR + (take(sc, 1) << 9),
			    UADDR + (take(sc, 1) << 9), take(sc, 8) };

	send_words(sc, VD_SET_VRING_ADDR, addr, sizeof(addr), -1);
}

static void op_log(struct scene *sc)
{
	uint64_t range[] = { take(sc, 2), take(sc, 1) };

	send_words(sc, VD_SET_LOG_BASE, range, sizeof(range), 1);
}

static void op_reset(struct scene *sc)
{
	send_words(sc, VD_RESET_DEVICE, "", 0, -1);
}

static void op_file(struct scene *sc)
{
	unsigned int to = take(sc, 1);

	if (ftruncate(sc->fd[to & 1], (to >> 1) << 10))
		abort();
}

static void op_broken(struct scene *sc)
{
	eventfd_write(kernel.pair[0].ring[take(sc, 1) & 1].err, 1);
	viaduct_session_dispatch(sc->s);
	check(sc);
}

static void op_fail(struct scene *sc)
{
	kernel.fail_at = kernel.calls + take(sc, 1) % 16;
}

static void scene_open(struct scene *sc)
{
	const struct vdd_options o = { .tap = "tap0", .pairs = 2, .max = 1,
				       .device = "/dev/viaduct-net" };
	int fds[2];

	kernel_reset();
	sc->sv.from = "fuzz";
	sc->fd[0] = memfd_create("mem", MFD_CLOEXEC);
	sc->fd[1] = memfd_create("log", MFD_CLOEXEC);
	sc->fd[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sc->fd[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (vdd_port_open(&sc->sv.port, &o) || ftruncate(sc->fd[0], MEM_SIZE) ||
	    ftruncate(sc->fd[1], LOG_SIZE) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		abort();
	sc->s = vdd_serve_session(&sc->sv);
	if (!sc->s || viaduct_session_add_fd(sc->s, fds[1]))
		abort();
	sc->sock = fds[0];
}

static void scene_close(struct scene *sc)
{
	unsigned int i;

	kernel.fail_at = 0;
	close(sc->sock);
	viaduct_session_destroy(sc->s);
	for (i = 0; i < 2 * KERNEL_PAIRS && !kernel.failed; i++)
		if (kernel.pair[i / 2].ring[i % 2].backend >= 0)
			abort();
	vdd_port_close(&sc->sv.port);
	for (i = 0; i < 4; i++)
		close(sc->fd[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const ops[])(struct scene *sc) = {
		op_raw, op_features, op_memory, op_slot, op_ring, op_ring,
		op_state, op_state, op_addr, op_log, op_reset, op_file,
		op_broken, op_fail,
	};
	static struct scene sc;
	static FILE *null;

	if (!null) {
		/* Reasons of closed connections; the fuzzer has another stream. */
		null = fopen("/dev/null", "w");
		stderr = null;
	}
	memset(&sc, 0, sizeof(sc));
	sc.in = (struct input){ data, size };
	scene_open(&sc);
	while (sc.in.left && !sc.sv.gone)
		ops[take(&sc, 1) % ARRAY_SIZE(ops)](&sc);
	scene_close(&sc);
	return 0;
}
