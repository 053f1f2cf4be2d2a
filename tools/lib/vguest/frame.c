// SPDX-License-Identifier: GPL-2.0-only
/* Frames that prove their own integrity. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "frame.h"

#define FRAME_ETHERTYPE	0x88b5		/* local experiments */
#define FRAME_MAGIC	0x7664726dU
#define FRAME_TCP_LEN	40		/* IPv4 and TCP without options */
#define FRAME_GSO_SIZE	1448

#define POOL_SIZE	(1 << 17)	/* above twice the longest frame's need */

struct frame_tag {
	uint32_t magic;
	uint32_t len;			/* of the whole frame */
	uint64_t seq;
	uint64_t check;			/* over the fields above and the seed */
} __attribute__((packed));

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/*
 * Content is a window into a pool of random bytes, at an offset that the number
 * determines: generating each byte would cost more than the path under test.
 */
static const uint8_t *frame_content(uint64_t seq, uint32_t seed)
{
	static uint64_t pool[POOL_SIZE / 8 + VG_FRAME_MAX / 8 + 1];
	static uint32_t pool_seed;
	static bool filled;
	size_t i;

	if (!filled || pool_seed != seed) {
		for (i = 0; i < sizeof(pool) / 8; i++)
			pool[i] = mix(((uint64_t)seed << 32) + i);
		pool_seed = seed;
		filled = true;
	}
	return (const uint8_t *)pool + mix(seq ^ seed) % POOL_SIZE;
}

static uint64_t tag_check(const struct frame_tag *t, uint32_t seed)
{
	return mix(mix(t->seq + seed) ^ ((uint64_t)t->magic << 32 | t->len));
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void tcp_headers(uint8_t *p, size_t len)
{
	memset(p, 0, FRAME_TCP_LEN);
	p[0] = 0x45;
	/* Longer than the field can hold; the host does not read it. */
	put16(p + 2, len > 0xffff ? 0xffff : len);
	p[8] = 64;
	p[9] = 6;
	memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	put16(p + 20, 1024);
	put16(p + 22, 1025);
	p[32] = 5 << 4;
	p[33] = 0x10;
}

void vg_frame_build(void *frame, size_t len, uint64_t seq, uint32_t seed,
		    bool gso, struct virtio_net_hdr *hdr)
{
	struct frame_tag tag = { .magic = FRAME_MAGIC, .len = len, .seq = seq };
	uint8_t *p = frame;
	size_t at = ETH_HLEN;

	memset(hdr, 0, sizeof(*hdr));
	memcpy(p, "\x02\x76\x64\x00\x00\x02\x02\x76\x64\x00\x00\x01", 12);
	put16(p + 12, gso ? ETH_P_IP : FRAME_ETHERTYPE);
	if (gso) {
		tcp_headers(p + at, len - at);
		at += FRAME_TCP_LEN;
		hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		hdr->hdr_len = at;
		hdr->gso_size = FRAME_GSO_SIZE;
		hdr->csum_start = ETH_HLEN + 20;
		hdr->csum_offset = 16;
	}
	tag.check = tag_check(&tag, seed);
	memcpy(p + at, &tag, sizeof(tag));
	at += sizeof(tag);
	memcpy(p + at, frame_content(seq, seed), len - at);
}

const char *vg_frame_check(const void *frame, size_t len, uint32_t seed,
			   uint64_t *seq)
{
	const uint8_t *p = frame;
	struct frame_tag tag;
	size_t at = ETH_HLEN;

	if (len < VG_FRAME_MIN)
		return "shorter than any that was sent";
	if (p[12] == (ETH_P_IP >> 8) && p[13] == (ETH_P_IP & 0xff))
		at += FRAME_TCP_LEN;
	memcpy(&tag, p + at, sizeof(tag));
	at += sizeof(tag);
	if (tag.magic != FRAME_MAGIC)
		return "not one of ours";
	if (tag.check != tag_check(&tag, seed))
		return "its tag is damaged";
	if (tag.len != len)
		return "its length changed";
	if (memcmp(p + at, frame_content(tag.seq, seed), len - at))
		return "its content changed";
	*seq = tag.seq;
	return NULL;
}

size_t vg_frame_len(uint64_t seq, uint32_t seed, size_t min, size_t max)
{
	uint64_t r = mix(seq * 2 + 1 + ((uint64_t)seed << 32));
	size_t low = min, high;
	unsigned int steps = 0, pick;

	if (r % 16 == 0)
		return r & 0x100 ? max : min;
	while ((min << (steps + 1)) < max)
		steps++;
	pick = (r >> 16) % (steps + 1);
	low = min << pick;
	high = pick == steps ? max : (min << (pick + 1)) - 1;
	return low + (r >> 32) % (high - low + 1);
}
