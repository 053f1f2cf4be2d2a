// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: vswitch SOCKET...: an Ethernet switch between guests.
 *
 * Each front end that connects to one of the sockets is a port. A frame goes to
 * the port that its destination was last seen on, or to all others. Build:
 * cc vswitch.c $(pkg-config --cflags --libs viaduct)
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <viaduct/backend.h>

#define PORTS	16
#define BURST	32
#define ROOM	65550		/* a TCP segment of 64 KiB, and headers */
#define MACS	4096		/* a power of two */
#define IDLE	200		/* empty rounds before a sleep */

static struct viaduct_dev *port[PORTS];
static struct { uint8_t mac[6]; struct viaduct_dev *dev; } table[MACS];
static uint8_t room[BURST][ROOM];
static struct viaduct_pkt pkt[BURST];
static volatile sig_atomic_t stop;

static int new_device(struct viaduct_dev *dev, void *ctx)
{
	for (int i = 0; i < PORTS; i++)
		if (!port[i]) {
			port[i] = dev;
			return 0;
		}
	return -1;
}

static void destroy_device(struct viaduct_dev *dev, void *ctx)
{
	for (int i = 0; i < PORTS; i++)
		if (port[i] == dev)
			port[i] = NULL;
	for (int i = 0; i < MACS; i++)
		if (table[i].dev == dev)
			table[i].dev = NULL;
}

static void features_changed(struct viaduct_dev *dev, uint64_t features, void *ctx)
{
	fprintf(stderr, "%s: features %#llx\n", viaduct_dev_path(dev),
		(unsigned long long)features);
}

static unsigned int slot(const uint8_t *mac)
{
	return (mac[5] ^ mac[4] << 4 ^ mac[3] << 8) % MACS;
}

static struct viaduct_dev *look_up(const uint8_t *mac)
{
	unsigned int s = slot(mac);

	return memcmp(table[s].mac, mac, 6) ? NULL : table[s].dev;
}

static void learn(const uint8_t *mac, struct viaduct_dev *dev)
{
	unsigned int s = slot(mac);

	if (mac[0] & 1)
		return;
	memcpy(table[s].mac, mac, 6);
	table[s].dev = dev;
}

/* Frames with one destination are sent together; those without room are lost. */
static void forward(struct viaduct_dev *from, unsigned int nr)
{
	for (unsigned int i = 0, n; i < nr; i += n) {
		struct viaduct_dev *to = look_up(pkt[i].data);

		for (n = 1; i + n < nr && look_up(pkt[i + n].data) == to; n++)
			;
		for (int p = 0; p < PORTS; p++)
			if (port[p] && port[p] != from && (!to || port[p] == to))
				viaduct_enqueue_burst(port[p], 0, &pkt[i], n);
	}
}

/* A burst of each port; returns the number of frames. */
static unsigned int round_of_ports(void)
{
	unsigned int nr, sum = 0;

	for (int p = 0; p < PORTS; p++) {
		nr = port[p] ? viaduct_dequeue_burst(port[p], 1, pkt, BURST) : 0;
		for (unsigned int i = 0; i < nr; i++)
			learn((uint8_t *)pkt[i].data + 6, port[p]);
		forward(port[p], nr);
		sum += nr;
	}
	return sum;
}

/* Sleep until a guest kicks or a front end has a message. */
static void idle(struct viaduct_session *s)
{
	struct pollfd fd = { viaduct_session_fd(s), POLLIN, 0 };

	for (int p = 0; p < PORTS; p++)
		if (port[p] && viaduct_vring_arm(port[p], 1) > 0)
			return;
	poll(&fd, 1, -1);
}

static void end(int sig)
{
	stop = 1;
}

int main(int argc, char **argv)
{
	const struct viaduct_ops ops = {
		.size = sizeof(ops),
		.new_device = new_device,
		.destroy_device = destroy_device,
		.features_changed = features_changed,
	};
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	unsigned int empty = 0, rounds = 0;

	for (int i = 0; i < BURST; i++)
		pkt[i] = (struct viaduct_pkt){ .data = room[i], .room = ROOM };
	for (int i = 1; i < argc; i++) {
		int err = viaduct_session_listen(s, argv[i]);

		if (err) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-err));
			return 1;
		}
	}
	signal(SIGTERM, end);
	signal(SIGINT, end);
	while (!stop) {
		empty = round_of_ports() ? 0 : empty + 1;
		if (empty > IDLE)
			idle(s);
		if (empty > IDLE || !(++rounds % 64))
			viaduct_session_dispatch(s);
	}
	viaduct_session_destroy(s);
	return 0;
}
