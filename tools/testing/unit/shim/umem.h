/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated user memory for tests.
 *
 * Its addresses are invalid for the processor: code that uses one without the
 * access functions crashes (under ASan they lie in its shadow gap). The
 * functions check the kernel's rules and end the program when one is broken: no
 * access outside a window, none to a range that was not checked, no sleeping
 * inside a window, each window closed in the way it was opened, no write where
 * only the driver writes.
 */
#ifndef SHIM_UMEM_H
#define SHIM_UMEM_H

#include <linux/types.h>

#define UMEM_BASE	0x0000010000000000ULL
/* Where user space ends on x86-64. */
#define UMEM_TOP	((1ULL << 47) - 4096)

#define UMEM_R		1U
#define UMEM_W		2U
/* Checked to be user memory once, as IOTLB mappings are. */
#define UMEM_CHECKED	4U

enum umem_kind {
	UMEM_READ,
	UMEM_WRITE,
	UMEM_RMB,
	UMEM_WMB,
	UMEM_MB,
};

/**
 * struct umem_event - one line of the access trace
 * @kind: what happened
 * @addr: where, for accesses
 */
struct umem_event {
	enum umem_kind kind;
	u64 addr;
};

/* For tests: */

/* Unmap everything, forget faults, hooks, trace and windows. */
void umem_reset(void);
/* Map zeroed memory; without UMEM_W a write by the device is a bug. */
void *umem_map(u64 addr, size_t len, unsigned int prot);
/* The bytes behind an address, for the driver's side. */
void *umem_ptr(u64 addr, size_t len);
bool umem_is_mapped(u64 addr, size_t len);
/* Accesses that touch [start, last] fault. */
void umem_fault_range(u64 start, u64 last);
/* The @nth access from now on faults, counted from 1; 0 for none. */
void umem_fault_nth(unsigned long nth);
/* The next @nr attempts at umem_or() are disturbed by other processors. */
void umem_disturb_or(unsigned long nr);
/* Accesses since umem_reset(). */
unsigned long umem_nr_accesses(void);
/* Called before each read: the guest may change its memory now. */
void umem_on_read(void (*hook)(void *ctx, u64 addr, size_t len), void *ctx);
/* End the program if a window is open. */
void umem_assert_closed(const char *who);
/* The same, and forget which ranges were checked. */
void umem_settle(void);
/* Record accesses and barriers from now on. */
void umem_trace_start(void);
const struct umem_event *umem_trace(unsigned int *nr);

/* For the shim: */

void umem_die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void umem_note(enum umem_kind kind, u64 addr);
bool umem_access_ok(u64 addr, size_t len);
bool umem_begin(u64 addr, size_t len, unsigned int how);
void umem_end(unsigned int how);
bool umem_unsafe_read(void *dst, u64 addr, size_t len);
bool umem_unsafe_write(u64 addr, const void *src, size_t len);
unsigned long umem_copy_from(void *dst, u64 addr, size_t len);
unsigned long umem_copy_to(u64 addr, const void *src, size_t len);
bool umem_or_is_disturbed(void);
bool umem_or(u64 addr, u32 bits, int *old);

#endif
