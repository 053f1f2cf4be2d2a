// SPDX-License-Identifier: GPL-2.0-only
/* Memory with faults that this program resolves, or does not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd.h"

#define PAGE	vg_page()

int uffd = -1;
volatile bool uffd_stop;

int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_MINOR_SHMEM };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0)
		return -errno;
	return ioctl(uffd, UFFDIO_API, &api) ? -errno : 0;
}

const char *uffd_set_up(struct rig *r, struct view *v)
{
	struct vg_net_opts o = { .features = VG_BIT(VG_F_VERSION_1) };
	const char *why = rig_open(r, RIG_TAP, &o);

	if (!why)
		why = view_split(v, r);
	return why ? why : rig_start(r);
}

/*
 * From now on each page of the device's view faults once: the pages stay in
 * their file, but are in no page table.
 */
const char *uffd_ask_for_all(struct rig *r, struct view *v)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct uffdio_register reg = {
			.range = { (uintptr_t)v->dev[i],
				   r->net.mem.region[i].size },
			.mode = UFFDIO_REGISTER_MODE_MINOR,
		};

		if (ioctl(uffd, UFFDIO_REGISTER, &reg))
			return rig_fail(r, "UFFDIO_REGISTER: %s",
					strerror(errno));
		if (madvise(v->dev[i], reg.range.len, MADV_DONTNEED))
			return "madvise";
	}
	return NULL;
}

bool uffd_take(uint64_t *page)
{
	struct uffd_msg msg;

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return false;
	*page = msg.arg.pagefault.address & ~(PAGE - 1ULL);
	return true;
}

void uffd_continue(uint64_t page)
{
	struct uffdio_continue cont = { .range = { page, PAGE } };

	if (!ioctl(uffd, UFFDIO_CONTINUE, &cont))
		return;
	/* The page is present if a worker, woken for a job, has faulted on it twice. */
	if (errno != EEXIST)
		abort();
	ioctl(uffd, UFFDIO_WAKE, &cont.range);
}

bool uffd_answer(void)
{
	uint64_t page;

	if (!uffd_take(&page))
		return false;
	uffd_continue(page);
	return true;
}

void *uffd_answer_now(void *arg)
{
	while (!uffd_stop)
		if (vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10)) > 0)
			uffd_answer();
	return arg;
}

const char *uffd_both_ways(struct rig *r, unsigned int nr)
{
	struct stream s[2] = { stream_make(r, VG_TX, nr),
			       stream_make(r, VG_RX, nr) };

	return stream_run(s, 2);
}

static const char *uffd_send(struct rig *r, unsigned int q, unsigned int nr)
{
	struct virtio_net_hdr hdr;
	uint8_t frame[2048];
	const char *why;
	unsigned int i;
	size_t len;

	for (i = 0; i < nr; i++) {
		len = stream_frame(r, q, i, frame, &hdr);
		if (q == VG_RX)
			why = rig_far_send(r, frame, len, &hdr);
		else
			why = vg_net_xmit(&r->net, &hdr, frame, len, &vg_layout_plain) ?
			      "no room in the ring" : NULL;
		if (why)
			return why;
	}
	vg_ring_kick_always(&r->net.ring[q]);
	return NULL;
}

const char *uffd_make_it_wait(struct rig *r, struct view *v, unsigned int q)
{
	const char *why = uffd_ask_for_all(r, v) ?: uffd_send(r, q, 1);

	if (!why && vg_wait_fd(uffd, POLLIN, vg_deadline_ms(10000)) <= 0)
		why = "the device faults on no page";
	return why;
}

bool uffd_is_of_ring(const struct vg_ring *r, const struct view *v, uint64_t page)
{
	const uint8_t *first = view_of(v, (void *)r->desc);
	const uint8_t *last = view_of(v, (void *)r->used);

	return page >= ((uintptr_t)first & ~(PAGE - 1ULL)) &&
	       page <= (uintptr_t)last;
}

/* Only pages that exist in the file have minor faults, which this program resolves. */
static void uffd_touch_all(struct rig *r)
{
	const struct vg_mem *mem = &r->net.mem;
	unsigned int i;
	uint64_t at;

	for (i = 0; i < mem->nr; i++)
		for (at = 0; at < mem->region[i].size; at += PAGE)
			*(volatile uint8_t *)&mem->region[i].hva[at] |= 0;
}

const char *uffd_make_frames_wait(struct rig *r, struct view *v, unsigned int q,
				  unsigned int nr)
{
	uint64_t deadline = vg_deadline_ms(10000), page;
	const char *why;

	uffd_touch_all(r);
	why = uffd_ask_for_all(r, v) ?: uffd_send(r, q, nr);
	while (!why && vg_wait_fd(uffd, POLLIN, deadline) > 0) {
		if (!uffd_take(&page))
			continue;
		if (!uffd_is_of_ring(&r->net.ring[VG_RX], v, page) &&
		    !uffd_is_of_ring(&r->net.ring[VG_TX], v, page))
			return NULL;
		uffd_continue(page);
	}
	return why ?: "the device faults on no frame";
}
