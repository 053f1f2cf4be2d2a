// SPDX-License-Identifier: GPL-2.0-only
/* The JSON document; viaduct.schema.json describes it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static void set_name(char *dst, size_t room, const char *key)
{
	size_t i;

	for (i = 0; i < room - 1 && key[i]; i++)
		dst[i] = key[i] == '-' ? '_' : key[i];
	dst[i] = 0;
}

static bool is_number(const char *value)
{
	return *value && value[strspn(value, "-0123456789")] == 0;
}

/* Numbers beyond JSON's exact integers are no counters in practice. */
static json_t *json_value(const char *value)
{
	json_t *list;

	if (is_number(value))
		return json_integer(strtoll(value, NULL, 10));
	if (!strchr(value, ' '))
		return json_string(value);
	list = json_array();
	while (*value) {
		size_t len = strcspn(value, " ");

		if (!strncmp(value, "0x", 2))
			json_array_append_new(list, json_stringn(value, len));
		else
			json_array_append_new(list, json_integer(atoll(value)));
		value += len;
		value += strspn(value, " ");
	}
	return list;
}

static json_t *json_worker(const struct worker *w)
{
	return json_pack("{s:i, s:i, s:s, s:i, s:s, s:s, s:s, s:f}",
			 "id", w->id, "tid", w->tid, "kind", w->kind,
			 "cpu", w->cpu, "policy", w->policy,
			 "cpus", w->cpus, "cgroup", w->cgroup,
			 "cpu_seconds", w->cpu_seconds);
}

static json_t *json_device(const struct device *d)
{
	json_t *root, *rings[NR_RINGS], *workers = json_array();
	unsigned int i, r;
	char name[64];

	root = json_pack("{s:i, s:i, s:s, s:s}", "pid", d->pid, "fd", d->fd,
			 "vm", d->vm, "interface", d->iface);
	for (r = 0; r < NR_RINGS; r++)
		rings[r] = json_object();
	for (i = 0; i < d->nr_keys; i++) {
		const char *key = d->key[i].name;
		json_t *at = root;

		if (!strncmp(key, "worker-", 7))
			continue;
		for (r = 0; r < NR_RINGS; r++)
			if (!strncmp(key, ring_name[r], 2) && key[2] == '-')
				at = rings[r];
		set_name(name, sizeof(name), at == root ? key : key + 3);
		json_object_set_new(at, name, json_value(d->key[i].value));
	}
	for (i = 0; i < d->nr_workers; i++)
		json_array_append_new(workers, json_worker(&d->worker[i]));
	json_object_set_new(root, "workers", workers);
	for (r = 0; r < NR_RINGS; r++)
		json_object_set_new(root, ring_name[r], rings[r]);
	return root;
}

int print_json(const struct devices *found)
{
	json_t *devices = json_array(), *root;
	size_t i;

	for (i = 0; i < found->nr; i++)
		json_array_append_new(devices, json_device(&found->device[i]));
	root = json_pack("{s:i, s:o}", "version", 1, "devices", devices);
	if (!root)
		return complain("no memory for the JSON document");
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return 0;
}
