// SPDX-License-Identifier: GPL-2.0-only
/*
 * viaduct-vswitch: attaches the XDP switch to the taps of a bridge, follows the
 * bridge's ports, ages addresses and prints counters.
 *
 * All that it sets up is gone with the process: the links of the program are
 * its descriptors, and without the program frames take the bridge.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ports.h"
#include "vswitch.h"
#include "vswitch.skel.h"

#define MAX_PORTS	4096
#define NSEC_PER_SEC	1000000000ULL
#define MAX_AGE		86400
/* Below the time for which a bridge keeps an address, 300 s. */
#define REFRESH_S	30

struct attached {
	struct port port;
	struct bpf_link *link;
	unsigned int nr_macs;
	bool seen;		/* in the scan that is going on */
};

static struct attached attached[MAX_PORTS];
static int nr_attached;
static struct vswitch_bpf *skel;
static const char *bridge;
static unsigned int age = 300, max_macs = 64;
static bool quiet;
static volatile sig_atomic_t stop, report;

static void usage(FILE *to)
{
	fputs("usage: viaduct-vswitch [OPTION]... BRIDGE\n\n"
	      "Switches frames between the taps of BRIDGE by XDP, without the bridge.\n"
	      "SIGUSR1 prints counters; the end of the process restores the bridge.\n\n"
	      "  -a, --age SECONDS  forget an address after this time (300)\n"
	      "  -m, --macs NUMBER  addresses of a port at most (64)\n"
	      "  -v, --vlan ID      switch frames with this VLAN tag, too; repeatable\n"
	      "  -q, --quiet        do not print ports that come and go\n"
	      "  -h, --help         print this text\n", to);
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "viaduct-vswitch: %s: %s\n", what, strerror(-err));
	return err;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static struct attached *find(unsigned int ifindex)
{
	int i;

	for (i = 0; i < nr_attached; i++)
		if (attached[i].port.ifindex == ifindex)
			return &attached[i];
	return NULL;
}

/* Whether frames may be redirected to a port; without it they take the bridge. */
static int set_open(const struct port *port)
{
	int fd = bpf_map__fd(skel->maps.open_ports);
	struct bpf_devmap_val val = { .ifindex = port->ifindex };
	int err = 0;

	if (port->state == PORT_OPEN)
		err = bpf_map_update_elem(fd, &port->ifindex, &val, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &port->ifindex);
	return err;
}

static int set_port(const struct attached *at)
{
	struct vswitch_port value = {
		.max_len = at->port.mtu + ETH_HLEN, .nr_macs = at->nr_macs,
	};

	return bpf_map_update_elem(bpf_map__fd(skel->maps.ports),
				   &at->port.ifindex, &value, BPF_ANY);
}

static int attach(const struct port *port)
{
	static const struct vswitch_counters zero;
	int fd = bpf_map__fd(skel->maps.counters), err;
	struct attached *at;

	if (nr_attached == MAX_PORTS)
		return -ENOSPC;
	at = &attached[nr_attached];
	*at = (struct attached){ .port = *port, .seen = true };
	err = set_port(at) ?:
	      bpf_map_update_elem(fd, &port->ifindex, &zero, BPF_ANY);
	if (err)
		return err;
	at->link = bpf_program__attach_xdp(skel->progs.vswitch, port->ifindex);
	if (!at->link) {
		err = -errno;
		bpf_map_delete_elem(bpf_map__fd(skel->maps.ports), &port->ifindex);
		bpf_map_delete_elem(fd, &port->ifindex);
		return err;
	}
	nr_attached++;
	if (!quiet)
		printf("%s: attached, %s\n", port->name,
		       port_reason(port->state));
	return set_open(port);
}

/* Addresses behind a port that has gone are forgotten at once. */
static void forget(unsigned int ifindex)
{
	int fd = bpf_map__fd(skel->maps.fdb), err;
	struct vswitch_key key, next;
	struct vswitch_entry entry;

	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &entry) &&
		    entry.ifindex == ifindex)
			bpf_map_delete_elem(fd, &key);
	}
}

static void detach(struct attached *at)
{
	unsigned int ifindex = at->port.ifindex;

	bpf_map_delete_elem(bpf_map__fd(skel->maps.open_ports), &ifindex);
	bpf_link__destroy(at->link);
	bpf_map_delete_elem(bpf_map__fd(skel->maps.ports), &ifindex);
	bpf_map_delete_elem(bpf_map__fd(skel->maps.counters), &ifindex);
	forget(ifindex);
	if (!quiet)
		printf("%s: detached\n", at->port.name);
	*at = attached[--nr_attached];
}

/* A port that was attached before may have another state or MTU. */
static int update(struct attached *at, const struct port *port)
{
	if (at->port.state != port->state && !quiet)
		printf("%s: %s\n", port->name, port_reason(port->state));
	at->port = *port;
	at->seen = true;
	return set_port(at) ?: set_open(port);
}

