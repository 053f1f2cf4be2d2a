// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program on the library is killed before a store to shared memory: before
 * each one of a short burst, and before any of a long one, or of the start of
 * the rings, also after such a kill. Another program continues.
 *
 * The library is compiled for ThreadSanitizer, which calls a function before each
 * access. Instead of the sanitizer's, these functions are linked: they count. Copies
 * of packets are no stores here.
 */
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kill.h"

#define LONG	20	/* kills in long bursts, each way */
#define SHORT	2	/* frames of a short burst */
#define RANGES	16

/* Of the program */
static bool counts;
static long left, *length;

/* Memory that the library has mapped. */
static struct range {
	uintptr_t at;
	size_t len;
} ranges[RANGES];
static unsigned int nr_ranges;

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = __real_mmap(at, len, prot, flags, fd, off);

	if (flags & MAP_SHARED && nr_ranges < RANGES)
		ranges[nr_ranges++] = (struct range){ (uintptr_t)p, len };
	return p;
}

static bool is_shared(const void *at)
{
	unsigned int i;

	for (i = 0; i < nr_ranges; i++)
		if ((uintptr_t)at - ranges[i].at < ranges[i].len)
			return true;
	return false;
}

static void store(const void *at)
{
	if (!counts || !is_shared(at))
		return;
	if (!left--)
		kill(getpid(), SIGKILL);
	++*length;
}

/* The Makefile gives these two further names, of all sizes. */
void __tsan_read1(const void *at)
{
}

void __tsan_write1(const void *at)
{
	store(at);
}

/* Atomic accesses are made by the function. */
uint16_t __tsan_atomic16_load(const uint16_t *at, int order)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

void __tsan_atomic16_store(uint16_t *at, uint16_t v, int order)
{
	store(at);
	__atomic_store_n(at, v, __ATOMIC_SEQ_CST);
}

uint32_t __tsan_atomic32_load(const uint32_t *at, int order)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

void __tsan_atomic32_store(uint32_t *at, uint32_t v, int order)
{
	store(at);
	__atomic_store_n(at, v, __ATOMIC_SEQ_CST);
}

uint64_t __tsan_atomic64_load(const uint64_t *at, int order)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

void __tsan_atomic64_store(uint64_t *at, uint64_t v, int order)
{
	store(at);
	__atomic_store_n(at, v, __ATOMIC_SEQ_CST);
}

uint32_t __tsan_atomic32_exchange(uint32_t *at, uint32_t v, int order)
{
	store(at);
	return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST);
}

uint32_t __tsan_atomic32_fetch_or(uint32_t *at, uint32_t v, int order)
{
	store(at);
	return __atomic_fetch_or(at, v, __ATOMIC_SEQ_CST);
}

int __tsan_atomic32_compare_exchange_strong(uint32_t *at, uint32_t *want,
					    uint32_t v, int order, int fail)
{
	store(at);
	return __atomic_compare_exchange_n(at, want, v, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
}

/* The test */

struct counts {
	long left;	/* stores before the kill */
	long length[3];	/* of the last call that has returned */
	long last;	/* of the present call */
};

static struct counts *seen;

static void before(void)
{
	length = &seen->last;
	*length = 0;
	left = seen->left;
	counts = true;
}

static void after(void)
{
	counts = false;
}

/*
 * Kill the program before the store number @nr of a call of @where, with a
 * burst of @burst; true if it was killed before the end of the call.
 */
static bool kill_in(struct kill_scene *sc, int where, long nr,
		    unsigned int burst)
{
	uint64_t limit = vg_deadline_ms(RIG_MS);
	bool died;

	/* No burst before the interrupted one, so that it finds all frames. */
	sc->sh->burst = 0;
	sc->sh->then = burst;
	seen->left = nr;
	kill_launch(sc, where == KILL_START);
	if (where != KILL_START) {
		kill_wait_on(sc);
		kill_drive(sc);
		sc->sh->where = where;
		__atomic_store_n(&sc->sh->armed, 1, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&sc->sh->armed, __ATOMIC_ACQUIRE) &&
	       !fe_is_closed(&sc->fe, 0))
		CHECK(!vg_expired(limit));
	died = sc->sh->armed;
	if (!died)
		seen->length[where] = seen->last;
	kill_bury(sc);
	return died;
}

/* Kills in the start of the rings: the second one meets what the first has left. */
static unsigned int kill_starts(struct kill_scene *sc)
{
	unsigned int i, nr = 0;

	for (i = 0; i < 2; i++)
		nr += kill_in(sc, KILL_START,
			      kill_roll(sc, seen->length[KILL_START]), 0);
	return nr;
}

static void kills(uint64_t features)
{
	static const int where[] = { VG_TX, VG_RX };
	struct vg_net_opts o = KILL_OPTS(features);
	unsigned int i, q, starts = 0;
	long length_of[2];
	struct kill_scene sc;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	kill_open(&sc, &o);
	sc.before = before;
	sc.after = after;
	/* The first calls are only measured. */
	CHECK(!kill_in(&sc, KILL_START, LONG_MAX, 0));
	for (q = 0; q < 2; q++) {
		for (i = 0; kill_in(&sc, where[q], i, SHORT); i++)
			starts += i % 4 ? 0 : kill_starts(&sc);
		CHECK(i > SHORT);
		CHECK(!kill_in(&sc, where[q], LONG_MAX, KILL_BURST));
		length_of[q] = seen->length[where[q]];
		for (i = 0; i < LONG; i++) {
			long nr = kill_roll(&sc, length_of[q]);

			kill_in(&sc, where[q], nr, KILL_BURST);
			starts += kill_starts(&sc);
		}
	}
	if (starts <= LONG)
		FAIL("killed %u times in a start", starts);
	kill_finish(&sc);
}

TEST(stores_split)
{
	kills(0);
}

TEST(stores_packed)
{
	kills(VG_BIT(VG_F_RING_PACKED));
}

TEST(stores_in_order)
{
	kills(VG_BIT(VG_F_IN_ORDER));
}

TEST(stores_packed_in_order)
{
	kills(VG_BIT(VG_F_RING_PACKED) | VG_BIT(VG_F_IN_ORDER));
}
