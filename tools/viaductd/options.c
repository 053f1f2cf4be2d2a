// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/backend.h>

#include "options.h"
#include "print.h"

static const char vdd_usage[] =
"usage: viaductd --socket PATH (--tap NAME | --bridge NAME) [OPTION]...\n"
"\n"
"A vhost-user back end for network cards: the kernel module viaduct moves the\n"
"packets between the guest of each front end that connects and a tap.\n"
"\n"
"  -s, --socket PATH      listen here; not needed with a socket of systemd\n"
"  -g, --group GROUP      group that may connect (mode 0660 instead of 0600)\n"
"  -t, --tap NAME         use this tap, for one front end at a time\n"
"  -b, --bridge NAME      create a tap for each front end on this bridge\n"
"  -q, --queues N         queue pairs of a card, 1 to %u (1)\n"
"  -m, --max N            front ends at a time (64; 1 with --tap)\n"
"  -u, --user USER        user of the processes that serve front ends (nobody if\n"
"                         started as root)\n"
"  -d, --device PATH      node of the data plane (/dev/viaduct-net)\n"
"  -h, --help             show this text\n"
"  -V, --version          show the version\n"
"\n"
"Example:\n"
"  viaductd --socket /run/vm1.sock --bridge br0 --queues 2 &\n"
"  qemu-system-x86_64 ... -M q35,memory-backend=mem \\\n"
"      -object memory-backend-memfd,id=mem,size=1G,share=on \\\n"
"      -chardev socket,id=c,path=/run/vm1.sock,reconnect=1 \\\n"
"      -netdev vhost-user,id=n,chardev=c,queues=2 \\\n"
"      -device virtio-net-pci,netdev=n,mq=on,vectors=6\n";

static const struct option vdd_long_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "group", required_argument, NULL, 'g' },
	{ "tap", required_argument, NULL, 't' },
	{ "bridge", required_argument, NULL, 'b' },
	{ "queues", required_argument, NULL, 'q' },
	{ "max", required_argument, NULL, 'm' },
	{ "user", required_argument, NULL, 'u' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{}
};

/* A number from 1 to @max, or 0 after a message. */
static unsigned int vdd_number(const char *name, const char *text,
			       unsigned int max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && n && n <= max)
		return n;
	vdd_print("--%s %s: not a number from 1 to %u", name, text, max);
	return 0;
}

static bool vdd_is_interface(const char *name, const char *value)
{
	if (!value || (*value && strlen(value) < IFNAMSIZ && !strchr(value, '/') &&
		       !strchr(value, '%')))
		return true;
	vdd_print("--%s %s: not the name of an interface", name, value);
	return false;
}

static int vdd_options_check(struct vdd_options *o)
{
	if (!o->tap == !o->bridge) {
		vdd_print("either --tap or --bridge is needed (see --help)");
		return -1;
	}
	if (!vdd_is_interface("tap", o->tap) ||
	    !vdd_is_interface("bridge", o->bridge))
		return -1;
	if (o->tap && o->max > 1) {
		vdd_print("--max %u: a tap serves one front end; use --bridge",
			  o->max);
		return -1;
	}
	if (!o->max)
		o->max = o->tap ? 1 : 64;
	if (o->group && !o->socket) {
		vdd_print("--group needs --socket");
		return -1;
	}
	return 0;
}

/* Returns 1 to continue, 0 if nothing is left to do, -1 after a message. */
static int vdd_option(struct vdd_options *o, int c)
{
	switch (c) {
	case 's':
		o->socket = optarg;
		return 1;
	case 'g':
		o->group = optarg;
		return 1;
	case 't':
		o->tap = optarg;
		return 1;
	case 'b':
		o->bridge = optarg;
		return 1;
	case 'q':
		o->pairs = vdd_number("queues", optarg, VIADUCT_MAX_PAIRS);
		return o->pairs ? 1 : -1;
	case 'm':
		o->max = vdd_number("max", optarg, 4096);
		return o->max ? 1 : -1;
	case 'u':
		o->user = optarg;
		return 1;
	case 'd':
		o->device = optarg;
		return 1;
	case 'h':
		printf(vdd_usage, VIADUCT_MAX_PAIRS);
		return 0;
	case 'V':
		printf("viaductd %s\n", VERSION);
		return 0;
	default:
		fprintf(stderr, "see viaductd --help\n");
		return -1;
	}
}

/**
 * vdd_options_parse() - parse the command line
 * @o: filled in
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: 1 to run; 0 after --help or --version; -1 after a message.
 */
int vdd_options_parse(struct vdd_options *o, int argc, char **argv)
{
	int c, ret = 1;

	*o = (struct vdd_options){ .pairs = 1, .device = "/dev/viaduct-net" };
	while (ret > 0 && (c = getopt_long(argc, argv, "s:g:t:b:q:m:u:d:hV",
					   vdd_long_options, NULL)) >= 0)
		ret = vdd_option(o, c);
	if (ret <= 0)
		return ret;
	if (optind < argc) {
		vdd_print("unexpected argument %s", argv[optind]);
		return -1;
	}
	return vdd_options_check(o) ? -1 : 1;
}
