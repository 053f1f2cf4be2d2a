// SPDX-License-Identifier: GPL-2.0-only
/* The memory behind the shim's user addresses, and its rules. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "umem.h"

#define UMEM_MAX_AREAS	32
#define UMEM_MAX_FAULTS	8
#define UMEM_MAX_RANGES	8
#define UMEM_MAX_TRACE	4096

struct umem_area {
	u64 start;
	size_t len;
	size_t room;
	unsigned int prot;
	u8 *mem;
};

struct umem_range {
	u64 start;
	u64 last;
};

/**
 * struct umem - all state
 * @area: what is mapped; an entry's memory is kept for the next mapping there
 * @nr_areas: entries in @area
 * @hit: the area of the last access
 * @fault: ranges that fault
 * @nr_faults: entries in @fault
 * @countdown: accesses until one faults, or 0
 * @disturbed: atomic operations that are disturbed before one is not
 * @accesses: accesses so far
 * @window: UMEM_R and UMEM_W of the open window, or 0
 * @checked: ranges that were found to be user memory, the newest ones
 * @nr_checked: how many were, may be more than @checked holds
 * @hook: called before each read
 * @hook_ctx: its first argument
 * @tracing: @trace is being written
 * @trace: what happened
 * @nr_trace: entries in @trace
 */
static struct {
	struct umem_area area[UMEM_MAX_AREAS];
	unsigned int nr_areas;
	unsigned int hit;
	struct umem_range fault[UMEM_MAX_FAULTS];
	unsigned int nr_faults;
	unsigned long countdown;
	unsigned long disturbed;
	unsigned long accesses;
	unsigned int window;
	struct umem_range checked[UMEM_MAX_RANGES];
	unsigned int nr_checked;
	void (*hook)(void *ctx, u64 addr, size_t len);
	void *hook_ctx;
	bool tracing;
	struct umem_event trace[UMEM_MAX_TRACE];
	unsigned int nr_trace;
} umem;

