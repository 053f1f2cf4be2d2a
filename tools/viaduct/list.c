// SPDX-License-Identifier: GPL-2.0-only
/* viaduct list, show, workers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static void warn_unreadable(const struct devices *found)
{
	if (found->nr_unreadable)
		complain("the descriptors of %zu processes cannot be read; run as root to see all",
			 found->nr_unreadable);
}

int cmd_list(const struct options *o, const struct devices *found)
{
	size_t i;

	warn_unreadable(found);
	if (o->json)
		return print_json(found);
	printf("%6s %7s %4s %-20s %-15s %-7s %-7s %s\n", "DEVICE", "PID", "FD",
	       "VM", "INTERFACE", "RX", "TX", "WORKERS");
	for (i = 0; i < found->nr; i++) {
		const struct device *d = &found->device[i];

		printf("%6" PRIu64 " %7d %4d %-20.20s %-15.15s %-7s %-7s %u\n",
		       d->id, d->pid, d->fd, d->vm, d->iface,
		       ring_text(d, 0, "state"), ring_text(d, 1, "state"),
		       d->nr_workers);
	}
	return 0;
}

/* Why a ring is broken, from its errno. */
static const char *reason(uint64_t err)
{
	switch (err) {
	case 7:
		return "a chain of too many buffers (E2BIG)";
	case 14:
		return "ring or buffer outside guest memory (EFAULT)";
	case 22:
		return "a forbidden descriptor or indirect table (EINVAL)";
	case 40:
		return "a chain without end (ELOOP)";
	case 71:
		return "another rule of virtio broken (EPROTO)";
	}
	return "unknown error";
}

static void show_ring(const struct device *d, int ring)
{
	uint64_t nr[NR_BATCH_SIZES], error = ring_number(d, ring, "error");
	char prefix[8];
	unsigned int i;

	printf("  %s\n", ring ? "TX, guest to wire" : "RX, wire to guest");
	if (error)
		printf("    %-26s %s\n", "why it broke", reason(error));
	snprintf(prefix, sizeof(prefix), "%s-", ring_name[ring]);
	for (i = 0; i < d->nr_keys; i++)
		if (!strncmp(d->key[i].name, prefix, 3) &&
		    strcmp(d->key[i].name + 3, "batches"))
			printf("    %-26s %s\n", d->key[i].name + 3,
			       d->key[i].value);
	ring_batches(d, ring, nr);
	printf("    batches by size\n");
	for (i = 0; i < NR_BATCH_SIZES; i++)
		printf("      %-24s %" PRIu64 "\n", batch_size[i], nr[i]);
}

int cmd_show(const struct options *o, const struct devices *found)
{
	unsigned int k;
	size_t i;
	int r;

	if (o->json)
		return print_json(found);
	for (i = 0; i < found->nr; i++) {
		const struct device *d = &found->device[i];

		printf("%sdevice %" PRIu64 ": %s, process %d, descriptor %d, interface %s\n",
		       i ? "\n" : "", d->id, d->vm, d->pid, d->fd, d->iface);
		for (k = 0; k < d->nr_keys; k++)
			if (strncmp(d->key[k].name, "rx-", 3) &&
			    strncmp(d->key[k].name, "tx-", 3) &&
			    strcmp(d->key[k].name, "device"))
				printf("  %-28s %s\n", d->key[k].name,
				       d->key[k].value);
		for (r = 0; r < NR_RINGS; r++)
			show_ring(d, r);
	}
	return 0;
}

static const char *rings_of(const struct device *d, const struct worker *w)
{
	bool rx = ring_worker(d, 0) == w, tx = ring_worker(d, 1) == w;

	return rx && tx ? "rx,tx" : rx ? "rx" : tx ? "tx" : "-";
}

int cmd_workers(const struct options *o, const struct devices *found)
{
	size_t i;
	unsigned int k;

	if (o->json)
		return print_json(found);
	printf("%6s %2s %-5s %7s %-7s %-8s %3s %-8s %9s  %s\n", "DEVICE", "ID",
	       "RINGS", "TID", "KIND", "POLICY", "CPU", "CPUS", "TIME",
	       "CGROUP");
	for (i = 0; i < found->nr; i++) {
		const struct device *d = &found->device[i];

		for (k = 0; k < d->nr_workers; k++) {
			const struct worker *w = &d->worker[k];

			printf("%6" PRIu64 " %2u %-5s %7d %-7s %-8s %3d %-8s %9.2f  %s\n",
			       d->id, w->id, rings_of(d, w), w->tid, w->kind,
			       *w->policy ? w->policy : "-", w->cpu,
			       *w->cpus ? w->cpus : "-", w->cpu_seconds,
			       *w->cgroup ? w->cgroup : "-");
		}
	}
	return 0;
}
