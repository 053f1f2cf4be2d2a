// SPDX-License-Identifier: GPL-2.0-only
/*
 * libviaduct's example tapdump: it replays a capture of a tap or tun byte for
 * byte and in order, and refuses damaged files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../../lib/vguest/frame.h"
#include "../../../lib/vguest/packet.h"
#include "../../../lib/vguest/tap.h"
#include "vd_test.h"

#define FRAMES		2000
#define BURST		32
#define MTU		9000
#define FILE_NAME	"/tmp/net_tapdump.pcapng"
/* Section and interface block, of which the file consists at least. */
#define START_LEN	(28 + 32)

FIXTURE(dump)
{
	char name[IFNAMSIZ];
	int far;
	uint8_t *frame[FRAMES];
	size_t len[FRAMES];
};

FIXTURE_VARIANT(dump)
{
	bool is_tun;
};

FIXTURE_VARIANT_ADD(dump, tap) { .is_tun = false };

FIXTURE_VARIANT_ADD(dump, tun) { .is_tun = true };

FIXTURE_SETUP(dump)
{
	struct ifreq ifr = { .ifr_name = "dump0" };
	size_t at = variant->is_tun ? ETH_HLEN : 0;
	struct virtio_net_hdr hdr;
	int fd, i;

	ASSERT_EQ(0, vg_netns_enter());
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ifr.ifr_flags = (variant->is_tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI |
			IFF_VNET_HDR;
	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &ifr));
	ASSERT_EQ(0, ioctl(fd, TUNSETPERSIST, 1));
	close(fd);
	strcpy(self->name, ifr.ifr_name);
	ASSERT_EQ(0, vg_link_set_mtu(self->name, MTU));
	ASSERT_EQ(0, vg_link_set_up(self->name, true));
	self->far = vg_packet_open(if_nametoindex(self->name), false);
	ASSERT_LE(0, self->far);
	for (i = 0; i < FRAMES; i++) {
		self->len[i] = vg_frame_len(i, 3, 96, MTU);
		self->frame[i] = malloc(self->len[i]);
		vg_frame_build(self->frame[i], self->len[i], i, 3,
			       variant->is_tun, &hdr);
		self->frame[i] += at;
		self->len[i] -= at;
	}
	unlink(FILE_NAME);
}

FIXTURE_TEARDOWN(dump)
{
	unlink(FILE_NAME);
}

static pid_t start(const char *name, bool is_tun, const char *mode)
{
	char count[16], path[4096];
	const char *argv[12] = { path, "-d", vg_dev_path(), mode, FILE_NAME };
	int argc = 5;
	ssize_t len;
	pid_t pid = fork();

	if (pid)
		return pid;
	len = readlink("/proc/self/exe", path, sizeof(path) - 10);
	path[len > 0 ? len : 0] = 0;
	strcat(dirname(path), "/tapdump");
	if (is_tun)
		argv[argc++] = "-t";
	snprintf(count, sizeof(count), "%d", FRAMES);
	if (!strcmp(mode, "-w")) {
		argv[argc++] = "-c";
		argv[argc++] = count;
	}
	argv[argc] = name;
	execv(path, (char **)argv);
	_exit(127);
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	       WEXITSTATUS(status) : -1;
}

static long file_size(void)
{
	struct stat st;

	return stat(FILE_NAME, &st) ? 0 : st.st_size;
}

/* Bytes of the file when it has all packets up to @nr. */
static long size_for(const size_t *len, int nr)
{
	long size = START_LEN;
	int i;

	for (i = 0; i < nr; i++)
		size += 32 + ((len[i] + 3) & ~3);
	return size;
}

/*
 * The interface is up once tapdump has it. The file is written in large pieces, so
 * frames in flight are bounded by time alone.
 */
static const char *send_all(int far, uint8_t **frame, const size_t *len, pid_t pid)
{
	uint64_t deadline = vg_deadline_ms(60000);
	ssize_t ret;
	int i;

	for (i = 0; i < FRAMES;) {
		ret = vg_packet_send(far, NULL, frame[i], len[i]);
		if (ret == (ssize_t)len[i]) {
			i++;
			if (i % BURST == 0)
				usleep(5000);
			continue;
		}
		if (ret != -ENETDOWN && ret != -EAGAIN && ret != -EIO)
			return strerror(-ret);
		if (vg_expired(deadline) || waitpid(pid, NULL, WNOHANG))
			return "no tapdump takes the frames";
		usleep(1000);
	}
	return NULL;
}

TEST_F_TIMEOUT(dump, replays_what_it_took, 300)
{
	uint8_t got[MTU + 64];
	ssize_t len;
	pid_t pid;
	int i;

	pid = start(self->name, variant->is_tun, "-w");
	/* Frames go nowhere until there is a carrier. */
	while (file_size() < START_LEN && !waitpid(pid, NULL, WNOHANG))
		usleep(1000);
	ASSERT_FINE(send_all(self->far, self->frame, self->len, pid));
	ASSERT_EQ(0, status_of(pid));
	EXPECT_EQ(size_for(self->len, FRAMES), file_size());
	pid = start(self->name, variant->is_tun, "-r");
	for (i = 0; i < FRAMES; i++) {
		ASSERT_LT(0, vg_wait_fd(self->far, POLLIN, vg_deadline_ms(10000)));
		len = vg_packet_recv(self->far, NULL, got, sizeof(got));
		ASSERT_EQ((ssize_t)self->len[i], len) {
			TH_LOG("frame %d", i);
		}
		ASSERT_EQ(0, memcmp(got, self->frame[i], len)) {
			TH_LOG("frame %d", i);
		}
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(-EAGAIN, vg_packet_recv(self->far, NULL, got, sizeof(got)));
	/* A file that ends within a packet. */
	ASSERT_EQ(0, truncate(FILE_NAME, size_for(self->len, 5) - 4));
	EXPECT_EQ(1, status_of(start(self->name, variant->is_tun, "-r")));
}

static void put_file(const void *data, size_t len)
{
	int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* Another machine's byte order, a block of an unknown type, a simple packet. */
TEST_F(dump, reads_other_files)
{
	uint16_t link = variant->is_tun ? 101 : 1;
	uint8_t file[28 + 20 + 16 + 144] = {
		0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d,
		0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0, 0, 0, 28,
		0, 0, 0, 1, 0, 0, 0, 20, 0, link, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20,
		0, 0, 0, 99, 0, 0, 0, 16, 1, 2, 3, 4, 0, 0, 0, 16,
		0, 0, 0, 3, 0, 0, 0, 144, 0, 0, 0, 125,
	};
	uint8_t *packet = file + 28 + 20 + 16 + 12, got[256];

	memcpy(packet, self->frame[0], 96 - (variant->is_tun ? ETH_HLEN : 0));
	packet[124] = 5;
	file[sizeof(file) - 1] = 144;
	put_file(file, sizeof(file));
	ASSERT_EQ(0, status_of(start(self->name, variant->is_tun, "-r")));
	ASSERT_EQ(125, vg_packet_recv(self->far, NULL, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(packet, got, 125));
	/* Its length goes beyond its block; the file is of another kind. */
	file[28 + 20 + 16 + 11] = 129;
	put_file(file, sizeof(file));
	EXPECT_EQ(1, status_of(start(self->name, variant->is_tun, "-r")));
	file[8] = 0;
	put_file(file, sizeof(file));
	EXPECT_EQ(1, status_of(start(self->name, variant->is_tun, "-r")));
	EXPECT_EQ(-EAGAIN, vg_packet_recv(self->far, NULL, got, sizeof(got)));
}

VD_TEST_MAIN
