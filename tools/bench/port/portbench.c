// SPDX-License-Identifier: GPL-2.0-only
/*
 * portbench: the rate at which a program passes packets to the host's stack, which
 * drops them at once, and the cost of a packet on each side:
 *
 *   NODE     a port of libviaduct on a tap, by /dev/NODE
 *   write    write() on a tap
 *   packet   a transmit ring of AF_PACKET, version 3, on a veth pair
 *
 * usage: portbench [--seconds N] [--rounds N] [--len BYTES] [--burst N]
 *	  [--flags N] [--at ADDRESS] WAY...
 *
 * Ways take turns; each turn is a line of JSON, with the run time a packet of the
 * program and of the device's worker.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <viaduct/port.h>

#include "../../lib/vguest/frame.h"
#include "../../lib/vguest/tap.h"
#include "../../lib/vguest/wait.h"
#include "../../lib/vguest/worker.h"

#define MAX_BURST	256
/* Of a ring of AF_PACKET. */
#define SLOT		2048
#define SLOTS		256

struct way {
	const char *name;
	struct viaduct_port *port;
	int fd;
	uint8_t *ring;		/* of AF_PACKET */
	unsigned int slot;
	char device[64];
};

static unsigned long seconds = 1, rounds = 1, len = 64, burst = 64, flags, at;
static uint8_t *frame;		/* with --at, where the kernel reads it fast */

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "portbench: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

