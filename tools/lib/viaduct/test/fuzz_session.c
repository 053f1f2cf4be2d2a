// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: a front end and its guest.
 *
 * The input is a series of operations of one byte and arguments: raw messages,
 * messages that are valid except for some bits, bytes written to guest memory,
 * files that change their size, and bursts of the program. Descriptors are of
 * several kinds. The process must survive, and must free everything.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <viaduct/backend.h>

#include "fuzz_message.h"

#define MEM_SIZE	(128 << 10)
#define LOG_SIZE	4096
#define UADDR		0x10000000ULL
#define GPA		0x100000ULL
#define ROOM		2048
#define BURST		8

struct scene {
	struct input in;
	struct viaduct_session *s;
	struct viaduct_dev *dev;
	int sock;
	int mem, log, null, event;
	uint8_t *map;
};

static uint64_t take(struct scene *sc, size_t nr)
{
	return input_take(&sc->in, nr);
}

static int new_device(struct viaduct_dev *dev, void *ctx)
{
	((struct scene *)ctx)->dev = dev;
	return 0;
}

static void destroy_device(struct viaduct_dev *dev, void *ctx)
{
	((struct scene *)ctx)->dev = NULL;
}

static void quiet(const char *message, void *ctx)
{
}

static const struct viaduct_ops ops = {
	.size = sizeof(ops),
	.new_device = new_device,
	.destroy_device = destroy_device,
	.log = quiet,
};

static void send_message(struct scene *sc, const struct message *m, size_t len,
			 unsigned int fds, unsigned int nr_fds)
{
	const int kinds[] = { sc->mem, sc->log, sc->event, sc->null };

	if (!message_send(sc->sock, m, len, kinds, fds, nr_fds))
		return;
	viaduct_session_dispatch(sc->s);
	/* Replies are read, most of the time. */
	if (nr_fds != 7)
		message_drain(sc->sock);
}

static void op_raw(struct scene *sc)
{
	struct message m = { take(sc, 1), take(sc, 1), take(sc, 2), {} };
	unsigned int fds = take(sc, 2), nr = take(sc, 1) % 10, i;
	size_t len = sizeof(m) - sizeof(m.payload);

	if (m.size & 0x8000)
		m.size |= 0xffff0000;
	for (i = 0; i < m.size % sizeof(m.payload) && sc->in.left; i++, len++)
		m.payload[i] = take(sc, 1);
	send_message(sc, &m, len, fds, nr);
}

static void send_u64(struct scene *sc, uint32_t request, uint64_t value, int fd)
{
	struct message m = { request, 1 | 8, 8, {} };

	memcpy(m.payload, &value, 8);
	send_message(sc, &m, 20, fd, fd >= 0);
}

static void send_words(struct scene *sc, uint32_t request, const void *words,
		       size_t size, int fd)
{
	struct message m = { request, 1 | 8, size, {} };

	memcpy(m.payload, words, size);
	send_message(sc, &m, 12 + size, fd, fd >= 0);
}

/* Negotiation and memory; each number may be wrong by a byte of the input. */
static void op_setup(struct scene *sc)
{
	uint64_t features = viaduct_session_features(sc->s);
	uint64_t region[] = { 0, GPA, MEM_SIZE, UADDR, take(sc, 1) << 4 };
	uint64_t table[] = { 1, GPA, MEM_SIZE, UADDR, 0 };

	region[2] -= region[4];
	features &= ~(take(sc, 8) & 0xffffffffbfffffffULL);
	send_u64(sc, 16, 0x1b01b, -1);
	send_u64(sc, 2, features, -1);
	if (take(sc, 1) & 1)
		send_words(sc, 37, region, 40, 0);
	else
		send_words(sc, 5, table, 40, 0);
}

/* A ring, somewhere in memory. */
static void op_ring(struct scene *sc)
{
	uint32_t idx = take(sc, 1) & 1, state[] = { idx, 1 << take(sc, 1) % 9 };
	uint64_t addr[] = { idx | (take(sc, 1) & 1) << 32, UADDR, UADDR, UADDR,
			    GPA };

	send_words(sc, 8, state, 8, -1);
	state[1] = take(sc, 2);
	send_words(sc, 10, state, 8, -1);
	addr[1] += take(sc, 2) << 4;
	addr[2] += take(sc, 2) << 2;
	addr[3] += take(sc, 2) << 1;
	send_words(sc, 9, addr, 40, -1);
	send_u64(sc, 13, idx, 2);
	send_u64(sc, 14, idx, 2);
	send_u64(sc, 12, idx, 2);
	state[1] = 1;
	send_words(sc, 18, state, 8, -1);
}

