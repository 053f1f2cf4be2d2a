// SPDX-License-Identifier: GPL-2.0-only
/* The program that is killed, and the sides that remain; see kill.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "kill.h"

#define SEED	31

static const struct vg_layout kill_apart = {
	"header apart", { 12 }, .nr_direct = VG_ALL_DIRECT
};

/* The program */

static struct kill_scene *scene;
static struct viaduct_dev *device;

static bool begin(int where)
{
	struct kill_shared *sh = scene->sh;

	if (!__atomic_load_n(&sh->armed, __ATOMIC_ACQUIRE) || sh->where != where)
		return false;
	sh->burst = sh->then;
	__atomic_store_n(&sh->begun, 1, __ATOMIC_RELEASE);
	scene->before();
	return true;
}

static void end(bool on)
{
	if (!on)
		return;
	scene->after();
	__atomic_store_n(&scene->sh->armed, 0, __ATOMIC_RELEASE);
}

static int program_new(struct viaduct_dev *dev, void *ctx)
{
	device = dev;
	return 0;
}

/* The front end closes only if the test has failed. */
static void program_gone(struct viaduct_dev *dev, void *ctx)
{
	_exit(0);
}

static void program_changed(struct viaduct_dev *dev, unsigned int vring, bool on,
			    void *ctx)
{
	if (on)
		__atomic_or_fetch(&scene->sh->on, 1 << vring, __ATOMIC_RELEASE);
}

static void program_tx(struct kill_shared *sh, struct viaduct_pkt *pkt)
{
	bool on = begin(VG_TX);
	unsigned int i, n = sh->burst;
	uint64_t seq;

	n = viaduct_dequeue_burst(device, VG_TX, pkt, n);
	end(on);
	for (i = 0; i < n; i++) {
		const char *bad = vg_frame_check(pkt[i].data, pkt[i].len, SEED,
						 &seq);

		if (!bad && sh->first == UINT64_MAX) {
			sh->next = seq;
			sh->first = seq;
		}
		if (bad || seq != sh->next)
			FAIL("frame %llu: %s, number %llu",
			     (unsigned long long)sh->next, bad ?: "order",
			     (unsigned long long)seq);
		sh->next++;
	}
}

static void program_rx(struct kill_shared *sh, struct viaduct_pkt *pkt)
{
	bool on = begin(VG_RX);
	unsigned int i, n = sh->burst;
	uint64_t seq = sh->rx_next;

	for (i = 0; i < n; i++) {
		struct virtio_net_hdr hdr;

		pkt[i].len = vg_frame_len(seq + i, SEED, VG_FRAME_MIN,
					  sh->brief ? VG_FRAME_MIN : KILL_LEN);
		vg_frame_build(pkt[i].data, pkt[i].len, seq + i, SEED, false,
			       &hdr);
		pkt[i].hdr = (struct viaduct_hdr){};
	}
	/* Recorded first, so that none is sent twice. */
	sh->rx_next = seq + n;
	n = viaduct_enqueue_burst(device, VG_RX, pkt, n);
	end(on);
	sh->rx_next = seq + n;
}

static void program(struct kill_scene *sc, int sock)
{
	static const struct viaduct_ops ops = {
		.size = sizeof(ops),
		.new_device = program_new,
		.destroy_device = program_gone,
		.vring_changed = program_changed,
	};
	static struct viaduct_pkt pkt[KILL_BURST];
	static uint8_t data[KILL_BURST][KILL_LEN];
	struct viaduct_session *s;
	bool on = false;
	unsigned int i;

	scene = sc;
	for (i = 0; i < KILL_BURST; i++)
		pkt[i] = (struct viaduct_pkt){ .data = data[i],
					       .room = KILL_LEN };
	s = viaduct_session_create(&ops, NULL);
	CHECK(s);
	CHECK_EQ(viaduct_session_add_fd(s, sock), 0);
	for (;;) {
		on = on || begin(KILL_START);
		CHECK(viaduct_session_dispatch(s) >= 0);
		if (sc->sh->on != 3)
			continue;
		end(on);
		on = false;
		program_tx(sc->sh, pkt);
		program_rx(sc->sh, pkt);
	}
}

/* The front end and its driver */

unsigned int kill_roll(struct kill_scene *sc, unsigned int below)
{
	/* It is 0 if the measured call has made no store. */
	CHECK(below);
	sc->rand = sc->rand * 1103515245 + 12345;
	return (sc->rand >> 8) % below;
}

