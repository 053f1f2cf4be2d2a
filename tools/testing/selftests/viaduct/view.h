/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_VIEW_H
#define VD_VIEW_H

#include "rig.h"

/*
 * Guest memory in two views: the driver works through one mapping, the device
 * through another, which a test can unmap without an effect on the driver.
 */
struct view {
	struct rig *rig;
	uint8_t *dev[2];	/* where the device sees each region */
};

enum view_way {
	VIEW_UNMAPPED,
	VIEW_NO_ACCESS,
	VIEW_READ_ONLY,
	VIEW_TRUNCATED,		/* a mapping beyond the end of its file */
};

/* Splits the view of a rig that is open and not started. NULL or why not. */
const char *view_split(struct view *v, struct rig *r);
/* The device's pointer to the same memory as the driver's pointer @p. */
void *view_of(const struct view *v, const void *p);
/* Takes whole pages away from the device's view. @p is the driver's pointer. */
void view_take(const struct view *v, const void *p, size_t len,
	       enum view_way way);
/* All of the device's view at once. */
void view_take_all(const struct view *v, enum view_way way);
/* Gives everything back: the same pages at the same addresses. */
void view_restore(const struct view *v);

#endif
