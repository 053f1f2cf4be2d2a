// SPDX-License-Identifier: GPL-2.0-only
/* Counters in debugfs, memory, module parameters. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../lib/vguest/dev.h"
#include "../../../lib/vguest/wait.h"
#include "stats.h"

#define SETTLE_MS	15000
#define STEP_MS		50
#define SETTLED_STEPS	20
#define BLANKS		"\n "

#define MAX_WORDS	32

struct words {
	char line[512];
	char *word[MAX_WORDS];
	unsigned int nr;
};

static bool read_words(FILE *f, struct words *w)
{
	char *save, *word;

	if (!fgets(w->line, sizeof(w->line), f))
		return false;
	w->nr = 0;
	word = strtok_r(w->line, BLANKS, &save);
	while (word && w->nr < MAX_WORDS) {
		w->word[w->nr++] = word;
		word = strtok_r(NULL, BLANKS, &save);
	}
	return true;
}

/* The word of @row below the heading @what; empty when there is none. */
static const char *below(const struct words *head, const struct words *row,
			 const char *what)
{
	unsigned int i;

	for (i = 0; i < head->nr && i < row->nr; i++)
		if (!strcmp(head->word[i], what))
			return row->word[i];
	return "";
}

/* The counter @what in the first line with @id in column @key. */
static int64_t lookup(const char *key, uint64_t id, unsigned int q,
		      const char *what)
{
	struct words head, row;
	const char *found = "";
	FILE *f;

	if (vg_dev_is_reference())
		return -1;
	f = fopen("/sys/kernel/debug/viaduct/queues", "r");
	if (!f)
		return -1;
	if (read_words(f, &head))
		while (!*found && read_words(f, &row))
			if (strtoull(below(&head, &row, key), NULL, 10) == id &&
			    !strcmp(below(&head, &row, "q"),
				    q == VG_TX ? "tx" : "rx"))
				found = below(&head, &row, what);
	fclose(f);
	return *found ? atoll(found) : -1;
}

int64_t stats_queue(pid_t owner, unsigned int q, const char *what)
{
	return lookup("owner", owner, q, what);
}

int64_t stats_device_queue(uint64_t device, unsigned int q, const char *what)
{
	return lookup("device", device, q, what);
}

uint64_t stats_device(int fd)
{
	unsigned long long id = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (!id && fgets(line, sizeof(line), f))
		sscanf(line, "viaduct-device: %llu", &id);
	fclose(f);
	return id;
}

int stats_reaches(pid_t owner, unsigned int q, const char *what, int64_t least)
{
	uint64_t deadline = vg_deadline_ms(10000);
	int64_t v;

	for (;;) {
		v = stats_queue(owner, q, what);
		if (v < 0)
			return -1;
		if (v >= least)
			return 1;
		if (vg_expired(deadline))
			return 0;
		poll(NULL, 0, 1);
	}
}

bool stats_count(pid_t owner, unsigned int q, const char *what, int64_t least)
{
	int ret = stats_reaches(owner, q, what, least);

	return ret == 1 || (ret < 0 && vg_dev_is_reference());
}

long stats_memory(const char *what)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long kib = -1, v;
	char name[64];

	if (!f)
		return -1;
	while (kib < 0 && fscanf(f, " %63[^:]: %ld%*[^\n]", name, &v) == 2)
		if (!strcmp(name, what))
			kib = v;
	fclose(f);
	return kib;
}

long stats_memory_settled(void)
{
	uint64_t deadline = vg_deadline_ms(SETTLE_MS);
	long most = stats_memory("MemAvailable"), now;
	unsigned int still = 0;

	while (still < SETTLED_STEPS && !vg_expired(deadline)) {
		poll(NULL, 0, STEP_MS);
		now = stats_memory("MemAvailable");
		/* Other processes free a few pages meanwhile. */
		still = now > most + 128 ? 0 : still + 1;
		most = now > most ? now : most;
	}
	return most;
}

long stats_parameter(const char *module, const char *name, long otherwise)
{
	char path[128];
	FILE *f;
	long v;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	f = fopen(path, "r");
	if (!f)
		return otherwise;
	if (fscanf(f, "%ld", &v) != 1)
		v = otherwise;
	fclose(f);
	return v;
}
