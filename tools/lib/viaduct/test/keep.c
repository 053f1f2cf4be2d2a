// SPDX-License-Identifier: GPL-2.0-only
/* Set-up of the tests of in-flight memory. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "keep.h"

void keep_map(struct keep *k)
{
	k->map = mmap(NULL, k->info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      k->fd, 0);
	CHECK(k->map != MAP_FAILED);
}

void keep_make(struct keep *k)
{
	k->info = (struct fe_inflight){ 2 * KEEP_PACKED, 0, 2, KEEP_NUM, 0 };
	k->fd = memfd_create("inflight", MFD_CLOEXEC);
	CHECK(!ftruncate(k->fd, k->info.size));
	keep_map(k);
}

void keep_negotiate(struct rig *r)
{
	r->fe.proto = RIG_PROTO | RIG_INFLIGHT;
	CHECK_EQ(fe_negotiate(&r->fe), 0);
	CHECK_EQ(fe_set_memory(&r->fe), 0);
}

void keep_start(struct rig *r, struct keep *k, uint32_t base)
{
	keep_negotiate(r);
	CHECK_EQ(fe_set_inflight(&r->fe, &k->info, k->fd), 0);
	CHECK_EQ(fe_start_ring(&r->fe, VG_TX, base), 0);
	rig_wait(&r->on, 1 << VG_TX);
}