/* Memory in the range that --at names, one piece after the other. */
static void *map_memory(size_t size)
{
	size_t whole = (size + 4095) & ~4095ULL;
	void *p = mmap((void *)at, whole, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS |
		       (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (p == MAP_FAILED)
		die("no memory: %s", strerror(errno));
	at += at ? whole : 0;
	return p;
}

static void open_port(struct way *w)
{
	struct viaduct_port_opts o = {
		.size = sizeof(o), .device = w->device, .name = "", .flags = flags,
	};

	snprintf(w->device, sizeof(w->device), "/dev/%s", w->name);
	o.memory_len = viaduct_port_memory_len(&o);
	o.memory = map_memory(o.memory_len);
	w->port = viaduct_port_open(&o);
	if (!w->port || vg_link_set_up(viaduct_port_name(w->port), true))
		die("no port on %s", w->device);
}

static unsigned long send_port(struct way *w)
{
	struct viaduct_pkt pkt[MAX_BURST];
	unsigned int i, nr = viaduct_port_alloc(w->port, 0, pkt, burst);
	int ret;

	for (i = 0; i < nr; i++) {
		memcpy(pkt[i].data, frame, len);
		pkt[i].len = len;
	}
	ret = viaduct_port_send(w->port, 0, pkt, nr);
	if (ret < 0 || viaduct_port_free(w->port, 0, pkt + ret, nr - ret))
		die("%s: %s", w->device, strerror(-ret));
	if (ret < nr)
		sched_yield();
	return ret;
}

static void open_write(struct way *w)
{
	struct vg_tap tap;

	if (vg_tap_open(&tap, 0, false))
		die("no tap");
	w->fd = tap.fd;
}

static unsigned long send_write(struct way *w)
{
	unsigned int i;

	for (i = 0; i < burst; i++)
		if (write(w->fd, frame, len) != (ssize_t)len)
			die("write: %s", strerror(errno));
	return burst;
}

static void open_packet(struct way *w)
{
	struct tpacket_req3 req = {
		.tp_block_size = SLOT * SLOTS, .tp_block_nr = 1,
		.tp_frame_size = SLOT, .tp_frame_nr = SLOTS,
	};
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	int version = TPACKET_V3, one = 1;

	if (vg_veth_create("pb0", "pb1") || vg_link_set_up("pb0", true) ||
	    vg_link_set_up("pb1", true))
		die("no veth pair");
	w->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ll.sll_ifindex = if_nametoindex("pb0");
	if (setsockopt(w->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(w->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
	    setsockopt(w->fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) ||
	    bind(w->fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("no ring of AF_PACKET: %s", strerror(errno));
	w->ring = mmap(NULL, SLOT * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED,
		       w->fd, 0);
	if (w->ring == MAP_FAILED)
		die("no ring of AF_PACKET: %s", strerror(errno));
}

static unsigned long send_packet(struct way *w)
{
	unsigned int i;

	for (i = 0; i < burst; i++) {
		struct tpacket3_hdr *h = (void *)(w->ring + w->slot * SLOT);

		if (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) !=
		    TP_STATUS_AVAILABLE)
			break;
		memcpy((uint8_t *)h + TPACKET3_HDRLEN - sizeof(struct sockaddr_ll),
		       frame, len);
		h->tp_len = len;
		h->tp_next_offset = 0;
		__atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST,
				 __ATOMIC_RELEASE);
		w->slot = (w->slot + 1) % SLOTS;
	}
	if (send(w->fd, NULL, 0, 0) < 0 && errno != ENOBUFS)
		die("send: %s", strerror(errno));
	return i;
}

static void open_way(struct way *w)
{
	if (!strcmp(w->name, "write"))
		open_write(w);
	else if (!strcmp(w->name, "packet"))
		open_packet(w);
	else
		open_port(w);
}

static unsigned long send_burst(struct way *w)
{
	if (w->port)
		return send_port(w);
	return w->ring ? send_packet(w) : send_write(w);
}

static uint64_t own_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ULL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ULL;
}

static void turn(struct way *w)
{
	uint64_t worker, own, wall, end;
	unsigned long nr = 0;
	unsigned int i;

	/* So that all memory has been used once. */
	for (i = 0; i < 100; i++)
		send_burst(w);
	if (w->port && viaduct_port_flush(w->port, 0, 10000))
		die("%s does not send", w->device);
	worker = vg_worker_total(getpid());
	own = own_time();
	wall = vg_now_ns();
	end = wall + seconds * 1000000000ULL;
	do {
		for (i = 0; i < 16; i++)
			nr += send_burst(w);
	} while (vg_now_ns() < end);
	if (w->port && viaduct_port_flush(w->port, 0, 10000))
		die("%s does not send", w->device);
	wall = vg_now_ns() - wall;
	own = own_time() - own;
	worker = vg_worker_total(getpid()) - worker;
	printf("{\"way\": \"%s\", \"packets\": %lu, \"kpps\": %.1f, ", w->name, nr,
	       nr * 1e6 / wall);
	printf("\"program_ns\": %.1f, \"worker_ns\": %.1f}\n", (double)own / nr,
	       (double)worker / nr);
	fflush(stdout);
}

static const struct option options[] = {
	{ "seconds", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "len", required_argument, NULL, 'l' },
	{ "burst", required_argument, NULL, 'b' },
	{ "flags", required_argument, NULL, 'f' },
	{ "at", required_argument, NULL, 'A' },
	{}
};

int main(int argc, char **argv)
{
	struct way way[8] = {};
	struct virtio_net_hdr hdr;
	unsigned int i, round;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long *to = opt == 's' ? &seconds : opt == 'r' ? &rounds :
				    opt == 'l' ? &len : opt == 'b' ? &burst :
				    opt == 'f' ? &flags : opt == 'A' ? &at : NULL;

		if (!to)
			return 2;
		*to = strtoul(optarg, NULL, 0);
	}
	if (argc == optind || argc - optind > 8 || len < 60 || len > 1514 ||
	    !burst || burst > MAX_BURST)
		die("for the usage see the head of portbench.c");
	if (vg_netns_enter())
		die("it needs root");
	frame = map_memory(4096);
	vg_frame_build(frame, len, 0, 1, false, &hdr);
	for (i = 0; i < argc - optind; i++) {
		way[i].name = argv[optind + i];
		open_way(&way[i]);
	}
	for (round = 0; round < rounds; round++)
		for (i = 0; i < argc - optind; i++)
			turn(&way[i]);
	return 0;
}
