/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_UFFD_H
#define VD_UFFD_H

#include <stdbool.h>

#include "rig.h"
#include "view.h"

/*
 * The device's view of guest memory, whose faults are answered by this
 * program: at once, late, or not at all.
 */

extern int uffd;		/* the descriptor, or -1 */
extern volatile bool uffd_stop;	/* ends uffd_answer_now() */

/* 0 or -errno. */
int uffd_open(void);
/* A rig whose device has a view of its own, started. NULL or why not. */
const char *uffd_set_up(struct rig *r, struct view *v);
/* The device's view asks us from now on, for each page, once. */
const char *uffd_ask_for_all(struct rig *r, struct view *v);
/* Reads one fault, if there is one, and does not resolve it. */
bool uffd_take(uint64_t *page);
void uffd_continue(uint64_t page);
/* Resolves one fault; false if there is none. */
bool uffd_answer(void);
/* A thread that answers until uffd_stop. */
void *uffd_answer_now(void *arg);
const char *uffd_both_ways(struct rig *r, unsigned int nr);
/* Nobody answers, and the device waits: seen by its question. */
const char *uffd_make_it_wait(struct rig *r, struct view *v, unsigned int q);

#define NEEDS_UFFD() do { \
	int _ret = uffd_open(); \
	if (_ret) \
		SKIP(return, "no userfaultfd for shared memory: %s", \
		     strerror(-_ret)); \
} while (0)

#endif
