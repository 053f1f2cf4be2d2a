// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbench: the cost of a packet for a device's workers, and the rate of packets
 * through it. VD_DEVICE names the device, VD_LAYOUT the kind of rings.
 * Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../lib/vguest/wait.h"
#include "bench.h"

static const struct option options[] = {
	{ "rx", no_argument, NULL, 'r' },
	{ "both", no_argument, NULL, 'b' },
	{ "workers", required_argument, NULL, 'W' },
	{ "kernel-thread", no_argument, NULL, 'K' },
	{ "len", required_argument, NULL, 'l' },
	{ "count", required_argument, NULL, 'n' },
	{ "ring", required_argument, NULL, 's' },
	{ "regions", required_argument, NULL, 'g' },
	{ "alternate", no_argument, NULL, 'a' },
	{ "devices", required_argument, NULL, 'd' },
	{ "indirect", no_argument, NULL, 'i' },
	{ "mergeable", no_argument, NULL, 'm' },
	{ "notify", no_argument, NULL, 'e' },
	{ "wake", no_argument, NULL, 'w' },
	{ "gather", no_argument, NULL, 'G' },
	{ "turns", no_argument, NULL, 'T' },
	{ "seconds", required_argument, NULL, 'D' },
	{ "at", required_argument, NULL, 'A' },
	{ "xdp", no_argument, NULL, 'x' },
	{ "tunnel", no_argument, NULL, 't' },
	{ "hold", required_argument, NULL, 'h' },
	{ "idle", no_argument, NULL, 'I' },
	{ "first", no_argument, NULL, 'F' },
	{ "latency", no_argument, NULL, 'L' },
	{ "floor", no_argument, NULL, 'O' },
	{ "pair", no_argument, NULL, 'P' },
	{ "pair-switch", no_argument, NULL, 'S' },
	{}
};

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vbench: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

static unsigned long parse_number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 0);

	if (*end || !n)
		die("'%s' is not a number above 0", s);
	return n;
}

/* The measurement: 0 for the cost of a stream. */
static char measurement;

/* Options that few rows have. */
static void parse_rare(struct bench_case *c, int opt)
{
	switch (opt) {
	case 'a':
		c->alternate = true;
		break;
	case 'T':
		c->turns = true;
		break;
	case 'D':
		c->ns = parse_number(optarg) * 1000000000ULL;
		break;
	case 'A':
		vg_mem_at = parse_number(optarg);
		break;
	default:
		exit(2);
	}
}

static struct bench_case parse(int argc, char **argv)
{
	struct bench_case c = {
		.tx = true, .len = 64, .count = 20000, .ring = 256, .regions = 1,
		.devices = 1,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			c.rx = true;
			c.tx = false;
			break;
		case 'b':
			c.rx = true;
			break;
		case 'W':
			c.workers = parse_number(optarg);
			break;
		case 'K':
			vg_fork_from_owner = 0;
			break;
		case 'l':
			c.len = parse_number(optarg);
			break;
		case 'n':
			c.count = parse_number(optarg);
			break;
		case 's':
			c.ring = parse_number(optarg);
			break;
		case 'g':
			c.regions = parse_number(optarg);
			break;
		case 'd':
			c.devices = parse_number(optarg);
			break;
		case 'i':
			c.indirect = true;
			break;
		case 'm':
			c.mergeable = true;
			break;
		case 'e':
			c.notify = true;
			break;
		case 'w':
			c.wake = true;
			break;
		case 'G':
			c.gather = true;
			break;
		case 'x':
			c.xdp = true;
			break;
		case 't':
			c.tunnel = true;
			break;
		case 'h':
			c.hold = parse_number(optarg);
			break;
		case 'I':
		case 'F':
		case 'L':
		case 'O':
		case 'P':
		case 'S':
			measurement = opt;
			break;
		default:
			parse_rare(&c, opt);
		}
	}
	if (c.rx && c.devices > 1)
		die("only one device can receive");
	if ((c.tunnel || c.hold) && c.devices > 1 && measurement != 'I')
		die("only one device can have a tunnel or held frames");
	return c;
}

static void print_result(const struct bench_result *r)
{
	printf("{\"packets\": %lu, \"worker_ns\": %.1f, \"kpps\": %.2f}\n",
	       r->packets, (double)r->worker_ns / r->packets,
	       r->packets * 1e6 / r->wall_ns);
}

static void stream(struct bench_dev *d, const struct bench_case *c)
{
	struct bench_result r;

	if (c->gather)
		bench_gathered(d, c, &r);
	else if (c->turns)
		bench_turns(d, c, &r);
	else
		bench_stream(d, c, &r);
	print_result(&r);
}

static void pair(const struct bench_case *c, bool with_switch)
{
	struct bench_result r;

	bench_pair(c, with_switch, &r);
	print_result(&r);
}

static void with_devices(const struct bench_case *c)
{
	struct bench_dev *d = calloc(c->devices, sizeof(*d));
	unsigned int i;

	if (!d)
		die("no memory");
	for (i = 0; i < c->devices; i++)
		bench_open(&d[i], c);
	if (measurement == 'L')
		bench_latency(d, c);
	else
		stream(d, c);
	for (i = 0; i < c->devices; i++)
		bench_close(&d[i]);
	free(d);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	struct bench_case c = parse(argc, argv);

	if (setrlimit(RLIMIT_NOFILE, &files) || vg_netns_enter())
		die("it needs root");
	switch (measurement) {
	case 'I':
		bench_idle(&c);
		break;
	case 'F':
		bench_first(&c);
		break;
	case 'O':
		bench_floor(&c);
		break;
	case 'P':
	case 'S':
		pair(&c, measurement == 'S');
		break;
	default:
		with_devices(&c);
	}
	return 0;
}
