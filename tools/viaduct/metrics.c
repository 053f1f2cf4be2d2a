// SPDX-License-Identifier: GPL-2.0-only
/* viaduct metrics: the text format of Prometheus. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct metric {
	const char *key;	/* of a ring */
	const char *name;
	const char *help;
	const char *type;
} metrics[] = {
	{ "packets", "packets_total", "Packets delivered.", "counter" },
	{ "bytes", "bytes_total",
	  "Bytes of packets delivered, without virtio-net headers.", "counter" },
	{ "back-pressure", "back_pressure_total",
	  "Times that a packet had to wait.", "counter" },
	{ "kicks", "kicks_total", "Kicks received.", "counter" },
	{ "kicks-suppressed", "kicks_suppressed_total",
	  "Batches that needed no kick.", "counter" },
	{ "interrupts", "interrupts_total", "Interrupts sent.", "counter" },
	{ "interrupts-suppressed", "interrupts_suppressed_total",
	  "Batches returned without an interrupt.", "counter" },
	{ "wakeups", "wakeups_total", "Wake-ups by the backend.", "counter" },
	{ "runs", "runs_total", "Runs of the handler.", "counter" },
	{ "iotlb-misses", "iotlb_misses_total",
	  "Times that the ring waited for the IOTLB.", "counter" },
	{ "log-lost", "log_lost_total",
	  "Writes that are missing from the dirty log.", "counter" },
	{ "breaks", "breaks_total", "Times that the ring failed a check.",
	  "counter" },
	{ "in-run", "in_run", "Whether the ring is held by its handler.",
	  "gauge" },
	{ "chains-in-hand", "chains_in_hand",
	  "Ring entries taken and not yet returned.", "gauge" },
};

static void head(const char *name, const char *help, const char *type)
{
	printf("# HELP viaduct_%s %s\n# TYPE viaduct_%s %s\n", name, help, name,
	       type);
}

static void quote(const char *label, const char *value)
{
	printf("%s=\"", label);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

/* The labels that identify a ring, without the closing bracket. */
static void labels(const struct device *d, const char *name)
{
	printf("viaduct_%s{device=\"%" PRIu64 "\",pid=\"%d\",", name, d->id,
	       d->pid);
	quote("vm", d->vm);
}

static void ring_labels(const struct device *d, int ring, const char *name)
{
	labels(d, name);
	printf(",ring=\"%s\"", ring_name[ring]);
}

static void print_drops(const struct devices *found)
{
	size_t i;
	unsigned int k;
	int r;

	head("drops_total", "Packets lost, by reason.", "counter");
	for (i = 0; i < found->nr; i++)
		for (r = 0; r < NR_RINGS; r++)
			for (k = 0; k < found->device[i].nr_keys; k++) {
				const struct device *d = &found->device[i];
				const struct key *key = &d->key[k];

				if (strncmp(key->name, ring_name[r], 2) ||
				    strncmp(key->name + 2, "-drop-", 6))
					continue;
				ring_labels(d, r, "drops_total");
				printf(",reason=\"%s\"} %s\n", key->name + 8,
				       key->value);
			}
}

static void print_batches(const struct devices *found)
{
	uint64_t nr[NR_BATCH_SIZES];
	size_t i;
	int r, k;

	head("batches_total", "Batches returned to the guest, by chains.",
	     "counter");
	for (i = 0; i < found->nr; i++)
		for (r = 0; r < NR_RINGS; r++) {
			ring_batches(&found->device[i], r, nr);
			for (k = 0; k < NR_BATCH_SIZES; k++) {
				ring_labels(&found->device[i], r,
					    "batches_total");
				printf(",size=\"%s\"} %" PRIu64 "\n",
				       batch_size[k], nr[k]);
			}
		}
}

static void print_states(const struct devices *found)
{
	static const char * const state[] = { "running", "stopped", "broken" };
	size_t i, k;
	int r;

	head("ring_state", "1 for the current state of the ring.", "gauge");
	for (i = 0; i < found->nr; i++)
		for (r = 0; r < NR_RINGS; r++)
			for (k = 0; k < ARRAY_SIZE(state); k++) {
				const struct device *d = &found->device[i];

				ring_labels(d, r, "ring_state");
				printf(",state=\"%s\"} %d\n", state[k],
				       !strcmp(ring_text(d, r, "state"),
					       state[k]));
			}
}

static void print_workers(const struct devices *found)
{
	size_t i;
	unsigned int k;

	head("worker_cpu_seconds_total", "CPU time of a worker.", "counter");
	for (i = 0; i < found->nr; i++)
		for (k = 0; k < found->device[i].nr_workers; k++) {
			const struct worker *w = &found->device[i].worker[k];

			labels(&found->device[i], "worker_cpu_seconds_total");
			printf(",worker=\"%u\"} %.2f\n", w->id, w->cpu_seconds);
		}
}

int cmd_metrics(const struct options *o, const struct devices *found)
{
	size_t i, m;
	int r;

	(void)o;
	head("devices", "Devices that are open.", "gauge");
	printf("viaduct_devices %zu\n", found->nr);
	for (m = 0; m < ARRAY_SIZE(metrics); m++) {
		head(metrics[m].name, metrics[m].help, metrics[m].type);
		for (i = 0; i < found->nr; i++)
			for (r = 0; r < NR_RINGS; r++) {
				ring_labels(&found->device[i], r,
					    metrics[m].name);
				printf("} %s\n", ring_text(&found->device[i], r,
							   metrics[m].key));
			}
	}
	print_drops(found);
	print_batches(found);
	print_states(found);
	print_workers(found);
	return 0;
}
