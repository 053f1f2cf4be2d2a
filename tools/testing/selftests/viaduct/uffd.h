/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_UFFD_H
#define VD_UFFD_H

#include <stdbool.h>

#include "rig.h"
#include "view.h"

/*
 * Faults of the device in its view of guest memory. This program resolves them
 * at once, late, or never.
 */

extern int uffd;		/* the descriptor, or -1 */
extern volatile bool uffd_stop;	/* ends uffd_answer_now() */

/* 0 or -errno. */
int uffd_open(void);
/* A started rig with a separate view for the device. NULL or the reason. */
const char *uffd_set_up(struct rig *r, struct view *v);
/* From now on, each page of the device's view faults once. */
const char *uffd_ask_for_all(struct rig *r, struct view *v);
/* Reads one fault, if there is one, and does not resolve it. */
bool uffd_take(uint64_t *page);
void uffd_continue(uint64_t page);
/* Resolves one fault; false if there is none. */
bool uffd_answer(void);
/* A thread that answers until uffd_stop. */
void *uffd_answer_now(void *arg);
const char *uffd_both_ways(struct rig *r, unsigned int nr);
/* Makes the device wait at a page fault, which stays unresolved. */
const char *uffd_make_it_wait(struct rig *r, struct view *v, unsigned int q);
/* The same with @nr frames: the device waits for a page of a frame, not of a ring. */
const char *uffd_make_frames_wait(struct rig *r, struct view *v, unsigned int q,
				  unsigned int nr);
/* Whether @page, in the device's view, belongs to a ring of at most 256 entries. */
bool uffd_is_of_ring(const struct vg_ring *r, const struct view *v, uint64_t page);

#define NEEDS_UFFD() do { \
	int _ret = uffd_open(); \
	if (_ret) \
		SKIP(return, "no userfaultfd for shared memory: %s", \
		     strerror(-_ret)); \
} while (0)

#endif
