/* SPDX-License-Identifier: GPL-2.0-only */
/* A front end on the daemon's session, which uses a stand-in for the kernel. */
#ifndef VDD_TEST_DAEMON_H
#define VDD_TEST_DAEMON_H

#include <stdio.h>

#include "fe.h"
#include "kernel.h"
#include "serve.h"
#include "test.h"

#define MODERN	(VG_BIT(VG_F_VERSION_1) | VG_BIT(VG_F_EVENT_IDX) | VG_NET_F_MRG)
#define ACK	(1 << 3)
#define PROTO	(ACK | 1 << 0 | 1 << 1 | 1 << 4 | 1 << 13 | 1 << 15 | 1 << 16)

/* 4 GiB and 96 MiB of guest physical addresses, a bit for each page. */
#define LOG_SIZE	0x20c00

struct daemon {
	struct vdd_server sv;
	struct viaduct_session *s;
	struct fe fe;
	FILE *log;
	char *text;
	size_t size;
};

void daemon_open_as(struct daemon *d, const struct vdd_options *o,
		    uint64_t features);
void daemon_open(struct daemon *d, unsigned int pairs, uint64_t features);
/* No ring may be attached once the connection has ended. */
void daemon_close(struct daemon *d);
void expect_closed(struct daemon *d, const char *reason);
void expect_running(const struct daemon *d, unsigned int q);
int memfd(size_t size);
/* SET_LOG_BASE has a reply of its own, which stands for the acknowledgment. */
int set_log(struct daemon *d, int fd, uint64_t size, uint64_t offset);
int set_log_all(struct daemon *d);

#endif
