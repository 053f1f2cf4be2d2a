// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures what the host sends to a tap or tun, as pcap-ng, and replays a file to
 * the host. Frames are as on a wire: each has its checksum, and none is longer
 * than the interface's MTU allows. Build:
 * cc tapdump.c $(pkg-config --cflags --libs viaduct)
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <time.h>
#include <viaduct/port.h>

#define BURST	64

/* Blocks of a pcap-ng file, and other constants of the format. */
#define SECTION		0x0a0d0d0a
#define INTERFACE	1
#define SIMPLE		3
#define PACKET		6
#define ORDER		0x1a2b3c4d
#define OPT_TSRESOL	9
#define ETHERNET	1
#define RAW_IP		101
#define MAX_BLOCK	(16 << 20)
#define MAX_INTERFACES	64

struct block { uint32_t type, len; };
struct section { uint32_t order; uint16_t major, minor; int64_t len; };
struct interface { uint16_t link, reserved; uint32_t snap; };
struct packet { uint32_t interface, high, low, len, full_len; };

static struct viaduct_port *port;
static FILE *file;
static uint16_t link_type = ETHERNET;
static volatile sig_atomic_t stop;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "tapdump: %s: %s\n", what, why);
	exit(1);
}

static void put(const void *data, size_t len)
{
	if (len && fwrite(data, len, 1, file) != 1)
		die("write", strerror(errno));
}

/* A block of two parts, padded to four bytes; its length is at both ends. */
static void put_block(uint32_t type, const void *head, size_t head_len,
		      const void *data, size_t len)
{
	size_t pad = -len & 3;
	struct block b = { type, sizeof(b) + head_len + len + pad + 4 };

	put(&b, sizeof(b));
	put(head, head_len);
	put(data, len);
	put("\0\0\0", pad);
	put(&b.len, 4);
}

static void put_start(void)
{
	const struct section section = { ORDER, 1, 0, -1 };
	const struct interface interface = { .link = link_type };
	/* Nanoseconds; end of options. */
	const uint8_t options[] = { OPT_TSRESOL, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0 };

	put_block(SECTION, &section, sizeof(section), NULL, 0);
	put_block(INTERFACE, &interface, sizeof(interface), options, sizeof(options));
}

static void put_packets(const struct viaduct_pkt *pkt, int nr)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	for (int i = 0; i < nr; i++) {
		struct packet p = { 0, now >> 32, now, pkt[i].len, pkt[i].len };

		put_block(PACKET, &p, sizeof(p), pkt[i].data, pkt[i].len);
	}
}

/* Sleep until a packet arrives on any queue. */
static void idle(void)
{
	struct pollfd p = { viaduct_port_fd(port), POLLIN, 0 };
	int ret = 0;

	for (unsigned int q = 0; q < viaduct_port_queues(port) && !ret; q++)
		ret = viaduct_port_arm(port, q, VIADUCT_PORT_RECEIVE);
	if (ret < 0)
		die(viaduct_port_name(port), strerror(-ret));
	if (!ret && !stop)
		poll(&p, 1, 500);
}

/* Capture until @count packets have arrived, or a signal. */
static uint64_t capture(uint64_t count)
{
	struct viaduct_pkt pkt[BURST];
	uint64_t sum = 0, before;

	put_start();
	fflush(file);
	while (!stop && sum < count) {
		before = sum;
		for (unsigned int q = 0; q < viaduct_port_queues(port); q++) {
			uint64_t left = count - sum;
			int nr = viaduct_port_receive(port, q, pkt,
						      left < BURST ? left : BURST);

			if (nr < 0)
				die(viaduct_port_name(port), strerror(-nr));
			put_packets(pkt, nr);
			viaduct_port_free(port, q, pkt, nr);
			sum += nr;
		}
		if (sum == before)
			idle();
	}
	if (fflush(file))
		die("write", strerror(errno));
	return sum;
}

static bool get(void *data, size_t len)
{
	if (!len || fread(data, len, 1, file) == 1)
		return true;
	if (ferror(file))
		die("read", strerror(errno));
	return false;
}

static void get_all(void *data, size_t len)
{
	if (!get(data, len))
		die("file", "it ends within a block");
}

static void skip(size_t len)
{
	char rest[4096];

	for (size_t part; len; len -= part) {
		part = len < sizeof(rest) ? len : sizeof(rest);
		get_all(rest, part);
	}
}

/* The file's byte order is not this machine's. */
static bool swapped;

static uint32_t u32(uint32_t n)
{
	return swapped ? __builtin_bswap32(n) : n;
}

/* The length of a section is in the section's byte order. */
static uint32_t get_section(uint32_t len, struct section *s)
{
	get_all(s, sizeof(*s));
	swapped = s->order == __builtin_bswap32(ORDER);
	if (!swapped && s->order != ORDER)
		die("file", "it is not pcap-ng");
	return u32(len);
}

