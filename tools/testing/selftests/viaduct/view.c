// SPDX-License-Identifier: GPL-2.0-only
/* Taking memory away from under the device, and giving it back. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "view.h"

/* Without the change of a mapping there is nothing to test. */
static void must(bool done)
{
	if (done)
		return;
	perror("# memory view");
	abort();
}

static void *map_file(void *at, size_t len, int fd)
{
	void *p = mmap(at, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);

	must(p != MAP_FAILED);
	return p;
}

static void *moved(const struct view *v, unsigned int i, void *p)
{
	return v->rig->net.mem.region[i].hva + ((uint8_t *)p - v->dev[i]);
}

/* The old mapping becomes the device's; the driver's pointers move to the new one. */
static void split_region(struct view *v, unsigned int i)
{
	struct vg_region *m = &v->rig->net.mem.region[i];
	unsigned int q;

	v->dev[i] = m->hva;
	m->hva = map_file(NULL, m->size, m->fd);
	for (q = 0; q < 2; q++) {
		struct vg_ring *r = &v->rig->net.ring[q];

		if (r->desc_gpa - m->gpa < m->size)
			r->desc = moved(v, i, r->desc);
		if (r->avail_gpa - m->gpa < m->size)
			r->avail = moved(v, i, r->avail);
		if (r->used_gpa - m->gpa < m->size)
			r->used = moved(v, i, r->used);
	}
}

const char *view_split(struct view *v, struct rig *r)
{
	unsigned int i;

	*v = (struct view){ .rig = r };
	if (r->net.mem.nr != 2)
		return "not the usual memory";
	for (i = 0; i < 2; i++)
		split_region(v, i);
	return NULL;
}

void *view_of(const struct view *v, const void *p)
{
	const uint8_t *at = p;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct vg_region *m = &v->rig->net.mem.region[i];

		if (at >= m->hva && at < m->hva + m->size)
			return v->dev[i] + (at - m->hva);
	}
	abort();
}

static void take(void *at, size_t len, enum view_way way)
{
	int fd;

	switch (way) {
	case VIEW_UNMAPPED:
		must(!munmap(at, len));
		break;
	case VIEW_NO_ACCESS:
		must(!mprotect(at, len, PROT_NONE));
		break;
	case VIEW_READ_ONLY:
		must(!mprotect(at, len, PROT_READ));
		break;
	case VIEW_TRUNCATED:
		fd = memfd_create("short", MFD_CLOEXEC);
		must(fd >= 0 && !ftruncate(fd, len));
		map_file(at, len, fd);
		must(!ftruncate(fd, 0));
		close(fd);
		break;
	}
}

void view_take(const struct view *v, const void *p, size_t len,
	       enum view_way way)
{
	take(view_of(v, p), len, way);
}

void view_take_all(const struct view *v, enum view_way way)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		take(v->dev[i], v->rig->net.mem.region[i].size, way);
}

void view_restore(const struct view *v)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct vg_region *m = &v->rig->net.mem.region[i];

		map_file(v->dev[i], m->size, m->fd);
	}
}
