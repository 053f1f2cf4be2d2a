// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: echo SOCKET FRAMES MS: sends frames through the back end at SOCKET to
 * another front end, which returns each, and checks what comes back. 0 if all
 * came back, unaltered and in order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fe.h"
#include "frame.h"
#include "wait.h"

#define SEED		9
#define WINDOW		64	/* frames on their way */
#define FEATURES (VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

/* Frames that came back: their number, or -1. */
static int collect(struct fe *fe, uint64_t *got)
{
	static uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	uint64_t seq;
	ssize_t len;
	int nr = 0;

	while ((len = vg_net_recv(&fe->n, &mrg, frame, sizeof(frame)))) {
		const char *bad = len < 0 ? "receive" :
				  vg_frame_check(frame, len, SEED, &seq);

		if (bad || seq != *got) {
			printf("# frame %llu: %s, number %llu\n",
			       (unsigned long long)*got, bad ?: "order",
			       (unsigned long long)seq);
			return -1;
		}
		++*got;
		nr++;
	}
	vg_net_fill(&fe->n);
	return nr;
}

static int emit(struct fe *fe, uint64_t *sent, uint64_t end)
{
	static uint8_t frame[VG_FRAME_MTU];
	struct virtio_net_hdr hdr;
	size_t len;

	if (vg_net_reap(&fe->n) < 0)
		return -1;
	while (*sent < end) {
		len = vg_frame_len(*sent, SEED, VG_FRAME_MIN, VG_FRAME_MTU);
		vg_frame_build(frame, len, *sent, SEED, false, &hdr);
		if (vg_net_xmit(&fe->n, &hdr, frame, len, &vg_layout_plain))
			break;
		++*sent;
	}
	vg_ring_kick(&fe->n.ring[VG_TX]);
	return 0;
}

int main(int argc, char **argv)
{
	struct vg_net_opts o = { .features = FEATURES };
	uint64_t frames, sent = 0, got = 0, deadline, limit;
	struct fe fe;
	int sock;

	if (argc != 4)
		return 2;
	frames = strtoull(argv[2], NULL, 0);
	limit = strtoull(argv[3], NULL, 0);
	sock = dial(argv[1]);
	if (sock < 0 || fe_open(&fe, sock, &o))
		return 2;
	fe.proto = 1 << 3;
	if (fe_start(&fe))
		return 2;
	vg_net_fill(&fe.n);
	deadline = vg_deadline_ms(limit);
	while (got < frames && !vg_expired(deadline)) {
		uint64_t end = got + WINDOW < frames ? got + WINDOW : frames;

		if (emit(&fe, &sent, end) || collect(&fe, &got) < 0)
			break;
		sched_yield();
	}
	printf("# %llu of %llu frames came back\n", (unsigned long long)got,
	       (unsigned long long)frames);
	fe_close(&fe);
	return got != frames;
}