void umem_die(const char *fmt, ...)
{
	va_list ap;

	fputs("# shim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void umem_reset(void)
{
	umem.nr_areas = 0;
	umem.hit = 0;
	umem.nr_faults = 0;
	umem.countdown = 0;
	umem.disturbed = 0;
	umem.accesses = 0;
	umem.window = 0;
	umem.nr_checked = 0;
	umem.hook = NULL;
	umem.tracing = false;
	umem.nr_trace = 0;
}

void *umem_map(u64 addr, size_t len, unsigned int prot)
{
	struct umem_area *area = &umem.area[umem.nr_areas];

	if (umem.nr_areas == UMEM_MAX_AREAS)
		umem_die("too many areas");
	area->start = addr;
	area->len = len;
	area->prot = prot;
	if (len > area->room) {
		free(area->mem);
		area->mem = calloc(1, len);
		if (!area->mem)
			umem_die("out of memory");
		area->room = len;
	} else {
		memset(area->mem, 0, len);
	}
	umem.nr_areas++;
	return area->mem;
}

static struct umem_area *umem_find(u64 addr, size_t len)
{
	unsigned int i;

	for (i = 0; i < umem.nr_areas; i++) {
		unsigned int at = (umem.hit + i) % umem.nr_areas;
		struct umem_area *area = &umem.area[at];
		u64 off = addr - area->start;

		if (off < area->len && len <= area->len - off) {
			umem.hit = at;
			return area;
		}
	}
	return NULL;
}

bool umem_is_mapped(u64 addr, size_t len)
{
	return umem_find(addr, len);
}

void *umem_ptr(u64 addr, size_t len)
{
	struct umem_area *area = umem_find(addr, len);

	if (!area)
		umem_die("the test accesses unmapped %#llx", addr);
	return area->mem + (addr - area->start);
}

void umem_fault_range(u64 start, u64 last)
{
	if (umem.nr_faults == UMEM_MAX_FAULTS)
		umem_die("too many fault ranges");
	umem.fault[umem.nr_faults++] = (struct umem_range){ start, last };
}

void umem_fault_nth(unsigned long nth)
{
	umem.countdown = nth;
}

void umem_disturb_or(unsigned long nr)
{
	umem.disturbed = nr;
}

bool umem_or_is_disturbed(void)
{
	if (!umem.disturbed)
		return false;
	umem.disturbed--;
	return true;
}

unsigned long umem_nr_accesses(void)
{
	return umem.accesses;
}

void umem_on_read(void (*hook)(void *ctx, u64 addr, size_t len), void *ctx)
{
	umem.hook = hook;
	umem.hook_ctx = ctx;
}

void umem_assert_closed(const char *who)
{
	if (umem.window)
		umem_die("%s inside a user-access window", who);
}

void umem_settle(void)
{
	if (umem.window)
		umem_die("a user-access window was left open");
	umem.nr_checked = 0;
}

void umem_trace_start(void)
{
	umem.tracing = true;
	umem.nr_trace = 0;
}

const struct umem_event *umem_trace(unsigned int *nr)
{
	*nr = umem.nr_trace;
	return umem.trace;
}

void umem_note(enum umem_kind kind, u64 addr)
{
	if (!umem.tracing)
		return;
	if (umem.nr_trace == UMEM_MAX_TRACE)
		umem_die("the trace is full");
	umem.trace[umem.nr_trace++] = (struct umem_event){ kind, addr };
}

bool umem_access_ok(u64 addr, size_t len)
{
	if (len > UMEM_TOP || addr > UMEM_TOP - len)
		return false;
	if (len)
		umem.checked[umem.nr_checked++ % UMEM_MAX_RANGES] =
			(struct umem_range){ addr, addr + len - 1 };
	return true;
}

bool umem_begin(u64 addr, size_t len, unsigned int how)
{
	umem_assert_closed("another window");
	if (!umem_access_ok(addr, len))
		return false;
	umem.window = how;
	return true;
}

void umem_end(unsigned int how)
{
	if (umem.window != how)
		umem_die("a window of kind %u is ended as %u", umem.window,
			 how);
	umem.window = 0;
	umem.nr_checked = 0;
}

static bool umem_is_checked(u64 addr, size_t len)
{
	const struct umem_area *area;
	unsigned int i;

	for (i = 0; i < umem.nr_checked && i < UMEM_MAX_RANGES; i++)
		if (addr >= umem.checked[i].start &&
		    addr + len - 1 <= umem.checked[i].last)
			return true;
	area = umem_find(addr, len);
	return area && area->prot & UMEM_CHECKED;
}

static bool umem_faults(u64 addr, size_t len)
{
	unsigned int i;

	umem.accesses++;
	if (umem.countdown && !--umem.countdown)
		return true;
	for (i = 0; i < umem.nr_faults; i++)
		if (addr <= umem.fault[i].last &&
		    addr + len - 1 >= umem.fault[i].start)
			return true;
	return false;
}

static bool umem_read(void *dst, u64 addr, size_t len)
{
	struct umem_area *area;

	umem_note(UMEM_READ, addr);
	if (umem.hook)
		umem.hook(umem.hook_ctx, addr, len);
	area = umem_find(addr, len);
	if (umem_faults(addr, len) || !area || !(area->prot & UMEM_R))
		return false;
	memcpy(dst, area->mem + (addr - area->start), len);
	return true;
}

static bool umem_write(u64 addr, const void *src, size_t len)
{
	struct umem_area *area = umem_find(addr, len);

	umem_note(UMEM_WRITE, addr);
	if (umem_faults(addr, len) || !area)
		return false;
	if (!(area->prot & UMEM_W))
		umem_die("write to driver memory at %#llx", addr);
	memcpy(area->mem + (addr - area->start), src, len);
	return true;
}

static void umem_assert_open(u64 addr, size_t len, unsigned int how)
{
	if (!(umem.window & how))
		umem_die("access to %#llx outside a window", addr);
	if (!umem_is_checked(addr, len))
		umem_die("access to %#llx, which was not checked", addr);
}

bool umem_unsafe_read(void *dst, u64 addr, size_t len)
{
	umem_assert_open(addr, len, UMEM_R);
	return umem_read(dst, addr, len);
}

bool umem_unsafe_write(u64 addr, const void *src, size_t len)
{
	umem_assert_open(addr, len, UMEM_W);
	return umem_write(addr, src, len);
}

unsigned long umem_copy_from(void *dst, u64 addr, size_t len)
{
	umem_assert_closed("a copy");
	if (!umem_access_ok(addr, len) || !umem_read(dst, addr, len))
		return len;
	return 0;
}

unsigned long umem_copy_to(u64 addr, const void *src, size_t len)
{
	umem_assert_closed("a copy");
	if (!umem_access_ok(addr, len) || !umem_write(addr, src, len))
		return len;
	return 0;
}

/* An atomic operation on an aligned word; fully ordered. */
bool umem_or(u64 addr, u32 bits, int *old)
{
	struct umem_area *area = umem_find(addr, sizeof(bits));
	u32 word;

	umem_assert_closed("an atomic operation");
	if (addr % sizeof(bits))
		umem_die("atomic operation on unaligned %#llx", addr);
	if (!umem_access_ok(addr, sizeof(bits)) || !area)
		return false;
	memcpy(&word, area->mem + (addr - area->start), sizeof(word));
	*old = word;
	word |= bits;
	return umem_write(addr, &word, sizeof(word));
}
