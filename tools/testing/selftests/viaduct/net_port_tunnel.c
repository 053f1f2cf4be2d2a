// SPDX-License-Identifier: GPL-2.0-only
/*
 * libviaduct's example tunnel: TCP between two network namespaces, both ways at
 * once, unaltered, in frames of many segments.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../../lib/vguest/tap.h"
#include "vd_test.h"

#define BYTES		(8 << 20)
#define PORT		7000
#define PEER_SOCKET	"/tmp/net_port_tunnel"

static uint8_t byte_at(size_t i, bool from_a)
{
	return (i * 2654435761U) >> 16 ^ from_a;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("# %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void start_tunnel(const char *how)
{
	char path[4096];
	ssize_t len;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return;
	len = readlink("/proc/self/exe", path, sizeof(path) - 10);
	path[len > 0 ? len : 0] = 0;
	strcat(dirname(path), "/tunnel");
	execl(path, path, "-d", vg_dev_path(), "vpn0", how, PEER_SOCKET, NULL);
	must(false, path);
}

/* The tunnel makes the interface once it has its peer. */
static void set_address(const char *command)
{
	uint64_t deadline = vg_deadline_ms(30000);

	while (!if_nametoindex("vpn0") && !vg_expired(deadline))
		usleep(1000);
	must(!system(command), command);
	must(!vg_link_set_up("vpn0", true), "vpn0");
}

/* Sends and receives BYTES through @fd at the same time. */
static void exchange(int fd, bool is_a)
{
	static uint8_t out[65536], in[65536];
	size_t sent = 0, got = 0, i;
	struct pollfd p = { .fd = fd };
	ssize_t n;

	while (sent < BYTES || got < BYTES) {
		p.events = (sent < BYTES ? POLLOUT : 0) | (got < BYTES ? POLLIN : 0);
		must(poll(&p, 1, 30000) > 0, "nothing moves");
		if (p.revents & POLLIN) {
			n = read(fd, in, sizeof(in));
			must(n > 0, "read");
			for (i = 0; i < n; i++)
				must(in[i] == byte_at(got + i, !is_a), "a byte changed");
			got += n;
		}
		if (p.revents & POLLOUT) {
			size_t len = BYTES - sent < sizeof(out) ? BYTES - sent :
				     sizeof(out);

			for (i = 0; i < len; i++)
				out[i] = byte_at(sent + i, is_a);
			n = send(fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			must(n > 0, "send");
			sent += n;
		}
	}
	/* The peer must not lose data in flight. */
	shutdown(fd, SHUT_WR);
	must(!read(fd, in, sizeof(in)), "end");
}

/* Mean length of the packets that vpn0 received. */
static unsigned long mean_len(void)
{
	unsigned long bytes, packets;
	char line[512];
	FILE *f = fopen("/proc/net/dev", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " vpn0: %lu %lu", &bytes, &packets) == 2) {
			fclose(f);
			return packets ? bytes / packets : 0;
		}
	return 0;
}

static int connection(bool is_a)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	uint64_t deadline = vg_deadline_ms(30000);
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer;

	in.sin_addr.s_addr = inet_addr("10.9.0.1");
	if (is_a) {
		must(!bind(fd, (void *)&in, sizeof(in)) && !listen(fd, 1), "listen");
		peer = accept(fd, NULL, NULL);
		must(peer >= 0, "accept");
		return peer;
	}
	while (connect(fd, (void *)&in, sizeof(in))) {
		must(!vg_expired(deadline), "connect");
		close(fd);
		usleep(10000);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	}
	return fd;
}

/* One of the two hosts; all its processes are in its group. */
static pid_t start_host(bool is_a)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	must(!vg_netns_enter(), "namespace");
	start_tunnel(is_a ? "listen" : "connect");
	set_address(is_a ? "ip addr add 10.9.0.1/24 dev vpn0" :
			   "ip addr add 10.9.0.2/24 dev vpn0");
	exchange(connection(is_a), is_a);
	/* Without segmentation offload, 1500 bytes at most. */
	printf("# mean length %lu\n", mean_len());
	must(mean_len() > 1500, "packets of one segment");
	exit(0);
}

TEST(tcp_through_a_tunnel)
{
	int status[2] = { -1, -1 }, i;
	uint64_t deadline;
	pid_t pid[2];

	unlink(PEER_SOCKET);
	pid[0] = start_host(true);
	deadline = vg_deadline_ms(10000);
	while (access(PEER_SOCKET, F_OK) && !vg_expired(deadline))
		usleep(1000);
	pid[1] = start_host(false);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(pid[i], waitpid(pid[i], &status[i], 0));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, status[i]);
		kill(-pid[i], SIGKILL);
	}
	unlink(PEER_SOCKET);
}

VD_TEST_MAIN
