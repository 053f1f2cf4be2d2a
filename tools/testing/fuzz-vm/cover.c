// SPDX-License-Identifier: GPL-2.0-only
/* The blocks of the module that a program reaches, from the module vdcover. */
#include <fcntl.h>
#include <unistd.h>

#include "cover.h"
#include "exec.h"

static int fd = -1;

static unsigned int hash(uint64_t pc)
{
	return pc * 0x9e3779b97f4a7c15ULL >> 48;
}

bool fz_set_has(const struct fz_set *s, uint64_t pc)
{
	unsigned int i = hash(pc);

	while (s->slot[i] && s->slot[i] != pc)
		i = (i + 1) % FZ_MAX_BLOCKS;
	return s->slot[i];
}

bool fz_set_add(struct fz_set *s, uint64_t pc)
{
	unsigned int i = hash(pc);

	while (s->slot[i] && s->slot[i] != pc)
		i = (i + 1) % FZ_MAX_BLOCKS;
	/* One slot stays free, so that each search ends. */
	if (s->slot[i] || s->nr == FZ_MAX_BLOCKS - 1)
		return false;
	s->slot[i] = pc;
	s->nr++;
	return true;
}

bool fz_cover_open(void)
{
	fd = open("/sys/kernel/debug/vdcover", O_RDWR | O_CLOEXEC);
	return fd >= 0;
}

int fz_cover_take(uint64_t *pc)
{
	ssize_t len = fd >= 0 ? pread(fd, pc, FZ_MAX_BLOCKS * sizeof(*pc), 0) : 0;

	return len > 0 ? len / sizeof(*pc) : 0;
}

int fz_cover_run(const struct fz_prog *p, uint64_t *pc, struct fz_time *time,
		 const char **why)
{
	if (fd >= 0 && write(fd, "", 1) < 0)
		return 0;
	*why = fz_run(p, time);
	if (*why)
		return -1;
	return fz_cover_take(pc);
}
