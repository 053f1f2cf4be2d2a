// SPDX-License-Identifier: GPL-2.0-only
/*
 * viaduct-vswitch: options, signals, and the loop that follows a bridge.
 *
 * All that it sets up ends with the process: the links of the program are
 * its descriptors, and without the program frames take the bridge.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports.h"
#include "switch.h"

#define NSEC_PER_SEC	1000000000ULL
#define MAX_AGE		86400

static const char *bridge;
static struct switch_options options = { .age = 300, .max_macs = 64 };
static volatile sig_atomic_t stop, report;

static void usage(FILE *to)
{
	fputs("usage: viaduct-vswitch [OPTION]... BRIDGE\n\n"
	      "Switches frames between the taps of BRIDGE by XDP, without the bridge.\n"
	      "SIGUSR1 prints counters; the end of the process restores the bridge.\n\n"
	      "  -a, --age SECONDS  forget an address after this time (300)\n"
	      "  -m, --macs NUMBER  maximum number of addresses behind a port (64)\n"
	      "  -v, --vlan ID      also switch frames with this VLAN tag; repeatable\n"
	      "  -q, --quiet        do not print added and removed ports\n"
	      "  -h, --help         print this text\n", to);
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "viaduct-vswitch: %s: %s\n", what, strerror(-err));
	return err;
}

static void on_signal(int nr)
{
	if (nr == SIGUSR1)
		report = 1;
	else
		stop = 1;
}

static void set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
}

static int run(void)
{
	int fd = ports_open(), ret, second = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t walked = switch_now_ns();

	if (fd < 0)
		return fail("rtnetlink", fd);
	ret = switch_scan(bridge);
	while (!ret && !stop) {
		poll(&p, 1, 1000);
		if (switch_now_ns() >= walked + NSEC_PER_SEC) {
			switch_walk(++second % REFRESH_S == 0);
			walked = switch_now_ns();
		}
		/* Some changes send no message, such as a further queue. */
		ports_take_events();
		ret = switch_scan(bridge);
		if (report) {
			report = 0;
			switch_print_counters();
		}
	}
	ports_close();
	return ret ? fail(bridge, ret) : 0;
}

static bool is_number(const char *text, unsigned int min, unsigned int max,
		      unsigned int *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max) {
		fprintf(stderr, "viaduct-vswitch: %s is not between %u and %u\n",
			text, min, max);
		return false;
	}
	*value = n;
	return true;
}

static bool add_vlan(const char *text, uint8_t *vlans)
{
	unsigned int id;

	if (!is_number(text, 1, 4094, &id))
		return false;
	vlans[id] = 1;
	return true;
}

static int parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "age", required_argument, NULL, 'a' },
		{ "macs", required_argument, NULL, 'm' },
		{ "vlan", required_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool fine = true;
	int opt;

	while (fine && (opt = getopt_long(argc, argv, "a:m:v:qh", long_options, NULL)) >= 0)
		switch (opt) {
		case 'a':
			fine = is_number(optarg, 1, MAX_AGE, &options.age);
			break;
		case 'm':
			fine = is_number(optarg, 1, 65536, &options.max_macs);
			break;
		case 'v':
			fine = add_vlan(optarg, options.vlans);
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			fine = false;
		}
	if (fine && optind == argc - 1) {
		bridge = argv[optind];
		return 0;
	}
	usage(stderr);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	int err;

	if (parse(argc, argv))
		return 2;
	if (geteuid()) {
		fputs("viaduct-vswitch: must be run as root\n", stderr);
		return 1;
	}
	set_signals();
	err = switch_load(&options);
	if (err)
		fail("XDP program", err);
	else
		err = run();
	switch_unload();
	return err ? 1 : 0;
}
