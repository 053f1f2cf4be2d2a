// SPDX-License-Identifier: GPL-2.0-only
/* Sets of processors. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"

static bool parse_number(const char **at, unsigned long *nr)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	*nr = strtoul(*at, &end, 10);
	*at = end;
	return *nr < MAX_CPUS;
}

bool cpus_parse(struct cpus *cpus, const char *list)
{
	unsigned long first, last;

	memset(cpus, 0, sizeof(*cpus));
	for (;;) {
		if (!parse_number(&list, &first))
			return false;
		last = first;
		if (*list == '-') {
			list++;
			if (!parse_number(&list, &last) || last < first)
				return false;
		}
		for (; first <= last; first++)
			CPU_SET_S(first, sizeof(*cpus), cpus->set);
		if (*list != ',')
			return !*list;
		list++;
	}
}

int cpus_get(struct cpus *cpus, pid_t tid)
{
	memset(cpus, 0, sizeof(*cpus));
	return sched_getaffinity(tid, sizeof(*cpus), cpus->set) ? -errno : 0;
}

int cpus_set(const struct cpus *cpus, pid_t tid)
{
	struct cpus old, now;
	int err = cpus_get(&old, tid);

	if (err)
		return err;
	if (sched_setaffinity(tid, sizeof(*cpus), cpus->set))
		return -errno;
	/* The kernel leaves out what it cannot use. */
	err = cpus_get(&now, tid);
	if (!err && !CPU_EQUAL_S(sizeof(now), now.set, cpus->set))
		err = -EINVAL;
	if (err)
		sched_setaffinity(tid, sizeof(old), old.set);
	return err;
}
