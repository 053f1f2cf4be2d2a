// SPDX-License-Identifier: GPL-2.0-only
/* The XDP program, its maps, and the ports that it is attached to. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ports.h"
#include "switch.h"
#include "vswitch.h"
#include "vswitch.skel.h"

#define MAX_PORTS	4096
#define NSEC_PER_SEC	1000000000ULL

struct attached {
	struct port port;
	struct bpf_link *link;
	unsigned int nr_macs;
	bool seen;		/* in the current scan */
};

static struct attached attached[MAX_PORTS];
static int nr_attached;
static struct vswitch_bpf *skel;
static struct switch_options options;

uint64_t switch_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int switch_load(const struct switch_options *o)
{
	uint32_t id;
	int err = 0;

	options = *o;
	skel = vswitch_bpf__open();
	if (!skel)
		return -errno;
	skel->rodata->max_age = options.age * NSEC_PER_SEC;
	skel->rodata->max_macs = options.max_macs;
	err = vswitch_bpf__load(skel);
	if (err)
		return err;
	for (id = 1; id < 4095 && !err; id++)
		if (options.vlans[id])
			err = bpf_map_update_elem(bpf_map__fd(skel->maps.vlans),
						  &id, &options.vlans[id], BPF_ANY);
	return err;
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
	if (!options.quiet)
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
	if (!options.quiet)
		printf("%s: detached\n", at->port.name);
	*at = attached[--nr_attached];
}

/* A port that was attached before may have another state or MTU. */
static int update(struct attached *at, const struct port *port)
{
	if (at->port.state != port->state && !options.quiet)
		printf("%s: %s\n", port->name, port_reason(port->state));
	at->port = *port;
	at->seen = true;
	return set_port(at) ?: set_open(port);
}

int switch_scan(const char *bridge)
{
	static struct port ports[MAX_PORTS];
	int nr = ports_of(bridge, ports, MAX_PORTS);
	int i, err;

	if (nr < 0)
		return nr;
	for (i = 0; i < nr_attached; i++)
		attached[i].seen = false;
	for (i = 0; i < nr; i++) {
		struct attached *at = find(ports[i].ifindex);

		/* Without the program, all of its frames take the bridge. */
		if (port_is_closed(ports[i].state))
			continue;
		if (at)
			err = update(at, &ports[i]);
		else
			err = attach(&ports[i]);
		/* It may have gone meanwhile. */
		if (err && err != -ENODEV)
			fprintf(stderr, "viaduct-vswitch: %s: %s\n",
				ports[i].name, strerror(-err));
	}
	for (i = nr_attached - 1; i >= 0; i--)
		if (!attached[i].seen)
			detach(&attached[i]);
	fflush(stdout);
	return 0;
}

/*
 * Every second: forget old addresses, and count the others. Every @REFRESH_S
 * refresh those that are in use in the bridge.
 */
void switch_walk(bool refresh)
{
	int fd = bpf_map__fd(skel->maps.fdb), err, i;
	struct vswitch_key key, next;
	struct vswitch_entry entry;
	uint64_t now = switch_now_ns();
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
		if (!at || now > entry.seen + options.age * NSEC_PER_SEC) {
			bpf_map_delete_elem(fd, &key);
			continue;
		}
		at->nr_macs++;
		if (refresh && now < entry.seen + REFRESH_S * NSEC_PER_SEC)
			port_refresh(entry.ifindex, key.mac);
	}
}

void switch_print_counters(void)
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

void switch_unload(void)
{
	while (nr_attached)
		detach(&attached[nr_attached - 1]);
	vswitch_bpf__destroy(skel);
}
