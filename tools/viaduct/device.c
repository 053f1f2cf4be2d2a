// SPDX-License-Identifier: GPL-2.0-only
/* Reading the keys of a device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

const char * const ring_name[NR_RINGS] = { "rx", "tx" };

const char * const batch_size[NR_BATCH_SIZES] = {
	"1", "2-3", "4-7", "8-15", "16-31", "32-63", "64-127", "128+",
};

const char *device_text(const struct device *d, const char *key)
{
	unsigned int i;

	for (i = 0; i < d->nr_keys; i++)
		if (!strcmp(d->key[i].name, key))
			return d->key[i].value;
	return "";
}

const char *ring_text(const struct device *d, int ring, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", ring_name[ring], key);
	return device_text(d, name);
}

uint64_t device_number(const struct device *d, const char *key)
{
	return strtoull(device_text(d, key), NULL, 0);
}

uint64_t ring_number(const struct device *d, int ring, const char *key)
{
	return strtoull(ring_text(d, ring, key), NULL, 0);
}

uint64_t ring_drops(const struct device *d, int ring)
{
	char prefix[16];
	uint64_t nr = 0;
	unsigned int i;
	int len;

	len = snprintf(prefix, sizeof(prefix), "%s-drop-", ring_name[ring]);
	for (i = 0; i < d->nr_keys; i++)
		if (!strncmp(d->key[i].name, prefix, len))
			nr += strtoull(d->key[i].value, NULL, 10);
	return nr;
}

void ring_batches(const struct device *d, int ring, uint64_t *nr)
{
	const char *at = ring_text(d, ring, "batches");
	char *end;
	int i;

	for (i = 0; i < NR_BATCH_SIZES; i++) {
		nr[i] = strtoull(at, &end, 10);
		at = end;
	}
}

const struct worker *ring_worker(const struct device *d, int ring)
{
	long id = strtol(ring_text(d, ring, "worker"), NULL, 10);
	unsigned int i;

	for (i = 0; i < d->nr_workers; i++)
		if (d->worker[i].id == id)
			return &d->worker[i];
	return NULL;
}

double device_cpu_seconds(const struct device *d)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < d->nr_workers; i++)
		sum += d->worker[i].cpu_seconds;
	return sum;
}
