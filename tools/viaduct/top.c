// SPDX-License-Identifier: GPL-2.0-only
/* viaduct top: rates between two samples. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "scan.h"

struct rates {
	const struct device *d;
	double packets[NR_RINGS], bits[NR_RINGS]; /* per second */
	double kicks, interrupts, drops, cpu; /* per second; cpu in percent */
};

/* Counters begin anew when the device gets another owner. */
static double rate(uint64_t old, uint64_t new, double seconds)
{
	return new >= old ? (new - old) / seconds : 0;
}

static void measure(struct rates *t, const struct device *old,
		    const struct device *new, double seconds)
{
	int r;

	*t = (struct rates){ .d = new };
	for (r = 0; old && r < NR_RINGS; r++) {
		t->packets[r] = rate(ring_number(old, r, "packets"),
				     ring_number(new, r, "packets"), seconds);
		t->bits[r] = 8 * rate(ring_number(old, r, "bytes"),
				      ring_number(new, r, "bytes"), seconds);
		t->kicks += rate(ring_number(old, r, "kicks"),
				 ring_number(new, r, "kicks"), seconds);
		t->interrupts += rate(ring_number(old, r, "interrupts"),
				      ring_number(new, r, "interrupts"),
				      seconds);
		t->drops += rate(ring_drops(old, r), ring_drops(new, r),
				 seconds);
	}
	if (old && device_cpu_seconds(new) > device_cpu_seconds(old))
		t->cpu = 100 * (device_cpu_seconds(new) -
				device_cpu_seconds(old)) / seconds;
}

static const struct device *find(const struct devices *in, uint64_t id)
{
	size_t i;

	for (i = 0; i < in->nr; i++)
		if (in->device[i].id == id)
			return &in->device[i];
	return NULL;
}

/* The busiest first, then by number. */
static int compare(const void *a, const void *b)
{
	const struct rates *x = a, *y = b;
	double px = x->packets[0] + x->packets[1];
	double py = y->packets[0] + y->packets[1];

	if (px != py)
		return px < py ? 1 : -1;
	return x->d->id < y->d->id ? -1 : 1;
}

/* A number in at most five characters. */
static const char *brief(char *buf, double v)
{
	static const char unit[] = " kMGT";
	unsigned int i = 0;

	while (v >= 999.5 && unit[i + 1]) {
		v /= 1000;
		i++;
	}
	if (!i)
		sprintf(buf, "%.0f", v);
	else
		sprintf(buf, v < 9.995 ? "%.2f%c" : v < 99.95 ? "%.1f%c" :
			"%.0f%c", v, unit[i]);
	return buf;
}

static void print_row(const struct rates *t)
{
	char b[7][400];
	int i;
	double v[7] = { t->packets[0], t->packets[1], t->bits[0], t->bits[1],
			t->kicks, t->interrupts, t->drops };

	for (i = 0; i < 7; i++)
		brief(b[i], v[i]);
	printf("%6" PRIu64 " %7d %-16.16s %5.1f %5s %5s %5s %5s %5s %5s %5s\n",
	       t->d->id, t->d->pid, t->d->vm, t->cpu, b[0], b[1], b[2], b[3],
	       b[4], b[5], b[6]);
}

static void print_table(const struct rates *t, size_t nr, bool is_terminal)
{
	size_t i;

	if (is_terminal)
		fputs("\033[H\033[2J", stdout);
	printf("%6s %7s %-16s %5s %5s %5s %5s %5s %5s %5s %5s\n", "DEVICE",
	       "PID", "VM", "CPU%", "RXp/s", "TXp/s", "RXb/s", "TXb/s",
	       "KICK/", "IRQ/s", "DROP/");
	for (i = 0; i < nr; i++)
		print_row(&t[i]);
	fflush(stdout);
}

static json_t *json_rate(const struct rates *t)
{
	return json_pack("{s:I, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
			 "device", (json_int_t)t->d->id, "pid", t->d->pid,
			 "vm", t->d->vm, "cpu_percent", t->cpu,
			 "rx_packets", t->packets[0],
			 "tx_packets", t->packets[1],
			 "rx_bits", t->bits[0], "tx_bits", t->bits[1],
			 "kicks", t->kicks, "interrupts", t->interrupts,
			 "drops", t->drops);
}

/* One document per line. */
static void print_rates(const struct rates *t, size_t nr, double seconds)
{
	json_t *list = json_array(), *root;
	size_t i;

	for (i = 0; i < nr; i++)
		json_array_append_new(list, json_rate(&t[i]));
	root = json_pack("{s:i, s:f, s:o}", "version", 1, "seconds", seconds,
			 "rates", list);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(root);
}

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int print_sample(const struct options *o, const struct devices *old,
			const struct devices *new, double seconds)
{
	struct rates *t = calloc(new->nr + 1, sizeof(*t));
	size_t i;

	if (!t)
		return complain("no memory");
	for (i = 0; i < new->nr; i++)
		measure(&t[i], find(old, new->device[i].id), &new->device[i],
			seconds);
	qsort(t, new->nr, sizeof(*t), compare);
	if (o->json)
		print_rates(t, new->nr, seconds);
	else
		print_table(t, new->nr, isatty(STDOUT_FILENO));
	free(t);
	return ferror(stdout);
}

int cmd_top(const struct options *o, struct devices *old)
{
	const char *root = o->roots[o->nr_roots == 2];
	double then = clock_now(), now, seconds = o->delay;
	unsigned int i;

	for (i = 0; !o->count || i < o->count; i++) {
		struct devices new;
		int err;

		/* Recorded trees were read at the time that -d says. */
		if (!o->nr_roots)
			usleep(o->delay * 1e6);
		err = scan_devices(root, o->pid, &new);
		if (err)
			return complain("%s/proc: %s", root, strerror(-err));
		now = clock_now();
		if (!o->nr_roots)
			seconds = now - then;
		then = now;
		err = print_sample(o, old, &new, seconds);
		scan_free(old);
		*old = new;
		if (err || o->nr_roots)
			return err;
	}
	return 0;
}