void kill_open(struct kill_scene *sc, const struct vg_net_opts *o)
{
	*sc = (struct kill_scene){ .o = *o, .rand = 7, .inflight = -1 };
	sc->sh = mmap(NULL, sizeof(*sc->sh), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(sc->sh != MAP_FAILED);
	CHECK_EQ(fe_open(&sc->fe, -1, o), 0);
}

static void refill(struct kill_scene *sc)
{
	uint8_t frame[KILL_LEN];
	struct virtio_net_hdr hdr;

	vg_net_fill(&sc->fe.n);
	for (;; sc->sent++) {
		size_t len = vg_frame_len(sc->sent, SEED, VG_FRAME_MIN, KILL_LEN);

		vg_frame_build(frame, len, sc->sent, SEED, false, &hdr);
		if (vg_net_xmit(&sc->fe.n, &hdr, frame, len, &kill_apart))
			return;
	}
}

static void collect(struct kill_scene *sc)
{
	struct virtio_net_hdr_mrg_rxbuf mrg;
	int nr = vg_net_reap(&sc->fe.n);
	uint8_t frame[KILL_LEN];
	uint64_t seq;
	ssize_t len;

	CHECK(nr >= 0);
	sc->used += nr;
	while ((len = vg_net_recv(&sc->fe.n, &mrg, frame, sizeof(frame)))) {
		const char *bad = len < 0 ? "receive" :
				  vg_frame_check(frame, len, SEED, &seq);

		if (!bad && (seq < sc->received || seq - sc->received >
			     KILL_BURST * sc->nr_killed))
			bad = "order";
		if (bad)
			FAIL("to the guest, %llu: %s, number %llu",
			     (unsigned long long)sc->received, bad,
			     (unsigned long long)seq);
		sc->received = seq + 1;
		sc->nr_killed = 0;
	}
}

void kill_drive(struct kill_scene *sc)
{
	collect(sc);
	refill(sc);
}

void kill_launch(struct kill_scene *sc, bool arm)
{
	uint64_t limit = vg_deadline_ms(RIG_MS);
	int fds[2], q;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	sc->sh->on = 0;
	sc->sh->armed = 0;
	sc->sh->first = UINT64_MAX;
	sc->used_before = sc->used;
	fflush(NULL);
	sc->pid = fork();
	if (!sc->pid) {
		close(fds[0]);
		program(sc, fds[1]);
	}
	close(fds[1]);
	sc->fe.sock = fds[0];
	/* Without acks: the program may be killed at each message. */
	sc->fe.proto = 1 << 0 | 1 << 12;
	CHECK_EQ(fe_negotiate(&sc->fe), 0);
	CHECK_EQ(fe_set_memory(&sc->fe), 0);
	if (sc->inflight < 0) {
		sc->info = (struct fe_inflight){ 0, 0, 2, sc->o.num[0], 0 };
		sc->inflight = fe_get_inflight(&sc->fe, &sc->info);
		CHECK(sc->inflight >= 0);
	}
	CHECK_EQ(fe_set_inflight(&sc->fe, &sc->info, sc->inflight), 0);
	CHECK_EQ(fe_get(&sc->fe, FE_GET_FEATURES, &sc->fe.n.offered, 8, 0), 0);
	sc->sh->where = KILL_START;
	sc->sh->begun = !arm;
	__atomic_store_n(&sc->sh->armed, arm, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sc->sh->begun, __ATOMIC_ACQUIRE))
		CHECK(!vg_expired(limit));
	/* The base is right once, and wrong afterwards. */
	for (q = 0; q < 2; q++)
		if (fe_start_ring(&sc->fe, q, sc->started ? 77 :
				  vg_ring_base(&sc->fe.n.ring[q])) && !arm)
			FAIL("ring %d", q);
}

static void check_alive(struct kill_scene *sc)
{
	if (waitpid(sc->pid, NULL, WNOHANG))
		FAIL("the program has ended by itself");
}

void kill_wait_on(struct kill_scene *sc)
{
	uint64_t limit = vg_deadline_ms(RIG_MS);

	while (__atomic_load_n(&sc->sh->on, __ATOMIC_ACQUIRE) != 3) {
		check_alive(sc);
		CHECK(!vg_expired(limit));
	}
	sc->started = true;
}

void kill_bury(struct kill_scene *sc)
{
	struct kill_shared *sh = sc->sh;
	int status;

	kill(sc->pid, SIGKILL);
	CHECK_EQ(waitpid(sc->pid, &status, 0), sc->pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		FAIL("the program has ended by itself: %#x", status);
	close(sc->fe.sock);
	sc->fe.sock = -1;
	collect(sc);
	sc->nr_killed++;
	/* Only the last burst may be used without being recorded. */
	if (sh->first == UINT64_MAX)
		sh->next = sc->used_before;
	else
		CHECK_EQ(sh->first, sc->used_before);
	CHECK(sc->used >= sh->next);
	CHECK(sc->used - sh->next <= KILL_BURST);
}

void kill_finish(struct kill_scene *sc)
{
	uint64_t limit = vg_deadline_ms(RIG_MS);
	struct vg_ring *ring = sc->fe.n.ring;

	sc->sh->burst = KILL_BURST;
	sc->sh->brief = true;
	kill_launch(sc, false);
	kill_wait_on(sc);
	while (ring[VG_TX].nr_flight || ring[VG_RX].nr_flight) {
		collect(sc);
		check_alive(sc);
		if (vg_expired(limit))
			FAIL("stands: %u chains from and %u to the guest are left",
			     ring[VG_TX].nr_flight, ring[VG_RX].nr_flight);
	}
	CHECK_EQ(sc->used, sc->sent);
	kill_bury(sc);
	fe_close(&sc->fe);
}