static void op_log(struct scene *sc)
{
	uint64_t range[] = { LOG_SIZE - take(sc, 1), take(sc, 1) };
	struct message m = { 6, 1, 16, {} };

	memcpy(m.payload, range, 16);
	send_message(sc, &m, 28, 1, 1);
}

/*
 * In-flight memory for two rings: some bytes of the state of the second, behind a
 * header that is valid.
 */
static void op_inflight(struct scene *sc)
{
	const unsigned int how = take(sc, 1), size = 1 << (how >> 1) % 8;
	struct {
		uint64_t size, offset;
		uint16_t nr, queue_size;
		uint32_t padding;
	} m = { LOG_SIZE, 0, 2, size, 0 };
	const uint16_t head[] = { 0, 0, 0, 0, 1, size };
	unsigned int at = how & 1 ? 32 + 32 * size : 16 + 16 * size, i;
	uint8_t bytes[64], nr = take(sc, 1) % 64;

	if (how & 0x80)
		send_words(sc, 31, &m, 24, -1);
	at = (at + 63) & ~63;
	if (at + 16 > LOG_SIZE || pwrite(sc->log, head, 12, at) != 12)
		return;
	at += 12 + take(sc, 2);
	for (i = 0; i < nr; i++)
		bytes[i] = take(sc, 1);
	if (at + nr <= LOG_SIZE && pwrite(sc->log, bytes, nr, at) != nr)
		abort();
	send_words(sc, 32, &m, 24, 1);
}

/* The guest writes: a descriptor that points into memory, or any bytes. */
static void op_write(struct scene *sc)
{
	uint32_t at = take(sc, 2) * 2 % (MEM_SIZE - 64), len = take(sc, 1) % 64;
	uint64_t desc[2];

	if (len & 1) {
		desc[0] = GPA + take(sc, 2);
		desc[1] = take(sc, 2) | take(sc, 1) << 32 | take(sc, 2) << 48;
		memcpy(sc->map + at, desc, sizeof(desc));
		return;
	}
	while (len--)
		sc->map[at++] = take(sc, 1);
}

static void op_burst(struct scene *sc)
{
	static uint8_t data[BURST][ROOM];
	struct viaduct_pkt pkt[BURST];
	unsigned int i, how = take(sc, 1);

	if (!sc->dev)
		return;
	for (i = 0; i < BURST; i++)
		pkt[i] = (struct viaduct_pkt){
			.data = data[i], .room = ROOM, .len = how * 8,
			.hdr = { how & 1, how >> 1 & 7, 54, how, 14, how >> 3 },
		};
	if (how & 1)
		viaduct_enqueue_burst(sc->dev, 0, pkt, how % BURST);
	else
		viaduct_dequeue_burst(sc->dev, 1, pkt, how % BURST);
	viaduct_vring_arm(sc->dev, how >> 1 & 1);
	viaduct_session_dispatch(sc->s);
}

static void op_size(struct scene *sc)
{
	unsigned int to = take(sc, 1);

	/* The burst does not use the target's own mapping, which exceeds the file now. */
	if (ftruncate(to & 1 ? sc->mem : sc->log, (to >> 1) << 10))
		abort();
	op_burst(sc);
	if (ftruncate(sc->mem, MEM_SIZE) || ftruncate(sc->log, LOG_SIZE))
		abort();
}

static void scene_open(struct scene *sc)
{
	int fds[2];

	sc->s = viaduct_session_create(&ops, sc);
	sc->mem = memfd_create("mem", MFD_CLOEXEC);
	sc->log = memfd_create("log", MFD_CLOEXEC);
	sc->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sc->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!sc->s || sc->mem < 0 || sc->log < 0 || sc->event < 0 ||
	    sc->null < 0 || ftruncate(sc->mem, MEM_SIZE) ||
	    ftruncate(sc->log, LOG_SIZE) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		abort();
	sc->map = mmap(NULL, MEM_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		       sc->mem, 0);
	if (sc->map == MAP_FAILED || viaduct_session_add_fd(sc->s, fds[1]))
		abort();
	sc->sock = fds[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const op[])(struct scene *sc) = {
		op_raw, op_setup, op_ring, op_log, op_write, op_burst, op_burst,
		op_size, op_inflight,
	};
	struct scene sc = { .in = { bytes, size } };

	scene_open(&sc);
	while (sc.in.left && sc.dev)
		op[take(&sc, 1) % 9](&sc);
	viaduct_session_destroy(sc.s);
	if (sc.dev)
		abort();
	munmap(sc.map, MEM_SIZE + 4096);
	close(sc.sock);
	close(sc.mem);
	close(sc.log);
	close(sc.event);
	close(sc.null);
	return 0;
}