/* The next packet's head, and the bytes of its block behind the packet. */
static bool get_packet(struct packet *p, uint32_t *rest)
{
	static uint16_t links[MAX_INTERFACES];
	static unsigned int nr_links;
	struct interface interface;
	struct section section;
	struct block b;
	uint32_t len, used;

	while (get(&b, sizeof(b))) {
		uint32_t type = u32(b.type);

		used = sizeof(b) + 4;
		len = u32(b.len);
		if (b.type == SECTION) {
			len = get_section(b.len, &section);
			used += sizeof(section);
			nr_links = 0;
		} else if (type == INTERFACE && len >= used + sizeof(interface)) {
			get_all(&interface, sizeof(interface));
			used += sizeof(interface);
			if (nr_links == MAX_INTERFACES)
				die("file", "too many interfaces");
			links[nr_links++] = u32(interface.link) >> (swapped ? 16 : 0);
		} else if (type == PACKET && len >= used + sizeof(*p)) {
			get_all(p, sizeof(*p));
			used += sizeof(*p);
		} else if (type == SIMPLE && len >= used + 4) {
			get_all(&p->full_len, 4);
			used += 4;
			p->interface = 0;
			p->len = p->full_len;
		}
		if (len < used || len % 4 || len > MAX_BLOCK)
			die("file", "a block has a wrong length");
		*rest = len - used;
		if (type != PACKET && type != SIMPLE) {
			skip(*rest + 4);
			continue;
		}
		p->len = u32(p->len);
		if (p->len > *rest || p->len != u32(p->full_len))
			die("file", "a packet is not complete");
		if (u32(p->interface) >= nr_links ||
		    links[u32(p->interface)] != link_type)
			die("file", link_type == ETHERNET ? "a packet is not Ethernet" :
			    "a packet is not IP");
		*rest += 4 - p->len;
		return true;
	}
	return false;
}

static void send_burst(struct viaduct_pkt *pkt, unsigned int nr)
{
	unsigned int sent = 0;

	while (sent < nr) {
		int ret = viaduct_port_send(port, 0, pkt + sent, nr - sent);

		if (!ret)
			ret = viaduct_port_wait(port, 0, VIADUCT_PORT_SEND, -1);
		else if (ret > 0)
			sent += ret;
		if (ret < 0 && ret != -EINTR)
			die(viaduct_port_name(port), strerror(-ret));
	}
}

static struct viaduct_pkt get_buffer(void)
{
	struct viaduct_pkt pkt;

	while (!viaduct_port_alloc(port, 0, &pkt, 1)) {
		int ret = viaduct_port_flush(port, 0, -1);

		if (ret && ret != -EINTR)
			die(viaduct_port_name(port), strerror(-ret));
	}
	return pkt;
}

/* The file's packets, read into the port's buffers. */
static uint64_t replay(void)
{
	struct viaduct_pkt pkt[BURST];
	unsigned int nr = 0;
	uint64_t sum = 0;
	struct packet p;
	uint32_t rest;
	int ret;

	for (; !stop && get_packet(&p, &rest); sum++) {
		pkt[nr] = get_buffer();
		if (p.len > pkt[nr].room)
			die("file", "a packet is too long for the interface");
		get_all(pkt[nr].data, p.len);
		pkt[nr++].len = p.len;
		skip(rest);
		if (nr == BURST) {
			send_burst(pkt, nr);
			nr = 0;
		}
	}
	send_burst(pkt, nr);
	ret = viaduct_port_flush(port, 0, 10000);
	if (ret)
		die(viaduct_port_name(port), strerror(-ret));
	return sum;
}

static void end(int sig)
{
	stop = 1;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: tapdump [-t] [-q QUEUES] [-c COUNT] [-d DEVICE] -w FILE INTERFACE\n"
		"       tapdump [-t] [-d DEVICE] -r FILE INTERFACE\n"
		"-w writes the packets that the host sends to INTERFACE into FILE,\n"
		"-r sends the packets of FILE to the host;\n"
		"-t: INTERFACE is a tun; -d: device (/dev/viaduct-net, or /dev/vhost-net)\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct viaduct_port_opts opts = { .size = sizeof(opts), .room = 65550 };
	struct sigaction action = { .sa_handler = end };
	const char *mode = NULL, *path = NULL;
	uint64_t count = UINT64_MAX, sum;
	int opt;

	while ((opt = getopt(argc, argv, "tq:c:d:w:r:")) != -1) {
		if (opt == 't')
			opts.flags |= VIADUCT_PORT_TUN;
		else if (opt == 'q')
			opts.queues = strtoul(optarg, NULL, 0);
		else if (opt == 'c')
			count = strtoull(optarg, NULL, 0);
		else if (opt == 'd')
			opts.device = optarg;
		else if (opt == 'w' || opt == 'r')
			mode = opt == 'w' ? "w" : "r", path = optarg;
		else
			usage();
	}
	if (optind != argc - 1 || !mode)
		usage();
	opts.name = argv[optind];
	link_type = opts.flags & VIADUCT_PORT_TUN ? RAW_IP : ETHERNET;
	file = fopen(path, mode);
	if (!file)
		die(path, strerror(errno));
	port = viaduct_port_open(&opts);
	if (!port)
		return 1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sum = *mode == 'w' ? capture(count) : replay();
	fprintf(stderr, "tapdump: %llu packets\n", (unsigned long long)sum);
	viaduct_port_close(port);
	if (fclose(file))
		die(path, strerror(errno));
	return 0;
}
