// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "wait.h"

void daemon_open_as(struct daemon *d, const struct vdd_options *o,
		    uint64_t features)
{
	struct vg_net_opts net = { .features = features };
	int fds[2];

	memset(d, 0, sizeof(*d));
	d->log = open_memstream(&d->text, &d->size);
	stderr = d->log;
	d->sv.from = "test";
	CHECK_EQ(vdd_port_open(&d->sv.port, o), 0);
	d->s = vdd_serve_session(&d->sv);
	CHECK(d->s);
	CHECK_EQ(viaduct_session_start(d->s), 0);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	CHECK_EQ(viaduct_session_add_fd(d->s, fds[1]), 0);
	CHECK_EQ(fe_open(&d->fe, fds[0], &net), 0);
	d->fe.proto = PROTO;
}

void daemon_open(struct daemon *d, unsigned int pairs, uint64_t features)
{
	const struct vdd_options o = { .tap = "tap0", .pairs = pairs, .max = 1,
				       .device = "/dev/viaduct-net" };

	kernel_reset();
	daemon_open_as(d, &o, features);
}

void daemon_close(struct daemon *d)
{
	unsigned int i;

	viaduct_session_destroy(d->s);
	vdd_port_close(&d->sv.port);
	fe_close(&d->fe);
	fclose(d->log);
	free(d->text);
	for (i = 0; i < 2 * KERNEL_PAIRS; i++)
		CHECK_EQ(kernel.pair[i / 2].ring[i % 2].backend, -1);
	if (kernel.complaint[0])
		FAIL("%s", kernel.complaint);
}

void expect_closed(struct daemon *d, const char *reason)
{
	uint64_t end = vg_deadline_ms(10000);

	while (!__atomic_load_n(&d->sv.gone, __ATOMIC_ACQUIRE)) {
		if (vg_expired(end))
			FAIL("the connection is open");
		usleep(1000);
	}
	fflush(d->log);
	if (!strstr(d->text, reason))
		FAIL("closed for another reason than \"%s\": %s", reason, d->text);
}

/* The kernel's view of an address of the front end. */
static uint64_t to_front(const struct daemon *d, uint64_t hva)
{
	unsigned int i;

	for (i = 0; i < kernel.pair[0].nr_regions; i++) {
		const struct vhost_memory_region *r = &kernel.pair[0].region[i];

		if (hva - r->userspace_addr < r->memory_size)
			return hva - r->userspace_addr +
			       (uintptr_t)d->fe.n.mem.region[i].hva;
	}
	return 0;
}

void expect_running(const struct daemon *d, unsigned int q)
{
	const char *wrong = kernel_check(&d->sv.port);
	const struct kernel_ring *r = &kernel.pair[q / 2].ring[q % 2];
	const struct vg_ring *want = &d->fe.n.ring[q % 2];

	if (wrong)
		FAIL("%s", wrong);
	CHECK_EQ(r->backend, kernel.pair[q / 2].tap);
	CHECK_EQ(r->num, want->num);
	CHECK_EQ(r->addr.index, q % 2);
	CHECK_EQ(to_front(d, r->addr.desc_user_addr), (uintptr_t)want->desc);
	CHECK_EQ(to_front(d, r->addr.avail_user_addr), (uintptr_t)want->avail);
	CHECK_EQ(to_front(d, r->addr.used_user_addr), (uintptr_t)want->used);
}

int memfd(size_t size)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	CHECK(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

int set_log(struct daemon *d, int fd, uint64_t size, uint64_t offset)
{
	uint64_t range[] = { size, offset };

	return fe_send(&d->fe, FE_SET_LOG_BASE, range, 16, &fd, 1);
}

int set_log_all(struct daemon *d)
{
	return fe_send_u64(&d->fe, FE_SET_FEATURES,
			   d->fe.n.features | VG_BIT(FE_LOG_ALL));
}
