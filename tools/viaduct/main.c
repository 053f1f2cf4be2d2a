// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "cpus.h"
#include "scan.h"

static const char usage_text[] =
"usage: viaduct COMMAND [OPTION]... [PID]\n"
"\n"
"  list           devices in use: VM, interface, state of the rings\n"
"  show PID       all keys and counters of a process's devices\n"
"  top [PID]      packets, bits, kicks, interrupts, CPU time per second\n"
"  workers PID    threads that move packets: CPU, policy, cgroup, CPU time\n"
"  pin PID        give each ring a worker of its own, on the given processors\n"
"  metrics        counters in the text format of Prometheus\n"
"  trace [PID]    events of the data path, as they occur\n"
"\n"
"  --json         list, show, workers, top: JSON\n"
"  -d SECONDS     top: time between two samples (2)\n"
"  -n COUNT       top: number of samples (until interrupted)\n"
"  --from FILE    trace: read a recorded trace\n"
"  --rx CPUS, --tx CPUS\n"
"                 pin: processors for the workers of the RX and the TX rings\n"
"  --all CPUS     pin: processors for the existing workers; adds none\n"
"  --device N     pin: only device N of the process\n"
"  --root DIR     read a recorded /proc and /sys below DIR; top: DIR,DIR\n"
"  --help, --version\n";

struct command {
	const char *name;
	int (*run)(const struct options *o, const struct devices *found);
	bool needs_pid;
	bool is_metrics;	/* the absence of devices is a result, too */
};

static int run_top(const struct options *o, const struct devices *found)
{
	return cmd_top(o, (struct devices *)found);
}

static const struct command commands[] = {
	{ "list", cmd_list, false, false },
	{ "show", cmd_show, true, false },
	{ "top", run_top, false, false },
	{ "workers", cmd_workers, true, false },
	{ "pin", cmd_pin, true, false },
	{ "metrics", cmd_metrics, false, true },
	{ "trace", cmd_trace, false, false },
};

int complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("viaduct: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int complain_none(const struct options *o, const struct devices *found)
{
	const char *root = o->roots[0];

	if (o->pid && !scan_has_process(root, o->pid))
		return complain("no process %d", o->pid);
	if (o->pid && found->nr_unreadable)
		return complain("cannot read the descriptors of process %d; run as its user or as root",
				o->pid);
	if (!scan_has_module(root))
		return complain("the module viaduct is not loaded; run: modprobe viaduct");
	if (o->pid)
		return complain("process %d has no device open; viaduct list shows the processes that do",
				o->pid);
	if (found->nr_unreadable)
		return complain("no device found, but %zu processes cannot be read; run as root",
				found->nr_unreadable);
	return complain("no device is open");
}

static void set_roots(struct options *o, char *arg)
{
	char *comma = strchr(arg, ',');

	o->roots[0] = arg;
	o->nr_roots = 1;
	if (comma) {
		*comma = 0;
		o->roots[1] = comma + 1;
		o->nr_roots = 2;
	}
}

static bool parse_pid(const char *arg, struct options *o)
{
	char *end;
	long pid = strtol(arg, &end, 10);

	o->pid = pid;
	return *arg && !*end && pid > 0 && pid == o->pid;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "root", required_argument, NULL, 'r' },
		{ "from", required_argument, NULL, 'f' },
		{ "rx", required_argument, NULL, 'R' },
		{ "tx", required_argument, NULL, 'T' },
		{ "all", required_argument, NULL, 'A' },
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "d:n:h", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'r':
			set_roots(o, optarg);
			break;
		case 'f':
			o->from = optarg;
			break;
		case 'd':
			o->delay = strtod(optarg, NULL);
			break;
		case 'n':
			o->count = strtoul(optarg, NULL, 10);
			break;
		case 'R':
			o->rx = optarg;
			break;
		case 'T':
			o->tx = optarg;
			break;
		case 'A':
			o->all = optarg;
			break;
		case 'D':
			o->device = strtoull(optarg, NULL, 10);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		case 'V':
			puts("viaduct " VERSION);
			exit(0);
		default:
			return false;
		}
	}
	if (o->delay >= 0.1)
		return true;
	complain("-d: at least 0.1 seconds");
	return false;
}

/* Whether the options of pin name the processors. */
static bool check_pin(const struct options *o)
{
	const char *lists[3] = { o->rx, o->tx, o->all };
	struct cpus cpus;
	size_t i;

	if (o->all ? o->rx || o->tx : !o->rx || !o->tx) {
		complain("pin: processors are missing: --rx CPUS and --tx CPUS, or --all CPUS");
		return false;
	}
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i] && !cpus_parse(&cpus, lists[i])) {
			complain("pin: %s is not a list of processors, such as 2 or 0-3,8",
				 lists[i]);
			return false;
		}
	return true;
}

/* Returns the command, or NULL after a message. */
static const struct command *parse(int argc, char **argv, struct options *o)
{
	size_t i;

	if (!parse_options(argc, argv, o))
		return NULL;
	if (optind == argc) {
		fputs(usage_text, stderr);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, argv[optind]))
			break;
	if (i == ARRAY_SIZE(commands)) {
		complain("unknown command %s; viaduct --help lists the commands",
			 argv[optind]);
		return NULL;
	}
	if (optind + 2 < argc ||
	    (optind + 1 < argc && !parse_pid(argv[optind + 1], o))) {
		complain("%s: at most one process id", commands[i].name);
		return NULL;
	}
	if (commands[i].needs_pid && !o->pid) {
		complain("%s: a process id is missing; viaduct list shows processes that have devices",
			 commands[i].name);
		return NULL;
	}
	if (commands[i].run == cmd_pin && !check_pin(o))
		return NULL;
	return &commands[i];
}

int main(int argc, char **argv)
{
	struct options o = { .roots = { "" }, .delay = 2 };
	const struct command *command = parse(argc, argv, &o);
	struct devices found;
	int status, err;

	if (!command)
		return 2;
	/* A recorded trace needs no device. */
	err = o.from ? 0 : scan_devices(o.roots[0], o.pid, &found);
	if (o.from)
		found = (struct devices){ 0 };
	if (err)
		return complain("%s/proc: %s", o.roots[0], strerror(-err));
	if (found.nr && !*ring_text(&found.device[0], 0, "state"))
		status = complain("the loaded module is older than this command: it has no counters in fdinfo");
	else if (!found.nr && !o.from && !command->is_metrics)
		status = complain_none(&o, &found);
	else
		status = command->run(&o, &found);
	scan_free(&found);
	if (fflush(stdout) || ferror(stdout))
		return complain("cannot write: %s", strerror(errno));
	return status;
}