static int scan(void)
{
	static struct port ports[MAX_PORTS];
	int nr = ports_of(bridge, ports, MAX_PORTS);
	int i, err;

	if (nr < 0)
		return fail(bridge, nr);
	for (i = 0; i < nr_attached; i++)
		attached[i].seen = false;
	for (i = 0; i < nr; i++) {
		struct attached *at = find(ports[i].ifindex);

		if (at)
			err = update(at, &ports[i]);
		else
			err = attach(&ports[i]);
		/* It may have gone meanwhile. */
		if (err && err != -ENODEV)
			fail(ports[i].name, err);
	}
	for (i = nr_attached - 1; i >= 0; i--)
		if (!attached[i].seen)
			detach(&attached[i]);
	fflush(stdout);
	return 0;
}

/*
 * Every second: forget old addresses, and count the others. Every @REFRESH_S
 * tell the bridge of those that are in use.
 */
static void walk(bool refresh)
{
	int fd = bpf_map__fd(skel->maps.fdb), err, i;
	struct vswitch_key key, next;
	struct vswitch_entry entry;
	uint64_t now = now_ns();
	struct attached *at;

	for (i = 0; i < nr_attached; i++)
		attached[i].nr_macs = 0;
	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &entry))
			continue;
		at = find(entry.ifindex);
		if (!at || now > entry.seen + age * NSEC_PER_SEC) {
			bpf_map_delete_elem(fd, &key);
			continue;
		}
		at->nr_macs++;
		if (refresh && now < entry.seen + REFRESH_S * NSEC_PER_SEC)
			port_refresh(entry.ifindex, key.mac);
	}
}

static void print_counters(void)
{
	static const char * const names[] = {
		[VSWITCH_SWITCHED] = "switched", [VSWITCH_GROUP] = "group",
		[VSWITCH_UNKNOWN] = "unknown", [VSWITCH_LONG] = "long",
		[VSWITCH_TAGGED] = "tagged", [VSWITCH_CLOSED] = "closed",
		[VSWITCH_LEARNED] = "learned", [VSWITCH_MOVED] = "moved",
		[VSWITCH_REFUSED] = "refused",
	};
	int fd = bpf_map__fd(skel->maps.counters), i, j;
	struct vswitch_counters value;

	printf("%-15s", "port");
	for (j = 0; j < VSWITCH_NR_COUNTS; j++)
		printf(" %12s", names[j]);
	printf("  addresses  state\n");
	for (i = 0; i < nr_attached; i++) {
		const struct port *port = &attached[i].port;

		if (bpf_map_lookup_elem(fd, &port->ifindex, &value))
			continue;
		printf("%-15s", port->name);
		for (j = 0; j < VSWITCH_NR_COUNTS; j++)
			printf(" %12" PRIu64, (uint64_t)value.count[j]);
		printf("  %9u  %s\n", attached[i].nr_macs, port_reason(port->state));
	}
	fflush(stdout);
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
	uint64_t walked = now_ns();

	if (fd < 0)
		return fail("rtnetlink", fd);
	ret = scan();
	while (!ret && !stop) {
		poll(&p, 1, 1000);
		if (now_ns() >= walked + NSEC_PER_SEC) {
			walk(++second % REFRESH_S == 0);
			walked = now_ns();
		}
		/* Some changes send no message, such as a further queue. */
		ports_take_events();
		ret = scan();
		if (report) {
			report = 0;
			print_counters();
		}
	}
	while (nr_attached)
		detach(&attached[nr_attached - 1]);
	ports_close();
	return ret;
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

static int parse(int argc, char **argv, uint8_t *vlans)
{
	static const struct option options[] = {
		{ "age", required_argument, NULL, 'a' },
		{ "macs", required_argument, NULL, 'm' },
		{ "vlan", required_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool fine = true;
	int opt;

	while (fine && (opt = getopt_long(argc, argv, "a:m:v:qh", options, NULL)) >= 0)
		switch (opt) {
		case 'a':
			fine = is_number(optarg, 1, MAX_AGE, &age);
			break;
		case 'm':
			fine = is_number(optarg, 1, 65536, &max_macs);
			break;
		case 'v':
			fine = add_vlan(optarg, vlans);
			break;
		case 'q':
			quiet = true;
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

static int load(const uint8_t *vlans)
{
	uint32_t id;
	int err = 0;

	skel = vswitch_bpf__open();
	if (!skel)
		return fail("XDP program", -errno);
	skel->rodata->max_age = age * NSEC_PER_SEC;
	skel->rodata->max_macs = max_macs;
	err = vswitch_bpf__load(skel);
	if (err)
		return fail("XDP program", err);
	for (id = 1; id < 4095 && !err; id++)
		if (vlans[id])
			err = bpf_map_update_elem(bpf_map__fd(skel->maps.vlans),
						  &id, &vlans[id], BPF_ANY);
	return err ? fail("VLANs", err) : 0;
}

int main(int argc, char **argv)
{
	static uint8_t vlans[4096];
	int err;

	if (parse(argc, argv, vlans))
		return 2;
	if (geteuid()) {
		fputs("viaduct-vswitch: must be run as root\n", stderr);
		return 1;
	}
	set_signals();
	err = load(vlans) ?: run();
	vswitch_bpf__destroy(skel);
	return err ? 1 : 0;
}
