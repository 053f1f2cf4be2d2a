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

/* The number of a word in a line of words, or -1. */
static int column(char *line, const char *what)
{
	char *save, *word = strtok_r(line, BLANKS, &save);
	int i;

	for (i = 0; word; i++) {
		if (!strcmp(word, what))
			return i;
		word = strtok_r(NULL, BLANKS, &save);
	}
	return -1;
}

/* The @at-th word of the line of @owner's queue, -1 for another line. */
static int64_t value(char *line, pid_t owner, unsigned int q, int at)
{
	char *save, *word = strtok_r(line, BLANKS, &save);
	int64_t v = -1;
	int i;

	for (i = 0; word && i <= at; i++) {
		if (i == 0 && atoi(word) != owner)
			return -1;
		if (i == 1 && strcmp(word, q == VG_TX ? "tx" : "rx"))
			return -1;
		if (i == at)
			v = atoll(word);
		word = strtok_r(NULL, BLANKS, &save);
	}
	return v;
}

int64_t stats_queue(pid_t owner, unsigned int q, const char *what)
{
	int64_t v = -1;
	char line[512];
	int at = -1;
	FILE *f;

	if (vg_dev_is_reference())
		return -1;
	f = fopen("/sys/kernel/debug/viaduct/queues", "r");
	if (!f)
		return -1;
	if (fgets(line, sizeof(line), f))
		at = column(line, what);
	while (at >= 0 && v < 0 && fgets(line, sizeof(line), f))
		v = value(line, owner, q, at);
	fclose(f);
	return v;
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
		/* A page here and there is somebody else's. */
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
